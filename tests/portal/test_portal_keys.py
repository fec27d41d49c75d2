"""API keys in the tenant portal: created, shown once, changed, rotated and revoked by members."""

import io
import logging
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone, translation
from pytest_django import DjangoAssertNumQueries

from accounts import once
from accounts.models import (
    APIKey,
    AuditEntry,
    FormResult,
    KeyKind,
    Purpose,
    Role,
    SigningSecret,
    Tenant,
    User,
)
from accounts.pages.key_forms import KeyForm
from accounts.pages.key_states import KeyState, state_of
from tests.conftest import NOW, Caller, make_caller
from tests.support.console import Form
from tests.support.members import Member, after, words
from tests.support.people import at_once, leads_to
from tests.support.stored import everything_stored

KEY = re.compile(r"rly_[0-9A-Za-z]{8}_[0-9A-Za-z]{49}")
OF_ONE_KEY = ("account:key", "account:rotate-key", "account:revoke-key")


@pytest.fixture
def alice(owner: Caller) -> Member:
    return Member(owner.tenant)


@pytest.fixture
def member(owner: Caller) -> Member:
    return Member(owner.tenant, Role.MEMBER)


@pytest.fixture
def viewer(owner: Caller) -> Member:
    return Member(owner.tenant, Role.VIEWER)


def key_of(caller: Caller) -> APIKey:
    assert caller.key is not None
    return APIKey.objects.get(pk=caller.key.pk)


def form(**changes: Any) -> dict[str, Any]:
    return {"name": "a program", "scopes": ["read"], "form_id": str(uuid4()), **changes}


def shown(answer: Any) -> list[str]:
    """The distinct keys that an answer shows, or the page it leads to."""
    return sorted(set(KEY.findall(after(answer).content.decode())))


# --- a new key


def test_a_new_key_is_shown_once_and_works(alice: Member) -> None:
    [text] = shown(alice.post("account:new-key", **form()))
    assert Caller(text).get("/v1/models").status_code == 200
    made = APIKey.objects.get(name="a program")
    pages = [alice.get("account:keys"), alice.get("account:new-key")]
    pages += [alice.get(page, made.pk) for page in OF_ONE_KEY]
    for page in pages:
        assert page.status_code == 200
        assert text.rpartition("_")[2] not in page.content.decode()


def test_a_new_key_pair_is_shown_once(alice: Member) -> None:
    answer = alice.post("account:new-key", **form(kind="pair", scopes=["read", "write"]))
    made = APIKey.objects.get(name="a program")
    assert (made.kind, made.scopes) == (KeyKind.PAIR, ["read", "write"])
    secret = SigningSecret.objects.get(key=made).secret
    shown_text = words(after(answer))
    assert f"SecretId Copy {made.prefix}" in shown_text
    assert f"SecretKey Copy {secret}" in shown_text
    assert "testserver" in shown_text
    assert "Authorization: Bearer" not in shown_text
    assert secret not in everything_stored()
    for page in ("account:keys", "account:new-key"):
        assert secret not in alice.get(page).content.decode()
    for page in OF_ONE_KEY:
        seen = alice.see(page, made.pk)
        assert secret not in seen
        assert made.prefix in seen
        assert f"{made.prefix}…" not in seen


def test_a_rotated_key_pair_is_shown_once(alice: Member) -> None:
    pair, _ = APIKey.objects.mint(alice.tenant, "a pair", kind=KeyKind.PAIR)
    answer = alice.post("account:rotate-key", pair.pk, overlap="day")
    new = APIKey.objects.get(replaces=pair)
    assert new.prefix != pair.prefix
    assert SigningSecret.objects.get(key=new).secret in words(after(answer))


def test_an_unknown_kind_of_key_is_refused(alice: Member) -> None:
    answer = alice.post("account:new-key", **form(kind="magic"))
    assert answer.context["form"].errors["kind"]
    assert not APIKey.objects.filter(name="a program").exists()


def test_the_page_with_a_new_key_shows_a_command_to_list_models(alice: Member) -> None:
    answer = alice.post("account:new-key", **form())
    [text] = shown(answer)
    assert f'curl http://testserver/v1/models -H "Authorization: Bearer {text}"' in words(after(answer))


def test_a_new_key_is_in_no_row_session_cookie_or_log(alice: Member) -> None:
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    logging.getLogger().addHandler(handler)
    try:
        answer = alice.post("account:new-key", **form())
    finally:
        logging.getLogger().removeHandler(handler)
    [text] = shown(answer)
    secret = text.rpartition("_")[2]
    assert "an API key was made" in written.getvalue()
    cookies = alice.client.cookies.output() + answer.cookies.output()
    for left in (everything_stored(), written.getvalue(), cookies):
        assert secret not in left


@pytest.mark.parametrize("page", ["account:new-key", "account:rotate-key"])
def test_a_page_that_shows_a_key_is_not_cached(page: str, alice: Member, owner: Caller) -> None:
    which = [key_of(owner).pk] if page == "account:rotate-key" else []
    answer = after(alice.post(page, *which, **form(overlap="day")))
    assert shown(answer)
    assert "no-store" in answer["Cache-Control"]


def test_a_tenant_reads_of_videos_where_staff_read_of_tasks(alice: Member, owner: Caller) -> None:
    for page in (alice.see("account:new-key"), alice.see("account:key", key_of(owner).pk)):
        assert "Videos per minute" in page
        assert "asks per minute" not in page


def test_a_new_key_has_the_values_of_the_form(alice: Member) -> None:
    limits = {
        "scopes": ["read", "manage"],
        "expires_at": "2099-01-01T08:30",
        "allowed_models": ["Kling-3.0-720p", "Vidu-q2-1080p"],
        "allowed_networks": "203.0.113.0/24,2001:db8::/32",
        "requests_per_minute": "10",
        "spend_per_month": "9.5",
    }
    assert shown(alice.post("account:new-key", **form(**limits)))
    key = APIKey.objects.get(name="a program")
    assert (key.tenant, key.scopes, key.purpose) == (alice.tenant, ["read", "manage"], Purpose.PROGRAM)
    assert key.expires_at == datetime(2099, 1, 1, 8, 30, tzinfo=UTC)
    assert key.allowed_models == ["Kling-3.0-720p", "Vidu-q2-1080p"]
    assert key.allowed_networks == ["203.0.113.0/24", "2001:db8::/32"]
    assert (key.requests_per_minute, key.spend_per_month) == (10, Decimal("9.5"))


def test_the_expiry_of_a_key_is_in_the_viewers_time_zone(alice: Member) -> None:
    alice.client.cookies["time_zone"] = "Asia/Shanghai"
    alice.post("account:new-key", **form(expires_at="2099-01-01T08:30"))
    assert APIKey.objects.get(name="a program").expires_at == datetime(2099, 1, 1, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("scopes", [], "This field is required."),
        ("scopes", ["fly"], "Select a valid choice. fly is not one of the available choices."),
        ("name", "", "This field is required."),
        ("expires_at", "2020-01-01T00:00", "Choose a time in the future."),
        ("allowed_networks", "203.0.113.0/24,somewhere", "somewhere is no network; write one such as"),
        ("allowed_networks", "203.0.113.1/24", "203.0.113.1/24 is no network"),
        ("allowed_networks", ",".join(["203.0.113.0/24"] * 101), "it should contain no more than 100."),
        (
            "allowed_models",
            ["Kling-9"],
            "Select a valid choice. Kling-9 is not one of the available choices.",
        ),
        ("requests_per_minute", "-1", "Ensure this value is greater than or equal to 0."),
        ("spend_per_month", "-0.01", "Ensure this value is greater than or equal to 0."),
    ],
)
def test_an_invalid_value_is_reported_beside_its_field(
    field: str, value: Any, message: str, alice: Member, owner: Caller
) -> None:
    answer = alice.post("account:new-key", **form(**{field: value}))
    assert message in " ".join(answer.context["form"].errors[field])
    page = answer.content.decode()
    assert f'id="id_{field}_error"' in page
    assert 'aria-invalid="true"' in page
    assert APIKey.objects.get() == owner.key


def test_a_form_sent_twice_makes_one_key_and_shows_it_again(alice: Member, member: Member) -> None:
    sent = form()
    first, again = alice.post("account:new-key", **sent), alice.post("account:new-key", **sent)
    assert first.url == again.url
    [text] = shown(first)
    assert shown(again) == [text]
    assert APIKey.objects.filter(name="a program").count() == 1
    assert Caller(text).get("/v1/models").status_code == 200
    assert AuditEntry.objects.count() == 1
    assert leads_to(member.client.get(first.url)) == member.url("account:keys")
    assert shown(member.client.get(first.url)) == []


def test_the_text_of_a_key_is_shown_for_ten_minutes_or_until_it_is_copied(
    alice: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = timezone.now()
    copied, left = (alice.post("account:new-key", **form(name=name)).url for name in ("one", "two"))
    assert leads_to(alice.client.post(copied)) == alice.url("account:keys")
    assert "can no longer be shown" in words(alice.client.get(copied, follow=True))
    for minutes, is_shown in ((9, True), (11, False)):
        monkeypatch.setattr(timezone, "now", lambda at=now + timedelta(minutes=minutes): at)
        assert bool(shown(alice.client.get(left))) is is_shown
    once.remove_expired(now + timedelta(minutes=11))
    assert not FormResult.objects.filter(result__isnull=False).exists()
    assert FormResult.objects.count() == 2
    once.remove_expired(now + timedelta(days=31))
    assert not FormResult.objects.exists()


def test_a_form_sent_again_with_other_values_makes_nothing_and_asks(alice: Member) -> None:
    sent = form()
    alice.post("account:new-key", **sent)
    answer = alice.post("account:new-key", **{**sent, "name": "another"})
    assert "already sent with other values" in words(answer)
    assert not APIKey.objects.filter(name="another").exists()
    renewed = Form(answer.content.decode()).fields
    assert renewed["name"] == "another"
    assert shown(alice.client.post(alice.url("account:new-key"), renewed))


@pytest.mark.django_db(transaction=True)
def test_of_two_identical_forms_at_once_one_makes_the_key_and_both_show_it(alice: Member) -> None:
    sent = form()

    def send() -> list[str]:
        browser = Client()
        browser.force_login(alice.user)
        return shown(browser.post(alice.url("account:new-key"), sent))

    texts = at_once(*[send] * 4)
    assert APIKey.objects.filter(name="a program").count() == 1
    assert len(texts[0]) == 1
    assert texts == [texts[0]] * 4


def test_a_form_without_its_id_makes_no_key(alice: Member, owner: Caller) -> None:
    assert shown(alice.post("account:new-key", **form(form_id=""))) == []
    assert APIKey.objects.get() == owner.key


def test_the_form_ids_of_two_tenants_are_independent(alice: Member, stranger: Caller) -> None:
    sent = form()
    assert shown(alice.post("account:new-key", **sent))
    assert shown(Member(stranger.tenant).post("account:new-key", **sent))


# --- the list


def states(key: APIKey) -> list[KeyState]:
    return [state_of(key, moment) for moment in (NOW, NOW + timedelta(hours=2))]


def test_each_key_has_one_state(owner: Caller, mate: Caller) -> None:
    key, replaced, revoked = key_of(owner), key_of(mate), key_of(make_caller(owner.tenant))
    assert states(key) == [KeyState.WORKS] * 2
    key.expires_at = NOW + timedelta(hours=1)
    assert states(key) == [KeyState.ENDS, KeyState.EXPIRED]
    replaced.rotate(NOW, timedelta(hours=1))
    assert states(replaced) == [KeyState.LEAVES, KeyState.REPLACED]
    revoked.rotate(NOW, timedelta(hours=1))
    revoked.revoke(NOW)
    assert states(revoked) == [KeyState.REVOKED] * 2


def test_the_list_shows_the_state_of_each_key_and_where_it_was_used(alice: Member, owner: Caller) -> None:
    key = key_of(owner)
    key.record_use(NOW, None)
    APIKey.objects.filter(pk=key.pk).update(last_used_address="203.0.113.9")
    page = alice.see("account:keys")
    for part in ("owner", f"{key.prefix}…", "Active", "read, write", "2026-11-20 12:00", "from 203.0.113.9"):
        assert part in page
    assert key.digest not in alice.get("account:keys").content.decode()


def test_ended_keys_are_listed_separately(alice: Member, owner: Caller, mate: Caller) -> None:
    key_of(mate).revoke(NOW)
    assert ("owner" in alice.see("account:keys"), "mate" in alice.see("account:keys")) == (True, False)
    ended = alice.see("account:keys", ended="")
    assert "mate" in ended
    assert "Revoked" in ended


def test_keys_of_the_portal_and_console_are_not_listed(alice: Member, owner: Caller) -> None:
    with translation.override("zh-hans"):
        key = APIKey.objects.of_people(owner.tenant, Purpose.PORTAL)
    assert key.name == "tenant portal"
    assert key.prefix not in alice.get("account:keys").content.decode()
    for page in OF_ONE_KEY:
        assert alice.get(page, key.pk).status_code == 404


def test_many_keys_are_paged(alice: Member, owner: Caller) -> None:
    for number in range(60):
        make_caller(owner.tenant, f"number {number:02}.")
    first = alice.get("account:keys")
    second = alice.client.get(alice.url("account:keys") + first.context["page"].older)
    seen = [re.findall(r"number \d\d\.", words(page)) for page in (first, second)]
    assert len(set(seen[0])) == 50
    assert sorted({*seen[0], *seen[1]}) == [f"number {number:02}." for number in range(60)]
    assert second.context["page"].older == ""
    assert alice.get("account:keys", before="x" * 30).context["page"].newest == ""


# --- changing


def test_name_and_limits_can_be_changed_and_the_key_still_works(alice: Member, owner: Caller) -> None:
    changes: dict[str, Any] = {"name": "renamed", "scopes": ["read", "write"], "requests_per_minute": "7"}
    answer = alice.post("account:key", key_of(owner).pk, **changes)
    assert answer.status_code == 302
    key = key_of(owner)
    assert (key.name, key.requests_per_minute, key.scopes) == ("renamed", 7, ["read", "write"])
    assert owner.get("/v1/models").status_code == 200


def test_an_unchanged_form_changes_nothing(alice: Member, owner: Caller) -> None:
    ended = NOW - timedelta(minutes=1, seconds=5)
    APIKey.objects.update(expires_at=ended, allowed_models=["GV-3.1-720p"], scopes=["read"])
    before = APIKey.objects.values().get()
    fields = Form(alice.get("account:key", key_of(owner).pk).content.decode()).fields
    assert fields["expires_at"] == "2026-11-20T11:58:55"
    assert alice.client.post(alice.url("account:key", key_of(owner).pk), fields).status_code == 302
    assert APIKey.objects.values().get() == before


def test_what_somebody_else_changed_meanwhile_is_kept(alice: Member, owner: Caller) -> None:
    APIKey.objects.update(scopes=["write"])
    sent: dict[str, Any] = {**Form(alice.get("account:key", key_of(owner).pk).content.decode()).fields}
    APIKey.objects.update(requests_per_minute=5, scopes=["read", "write"], allowed_networks=["10.0.0.0/8"])
    alice.post("account:key", key_of(owner).pk, **{**sent, "name": "renamed"})
    key = key_of(owner)
    assert (key.name, key.requests_per_minute, key.scopes) == ("renamed", 5, ["read", "write"])
    assert key.allowed_networks == ["10.0.0.0/8"]
    assert AuditEntry.objects.get().after == {"name": "renamed"}


def test_an_invalid_change_is_reported_and_changes_nothing(alice: Member, owner: Caller) -> None:
    answer = alice.post("account:key", key_of(owner).pk, name="", scopes=["read"])
    assert "This field is required." in words(answer)
    assert "owner" in words(answer)
    assert key_of(owner).scopes == ["read", "write"]


def test_the_end_of_a_replaced_key_cannot_be_extended(alice: Member, owner: Caller) -> None:
    key = key_of(owner)
    key.rotate(timezone.now(), timedelta(hours=1))
    assert "expires_at" not in alice.get("account:key", key.pk).context["form"].fields
    alice.post("account:key", key.pk, name="renamed", scopes=["read"], expires_at="")
    assert (key_of(owner).name, key_of(owner).expires_at) == ("renamed", key.expires_at)


def test_a_revoked_key_cannot_be_changed(alice: Member, owner: Caller) -> None:
    key_of(owner).revoke(NOW)
    assert alice.get("account:key", key_of(owner).pk).context["form"] is None
    answer = alice.client.post(
        alice.url("account:key", key_of(owner).pk), {"name": "new", "scopes": ["read"]}, follow=True
    )
    assert "revoked in the meantime" in words(answer)
    assert key_of(owner).name == "owner"


# --- rotation


@pytest.mark.parametrize(
    ("overlap", "works"),
    [("none", timedelta(0)), ("day", timedelta(hours=24)), ("week", timedelta(days=7))],
)
def test_a_rotation_shows_the_new_key_once_and_the_old_one_works_for_the_overlap(
    overlap: str, works: timedelta, alice: Member, owner: Caller
) -> None:
    before = timezone.now()
    answer = alice.post("account:rotate-key", key_of(owner).pk, overlap=overlap)
    [text] = shown(answer)
    assert Caller(text).get("/v1/models").status_code == 200
    assert text.rpartition("_")[2] not in everything_stored()
    ends = key_of(owner).expires_at
    assert ends is not None
    assert before + works <= ends <= timezone.now() + works
    assert owner.get("/v1/models").status_code == (200 if works else 401)
    assert ("no longer works" if not works else "works until") in words(after(answer))


def test_a_rotation_sent_twice_makes_one_key_and_shows_it_again(alice: Member, owner: Caller) -> None:
    sent = form(overlap="day")
    [text] = shown(alice.post("account:rotate-key", key_of(owner).pk, **sent))
    assert shown(alice.post("account:rotate-key", key_of(owner).pk, **sent)) == [text]
    another = alice.post("account:rotate-key", key_of(owner).pk, overlap="day")
    assert shown(another) == []
    assert "was already replaced by" in words(another)
    changed = alice.post("account:rotate-key", key_of(owner).pk, **{**sent, "overlap": "none"})
    assert "already sent with other values" in words(changed)
    assert APIKey.objects.count() == 2


@pytest.mark.parametrize("overlap", ["", "for ever"])
def test_an_invalid_overlap_rotates_nothing(overlap: str, alice: Member, owner: Caller) -> None:
    assert shown(alice.post("account:rotate-key", key_of(owner).pk, overlap=overlap)) == []
    assert key_of(owner).replaced_by_id is None


def test_an_ended_key_cannot_be_rotated(alice: Member, owner: Caller) -> None:
    key_of(owner).revoke(NOW)
    answer = alice.post("account:rotate-key", key_of(owner).pk, overlap="day")
    assert "It no longer works" in words(answer)
    assert APIKey.objects.count() == 1


# --- revocation


def test_a_revoked_key_is_refused_at_the_next_request(alice: Member, owner: Caller, mate: Caller) -> None:
    assert "Revoke the key" in alice.see("account:revoke-key", key_of(owner).pk)
    assert owner.get("/v1/models").status_code == 200
    assert alice.post("account:revoke-key", key_of(owner).pk).status_code == 302
    assert owner.get("/v1/models").status_code == 401
    assert mate.get("/v1/models").status_code == 200


def test_revoking_again_keeps_the_first_time(alice: Member, owner: Caller) -> None:
    key_of(owner).revoke(NOW)
    alice.post("account:revoke-key", key_of(owner).pk)
    assert key_of(owner).revoked_at == NOW


# --- permissions


def post_everything(person: Member, key: APIKey, tenant: Tenant | None = None) -> list[int]:
    answers = [person.post("account:new-key", tenant=tenant, **form())]
    answers += [
        person.post(page, key.pk, tenant=tenant, **form(name="renamed", overlap="day")) for page in OF_ONE_KEY
    ]
    return [answer.status_code for answer in answers]


def test_members_can_do_everything(member: Member, owner: Caller) -> None:
    assert post_everything(member, key_of(owner)) == [302, 302, 302, 302]


def test_viewers_can_only_look(viewer: Member, owner: Caller) -> None:
    before = list(APIKey.objects.values())
    page = viewer.get("account:keys").content.decode()
    assert "owner" in page
    assert viewer.url("account:new-key") not in page
    assert viewer.get("account:key", key_of(owner).pk).context["form"] is None
    for name in ("account:rotate-key", "account:revoke-key"):
        assert viewer.get(name, key_of(owner).pk).status_code == 403
    assert post_everything(viewer, key_of(owner)) == [403] * 4
    assert list(APIKey.objects.values()) == before


def test_another_tenants_keys_are_not_found(alice: Member, owner: Caller, stranger: Caller) -> None:
    before = list(APIKey.objects.order_by("pk").values())
    foreign = key_of(stranger)
    assert post_everything(alice, foreign)[1:] == [404] * 3
    assert post_everything(alice, foreign, tenant=stranger.tenant) == [404] * 4
    assert [alice.get(page, foreign.pk).status_code for page in OF_ONE_KEY] == [404] * 3
    assert alice.get("account:keys", tenant=stranger.tenant).status_code == 404
    assert list(APIKey.objects.filter(name__in=["owner", "stranger"]).order_by("pk").values()) == before


def test_portal_and_console_share_the_rules_of_a_key() -> None:
    from accounts.console.keys import APIKeyForm

    assert issubclass(APIKeyForm, KeyForm)


def test_the_list_takes_few_queries(
    alice: Member, owner: Caller, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(20):
        caller = make_caller(owner.tenant, f"key {number}")
        key_of(caller).rotate(timezone.now(), timedelta(hours=1))
    with django_assert_max_num_queries(8):
        alice.get("account:keys")


# --- the audit log


def record() -> list[tuple[str, dict[str, Any], dict[str, Any]]]:
    changes = AuditEntry.objects.order_by("id")
    return [(change.subject, change.before, change.after) for change in changes]


def test_changes_of_a_key_are_in_the_audit_log_with_their_author(alice: Member) -> None:
    same = form()
    [text] = shown(alice.post("account:new-key", **same))
    alice.post("account:new-key", **same)  # the same form again
    key = APIKey.objects.get(name="a program")
    alice.post("account:key", key.pk, name="b", scopes=["read"], requests_per_minute="10")
    alice.post("account:key", key.pk, name="b", scopes=["read"], requests_per_minute="10")
    [other] = shown(alice.post("account:rotate-key", key.pk, overlap="none"))
    alice.post("account:rotate-key", key.pk, overlap="none")  # already replaced
    new = APIKey.objects.get(replaces=key)
    alice.post("account:revoke-key", new.pk)
    alice.post("account:revoke-key", new.pk)
    made, changed, ended, in_its_place, revoked = record()
    assert made[0] == f"API key a program ({key.prefix}…)"
    assert (made[1], made[2]["name"], made[2]["scopes"]) == ({}, "a program", ["read"])
    assert changed[1:] == (
        {"name": "a program", "requests_per_minute": None},
        {"name": "b", "requests_per_minute": 10},
    )
    assert (set(ended[1]), ended[2]["replaced_by"]) == ({"expires_at", "replaced_by"}, str(new))
    assert (in_its_place[0], in_its_place[2]["requests_per_minute"]) == (f"API key {new}", 10)
    assert (revoked[0], revoked[1]) == (f"API key {new}", {"revoked_at": None})
    actors = set(AuditEntry.objects.values_list("actor", "tenant", "place"))
    assert actors == {(alice.user.pk, alice.tenant.pk, "portal")}
    for secret in (*text.split("_")[2:], *other.split("_")[2:], key.digest, new.digest):
        assert secret not in str(record())


def test_a_change_and_its_audit_entry_are_written_together(alice: Member, owner: Caller) -> None:
    User.objects.filter(pk=alice.user.pk).update(username="")  # the audit log needs an author
    with pytest.raises(IntegrityError), transaction.atomic():
        alice.post("account:revoke-key", key_of(owner).pk)
    assert key_of(owner).revoked_at is None
