"""The audit log: each change by a person has one entry with author, place and values, without secrets."""

import logging
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command
from django.utils import translation

from accounts import audit
from accounts.models import AuditEntry, AuditPlace, Membership, Role, Tenant, User
from accounts.pages.audit_sentences import sentence
from tests.conftest import NOW, Caller
from tests.support.console import Person
from tests.support.people import PASSWORD, Browser, code_of, device_of, make_person, wrong
from tests.support.rows import check_each
from videos.models import UpstreamAccount

ADDRESS = "127.0.0.1"
SECRET = "a-secret-that-nobody-may-read"
PEOPLE, GROUPS, ACCOUNTS = (
    "/admin/accounts/user/",
    "/admin/auth/group/",
    "/admin/videos/upstreamaccount/",
)


def entries() -> list[tuple[str, dict[str, Any], dict[str, Any]]]:
    """All entries, oldest first."""
    return [(entry.subject, entry.before, entry.after) for entry in AuditEntry.objects.order_by("id")]


@pytest.fixture
def sophie(db: None) -> Person:
    return Person("sophie")


@pytest.fixture
def account(db: None) -> UpstreamAccount:
    return UpstreamAccount.objects.create(name="main", secret_id="AKID1", secret_key=SECRET)


# --- the console


def test_staff_changes_to_an_upstream_account_are_recorded_without_its_secret(
    sophie: Person, account: UpstreamAccount
) -> None:
    page = f"{ACCOUNTS}{account.pk}/change/"
    sophie.fill_in(page, secret_id="AKID2", new_secret_key=f"{SECRET}2", creates_per_second="5")
    sophie.fill_in(page)  # changes nothing
    [entry] = AuditEntry.objects.all()
    assert (entry.subject, entry.actor, entry.actor_name) == ("upstream account main", sophie.user, "sophie")
    assert (entry.address, entry.place) == (ADDRESS, AuditPlace.CONSOLE)
    assert entry.before == {"creates_per_second": "9.0"}
    changed = {"secret_id": "changed", "new_secret_key": "changed", "creates_per_second": "5.0"}
    assert entry.after == changed
    sophie.client.post(f"{ACCOUNTS}{account.pk}/delete/", {"post": "yes"})
    deleted = AuditEntry.objects.latest("id")
    assert (deleted.before["name"], deleted.after) == ("main", {})
    assert SECRET not in str(entries())


def test_staff_changes_to_people_and_groups_are_recorded(sophie: Person, owner: Caller) -> None:
    may_view = Permission.objects.get(codename="view_tenant")
    sophie.fill_in(f"{GROUPS}add/", name="support", permissions=str(may_view.pk))
    group = Group.objects.get()
    new = {"username": "dora", "usable_password": "true", "password1": PASSWORD, "password2": PASSWORD}
    sophie.fill_in(f"{PEOPLE}add/", **new)
    dora = User.objects.get(username="dora")
    sophie.fill_in(f"{PEOPLE}{dora.pk}/change/", is_staff="on", groups=str(group.pk))
    words = {"password1": "another one", "password2": "another one"}
    sophie.client.post(f"{PEOPLE}{dora.pk}/password/", {**new, **words})
    place = {"memberships-0-tenant": str(owner.tenant.pk), "memberships-0-role": "viewer"}
    sophie.fill_in(f"{PEOPLE}{dora.pk}/change/", **place, **{"memberships-TOTAL_FORMS": "1"})
    sophie.client.post(f"{PEOPLE}{dora.pk}/delete/", {"post": "yes"})
    made, joined_us, raised, password, joined, gone = entries()
    assert (made[0], made[2]["name"]) == ("group support", "support")
    assert made[2]["permissions"] == [str(may_view)]
    assert (joined_us[0], joined_us[2]["username"]) == ("person dora", "dora")
    assert raised[1:] == ({"is_staff": False, "groups": []}, {"is_staff": True, "groups": ["support"]})
    assert (password[0], set(password[2].values())) == ("person dora", {"changed"})
    assert joined == ("membership of dora", {}, {"tenant": "Alice", "role": "viewer"})
    assert (gone[0], gone[1]["username"]) == ("person dora", "dora")
    assert not any(word in str(entries()) for word in (PASSWORD, "another one", dora.password))
    assert not LogEntry.objects.exists()


def test_the_history_of_a_row_is_its_audit_log_entries(sophie: Person, account: UpstreamAccount) -> None:
    page = f"{ACCOUNTS}{account.pk}/"
    assert "No entries yet" in sophie.see(f"{page}history/")
    sophie.fill_in(f"{page}change/", creates_per_second="5")
    shown = sophie.see(f"{page}history/")
    assert "sophie" in shown
    assert "sophie changed the upstream account main: creates per second 9.0 → 5.0" in shown
    assert Person("tim", "view_tenant").get(f"{page}history/").status_code == 403
    assert sophie.get(f"{ACCOUNTS}12345/history/").status_code == 404


def test_the_history_of_a_row_goes_on_when_it_is_renamed(sophie: Person, owner: Caller) -> None:
    tenant = owner.tenant
    audit.record_row(sophie.author, tenant, ({"retention_days": 5}, {"retention_days": 9}), NOW)
    audit.record_change(sophie.author, audit.About.QUOTA.named(tenant), ({}, {"is_own": True}), NOW)
    tenant.name = "Alicia"
    tenant.save(update_fields=["name"])
    other = Tenant.objects.create(name="Alice")
    assert [entry.subject for entry in audit.of_row(tenant, 9)] == ["quota of Alice", "tenant Alice"]
    assert not audit.of_row(other, 9)


def test_the_history_has_entries_of_earlier_releases_under_the_same_name(
    sophie: Person, owner: Caller
) -> None:
    old = audit.record(sophie.author, audit.Subject("tenant Alice"), "", {}, {"name": "Alice"}, NOW)
    new = audit.record(sophie.author, audit.subject_of(owner.tenant), "", {}, {"name": "Alice"}, NOW)
    assert [*audit.of_row(owner.tenant, 9)] == [new, old]


# --- entries as sentences

CREATED = {"name": "a program", "scopes": ["read", "write"], "expires_at": None, "allowed_models": []}
ENTRIES: tuple[tuple[str, dict[str, Any], dict[str, Any], str, str], ...] = (
    (
        "quota of Alice",
        {"is_own": False, "concurrent_tasks": 5, "spend_per_day": None, "when_full": "refuse"},
        {"is_own": True, "concurrent_tasks": 10, "spend_per_day": "9.50", "when_full": "queue"},
        "sophie changed the quota of Alice: own quota no → yes; concurrent tasks 5 → 10;"
        " spend per day unlimited → 9.50; when full refuse it → let it wait",
        "sophie 更改了 Alice 的配额",
    ),
    (
        "tenant Alice",
        {"suspended_at": None},
        {"suspended_at": "2026-11-20T12:00:00.123456+00:00"},
        "sophie changed the tenant Alice: suspended at none → 2026-11-20 12:00:00",
        "sophie 更改了租户 Alice",
    ),
    (
        "API key a program (rly_1234…)",
        {},
        CREATED,
        "sophie created the API key a program (rly_1234…): name a program; scopes read, write",
        "sophie 创建了 API 密钥 a program (rly_1234…)",
    ),
    (
        "upstream account main",
        {},
        {"secret_id": "changed", "new_secret_key": "changed"},
        "sophie changed the upstream account main: secret ID changed; secret key changed",
        "sophie 更改了上游账号 main",
    ),
    (
        "membership of bob",
        {"role": "owner"},
        {},
        "sophie removed the member bob: role Owner",
        "角色 所有者",
    ),
    (
        "balance of Alice",
        {"balance": "0.00"},
        {"balance": "5.00", "kind": "top_up", "form": "0199"},
        "sophie changed the balance of Alice: balance 0.00 → 5.00; kind none → Top-up",
        "余额 0.00 → 5.00",
    ),
    (
        "task task_01",
        {"status": "in_doubt"},
        {"action": "give_up", "status": "failed"},
        "sophie changed the task task_01: status In doubt → Failed; action none → Marked as failed by staff",
        "状态 待确认 → 失败",
    ),
    (
        "COS bucket of Alice",
        {},
        {"check": "failed", "steps": ["read: denied"]},
        "sophie changed the bucket of Alice: check not passed; failed steps Read: denied",
        "检查 未通过",
    ),
    (
        "upstream account main",
        {"condition": "open", "reason": "Unavailable"},
        {"condition": "working", "reason": ""},
        "sophie changed the upstream account main: condition Out of service → Working;"
        " reason Not reached → none",
        "状况",
    ),
    (
        "price list of Alice",
        {"price_list": None},
        {"price_list": "VIP"},
        "sophie changed the price list of Alice: price list Default list → VIP",
        "价目表",
    ),
    ("person bob", {}, {"sessions ended": 2}, "sophie changed the person bob: sessions ended 2", "会话 2"),
    ("secrets at rest", {}, {"a column": 3}, "sophie encrypted secrets anew: a column 3", "重新加密"),
    ("a 100 % odd thing", {"a_b": "<"}, {"a_b": "%"}, "sophie changed a 100 % odd thing: a b < → %", "< → %"),
    ("log-in of sophie", {}, {"succeeded": True}, "sophie logged in", "sophie 已登录"),
    (
        "log-in of bob",
        {},
        {"succeeded": False, "refused": "code", "closed": True},
        "The log-in of bob failed: wrong code; the log-in is locked now",
        "登录现已锁定",
    ),
)
"""Entries as this and earlier releases wrote them, with their sentence, and what is in the Chinese one."""


def test_entries_read_as_sentences_in_both_languages(sophie: Person) -> None:
    def holds(row: tuple[str, dict[str, Any], dict[str, Any], str, str]) -> None:
        subject, before, after, english, chinese = row
        entry = audit.record(sophie.author, audit.Subject(subject), "", before, after, NOW)
        assert sentence(entry) == english
        with translation.override("zh-hans"):
            assert chinese in sentence(entry)

    check_each(ENTRIES, holds)


# --- log-ins


def last() -> tuple[str, str, dict[str, Any]]:
    entry = AuditEntry.objects.latest("id")
    return entry.subject, entry.actor_name, entry.after


def test_log_ins_are_recorded_failed_ones_included(db: None) -> None:
    alice = make_person("alice")
    browser = Browser(REMOTE_ADDR="203.0.113.7")
    browser.log_in("alice", "wrong")
    assert last() == (
        "log-in of alice",
        "alice",
        {"succeeded": False, "refused": "password", "closed": False},
    )
    assert AuditEntry.objects.get().address == "203.0.113.7"
    browser.log_in("ALICE@people.example")
    assert last() == ("log-in of alice", "alice", {"succeeded": True})
    Browser().log_in(SECRET, "wrong")  # a password typed into the name field
    assert last()[:2] == ("log-in of (unknown)", "(unknown)")
    assert SECRET not in str(entries())
    device = device_of(alice)
    two_steps = Browser()
    two_steps.log_in("alice")
    assert last()[0] == "log-in of (unknown)"
    two_steps.post("/log-in/code/", code=wrong(code_of(device)))
    assert last()[2] == {"succeeded": False, "refused": "code", "closed": False}


def test_attempts_while_the_log_in_is_locked_are_not_recorded(db: None) -> None:
    make_person("alice")
    for _ in range(8):
        Browser(REMOTE_ADDR="203.0.113.7").log_in("alice", "wrong")
    failures = [after["closed"] for _subject, _before, after in entries()]
    assert failures == [False, False, False, False, True]


# --- the command line


def test_changes_by_commands_are_recorded(db: None, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("createtenant", "Dora", "--owner", "dora@people.example")
    made = AuditEntry.objects.order_by("id")
    assert {entry.place for entry in made} == {AuditPlace.COMMAND_LINE}
    assert all(entry.actor_name for entry in made)
    [tenant, key, invitation] = [entry.subject for entry in made]
    assert (tenant, invitation) == ("tenant Dora", "invitation of dora@people.example")
    assert key.startswith("API key first key (rly_")
    prefix = Tenant.objects.get().api_keys.get().prefix
    call_command("rotatekey", prefix)
    assert AuditEntry.objects.count() == 5
    printed = [word for word in capsys.readouterr().out.split('"') if len(word) > 40]
    assert len(printed) == 3
    assert not any(word in str(entries()) for word in printed)


# --- every entry


def test_each_entry_is_logged_once_it_is_committed(
    db: None, django_capture_on_commit_callbacks: Any, caplog: pytest.LogCaptureFixture
) -> None:
    alice = make_person("alice")
    with caplog.at_level(logging.INFO), django_capture_on_commit_callbacks(execute=True):
        by = audit.Author(alice, AuditPlace.OWN_PAGES, ADDRESS)
        audit.record(by, audit.Subject("nothing"), "", {"a": 1}, {"a": 2}, alice.date_joined)
        assert not caplog.records
    [record] = caplog.records
    event: Any = record.msg
    assert (event["event"], event["actor_name"], event["address"]) == ("audit", "alice", ADDRESS)
    assert (event["before"], event["after"]) == ({"a": 1}, {"a": 2})


def test_subjects_are_in_english_and_short(owner: Caller, settings: Any) -> None:
    def holds(row: tuple[Callable[[], Any], str]) -> None:
        make, expected = row
        assert audit.subject_of(make()).name == expected

    place = Membership(tenant=owner.tenant, user=make_person("bob"), role=Role.OWNER)
    rows: list[tuple[Callable[[], Any], str]] = [
        (lambda: owner.tenant, "tenant Alice"),
        (lambda: place, "membership of bob"),
        (lambda: User(username="x" * 300), "person " + "x" * 193),
    ]
    settings.LANGUAGE_CODE = "zh-hans"
    check_each(rows, holds)
