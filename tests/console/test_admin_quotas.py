"""A tenant's page in the staff console: limits, time zone and suspension change with a reason, audited."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest
from django.conf import LazySettings
from django.db import IntegrityError, transaction
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts import audit
from accounts.console.tenants import TABS
from accounts.models import (
    APIKey,
    AuditEntry,
    AuditPlace,
    CosBucket,
    Invitation,
    Membership,
    Quota,
    Standing,
    Tenant,
    User,
)
from accounts.quotas.in_force import limits_of
from tests.conftest import NOW, Caller
from tests.support.console import Person
from tests.support.members import Member
from tests.support.people import PASSWORD, Browser, link_in, mails
from tests.support.rows import check_each, rolled_back
from videos.models import UpstreamAccount

LIST, ADD = "/admin/accounts/tenant/", "/admin/accounts/tenant/add/"
CHANGES = "/admin/accounts/auditentry/"
WHY = "They asked for it."
NO_REASON = "Enter a reason for the change."


@pytest.fixture
def sophie(db: None) -> Person:
    return Person("sophie")


def page_of(tenant: Tenant, tab: str = "") -> str:
    return f"{LIST}{tenant.pk}/change/" + (f"?tab={tab}" if tab else "")


Changes = dict[str, str | None]


def quota(**limits: str | None) -> dict[str, str | None]:
    return {f"quota-0-{name}": value for name, value in limits.items()}


def nothing_changed() -> bool:
    return not Quota.objects.exists() and not AuditEntry.objects.exists()


# --- upstream accounts


def test_a_tenant_is_bound_to_its_own_accounts_with_a_reason(sophie: Person, owner: Caller) -> None:
    page = page_of(owner.tenant)
    assert sophie.fill_in(page, only_own_account="on").errors == [NO_REASON]
    assert not Tenant.objects.get().only_own_account
    assert sophie.fill_in(page, only_own_account="on", reason=WHY).errors == []
    assert Tenant.objects.get().only_own_account
    change = AuditEntry.objects.get()
    assert (change.subject, change.reason, change.tenant) == ("tenant Alice", WHY, owner.tenant)
    assert (change.before, change.after) == ({"only_own_account": False}, {"only_own_account": True})
    assert "sophie changed the tenant Alice: only on its own accounts no → yes" in sophie.see(CHANGES)


def test_staff_say_how_long_videos_are_kept_and_why(owner: Caller) -> None:
    sophie, page = Person("sophie"), page_of(owner.tenant, "time")
    assert sophie.fill_in(page, retention_days="90").errors == [NO_REASON]
    for wrong in ("0", "-1", "36501", "x"):
        assert sophie.fill_in(page, retention_days=wrong, reason=WHY).errors, wrong
    assert sophie.fill_in(page, retention_days="90", reason=WHY).errors == []
    assert Tenant.objects.get().retention_days == 90
    [change] = AuditEntry.objects.filter(subject=f"tenant {owner.tenant}")
    recorded = (change.actor, change.reason, change.before, change.after)
    assert recorded == (sophie.user, WHY, {"retention_days": None}, {"retention_days": 90})


def test_a_tenants_page_names_its_own_upstream_accounts(
    sophie: Person, owner: Caller, account: UpstreamAccount
) -> None:
    assert account.name not in sophie.see(page_of(owner.tenant))
    account.owner = owner.tenant
    account.save()
    link = f'<a class="accent" href="/admin/videos/upstreamaccount/{account.pk}/change/">somewhere</a>'
    assert link in sophie.see(page_of(owner.tenant))
    assert account.name not in Person("clerk", "change_tenant").see(page_of(owner.tenant))


# --- limits


def test_setting_a_quota_records_author_reason_and_old_values(sophie: Person, owner: Caller) -> None:
    answer = sophie.fill_in(
        page_of(owner.tenant, "quota"), **quota(concurrent_tasks="5", spend_per_day="9.5"), reason=WHY
    )
    assert answer.errors == []
    set_ = Quota.objects.get(tenant=owner.tenant)
    assert (set_.concurrent_tasks, set_.spend_per_day, set_.seconds_per_day) == (5, Decimal("9.5"), None)
    change = AuditEntry.objects.get()
    assert (change.actor, change.actor_name, change.tenant) == (sophie.user, "sophie", owner.tenant)
    assert (change.subject, change.reason) == ("quota of Alice", WHY)
    assert change.before == {"is_own": False, "concurrent_tasks": None, "spend_per_day": None}
    assert change.after == {"is_own": True, "concurrent_tasks": 5, "spend_per_day": "9.50"}
    assert timezone.now() - change.at < timedelta(minutes=1)


def test_only_changed_fields_are_recorded(sophie: Person, owner: Caller) -> None:
    Quota.objects.create(tenant=owner.tenant, concurrent_tasks=5, seconds_per_day=60)
    sophie.fill_in(page_of(owner.tenant, "quota"), **quota(seconds_per_day=""), reason=WHY)
    change = AuditEntry.objects.get()
    assert (change.before, change.after) == ({"seconds_per_day": 60}, {"seconds_per_day": None})


def test_without_a_reason_nothing_is_saved(sophie: Person, owner: Caller) -> None:
    def is_refused(row: tuple[str, Changes, str]) -> None:
        tab, changes, reason = row
        answer = sophie.fill_in(page_of(owner.tenant, tab), **{**changes, "reason": reason})
        assert [error for error in answer.errors if error.startswith(NO_REASON)]
        assert nothing_changed()
        tenant = Tenant.objects.get(pk=owner.tenant.pk)
        assert (tenant.name, tenant.time_zone, tenant.only_own_account) == ("Alice", "UTC", False)

    rows: list[tuple[str, Changes, str]] = [
        ("quota", quota(concurrent_tasks="5"), ""),
        ("quota", quota(is_prepaid="on"), " \n"),
        ("time", {"time_zone": "Asia/Shanghai"}, ""),
        ("", {"only_own_account": "on", "name": "Alicia"}, " \n"),
    ]
    check_each(rows, rolled_back(is_refused))


def test_changes_that_need_no_reason_are_recorded_without_one(sophie: Person, owner: Caller) -> None:
    Quota.objects.create(tenant=owner.tenant, concurrent_tasks=5)
    version = Standing.objects.get(tenant=owner.tenant).version
    for changes in ({}, {"reason": WHY}, {"name": "Alicia"}):
        assert sophie.fill_in(page_of(owner.tenant), **changes).errors == []
    assert Tenant.objects.get().name == "Alicia"
    [entry] = AuditEntry.objects.all()
    assert (entry.before, entry.after, entry.reason) == ({"name": "Alice"}, {"name": "Alicia"}, "")
    assert Standing.objects.get(tenant=owner.tenant).version == version


def test_an_invalid_limit_is_refused(sophie: Person, owner: Caller) -> None:
    page = page_of(owner.tenant, "quota")
    form = sophie.open(page)

    def is_refused(limits: Changes) -> None:
        assert sophie.send(page, form, {**limits, "reason": WHY}).errors
        assert nothing_changed()

    rows: list[Changes] = [
        quota(concurrent_tasks="-1"),
        quota(concurrent_tasks="2147483648"),
        quota(seconds_per_day="1.5"),
        quota(spend_per_day="-0.01"),
        quota(spend_per_month="NaN"),
        quota(spend_per_month="0.0000001"),
        quota(spend_per_month="1000000000000"),
        quota(when_full="explode"),
    ]
    check_each(rows, rolled_back(is_refused))


def test_a_new_limit_applies_to_the_next_task(sophie: Person, owner: Caller, account: object) -> None:
    body = {"model": "Kling-3.0-1080p", "seconds": "5", "prompt": "a cat runs"}
    assert owner.post("/v1/videos", body).status_code == 200
    sophie.fill_in(page_of(owner.tenant, "quota"), **quota(concurrent_tasks="1"), reason=WHY)
    assert owner.post("/v1/videos", body).status_code == 429
    sophie.fill_in(page_of(owner.tenant, "quota"), **quota(concurrent_tasks="2"), reason=WHY)
    assert owner.post("/v1/videos", body).status_code == 200


def test_a_stale_form_does_not_undo_anothers_change(sophie: Person, owner: Caller) -> None:
    Quota.objects.create(tenant=owner.tenant, concurrent_tasks=5, spend_per_day=100)
    stale = sophie.open(page_of(owner.tenant, "quota"))
    Person("tim").fill_in(page_of(owner.tenant, "quota"), **quota(spend_per_day="500"), reason=WHY)
    assert (
        sophie.send(
            page_of(owner.tenant, "quota"), stale, {**quota(concurrent_tasks="6"), "reason": WHY}
        ).errors
        == []
    )
    set_ = Quota.objects.get()
    assert (set_.concurrent_tasks, set_.spend_per_day) == (6, Decimal(500))
    latest = AuditEntry.objects.latest("id")
    assert (latest.before, latest.after) == ({"concurrent_tasks": 5}, {"concurrent_tasks": 6})


def test_of_two_forms_that_create_the_quota_the_second_is_refused(sophie: Person, owner: Caller) -> None:
    stale = sophie.open(page_of(owner.tenant, "quota"))
    Person("tim").fill_in(page_of(owner.tenant, "quota"), **quota(spend_per_day="500"), reason=WHY)
    answer = sophie.send(
        page_of(owner.tenant, "quota"), stale, {**quota(concurrent_tasks="6"), "reason": WHY}
    )
    assert answer.errors
    assert (Quota.objects.get().concurrent_tasks, AuditEntry.objects.count()) == (None, 1)


# --- default limits


def test_without_a_quota_the_form_shows_and_keeps_the_default_limits(
    sophie: Person, owner: Caller, settings: LazySettings
) -> None:
    settings.DEFAULT_QUOTA = {"concurrent_tasks": "3", "spend_per_day": "7.5", "when_full": "queue"}
    form = sophie.open(page_of(owner.tenant, "quota"))
    assert form["quota-0-concurrent_tasks"] == "3"
    assert form["quota-0-when_full"] == "queue"
    assert Decimal(form["quota-0-spend_per_day"]) == Decimal("7.5")
    sophie.fill_in(page_of(owner.tenant, "quota"), reason=WHY)
    sophie.fill_in(page_of(owner.tenant), name="Alicia")
    assert not Quota.objects.exists()


def test_setting_one_limit_keeps_the_other_defaults(
    sophie: Person, owner: Caller, settings: LazySettings
) -> None:
    settings.DEFAULT_QUOTA = {"concurrent_tasks": "3", "spend_per_day": "7.5"}
    sophie.fill_in(page_of(owner.tenant, "quota"), **quota(seconds_per_day="60"), reason=WHY)
    limits = limits_of(owner.tenant.pk)
    assert (limits.concurrent_tasks, limits.spend_per_day, limits.seconds_per_day) == (3, Decimal("7.5"), 60)
    assert AuditEntry.objects.get().after == {"is_own": True, "seconds_per_day": 60}


def test_deleting_a_quota_returns_to_the_defaults_and_is_recorded(
    sophie: Person, owner: Caller, settings: LazySettings
) -> None:
    settings.DEFAULT_QUOTA = {"concurrent_tasks": "3"}
    Quota.objects.create(tenant=owner.tenant, concurrent_tasks=5)
    refused = sophie.fill_in(page_of(owner.tenant, "quota"), **quota(DELETE="on"))
    assert refused.errors
    assert Quota.objects.exists()
    sophie.fill_in(page_of(owner.tenant, "quota"), **quota(DELETE="on"), reason=WHY)
    assert limits_of(owner.tenant.pk).concurrent_tasks == 3
    change = AuditEntry.objects.get()
    assert change.before == {"is_own": True, "concurrent_tasks": 5}
    assert change.after == {"is_own": False, "concurrent_tasks": 3}


# --- the tenant itself


def test_a_change_of_time_zone_needs_confirmation_and_is_recorded(sophie: Person, owner: Caller) -> None:
    answer = sophie.fill_in(page_of(owner.tenant, "time"), time_zone="Asia/Shanghai", reason=WHY)
    assert any("Confirm this first" in error for error in answer.errors)
    day = timezone.now().date()
    for page in (sophie.see(page_of(owner.tenant, "time")), answer.page):
        assert f"{day} ends at midnight in UTC, {day + timedelta(days=1)} 00:00 UTC" in page
    sophie.fill_in(page_of(owner.tenant, "time"), time_zone="Asia/Shanghai", moves_days="on", reason=WHY)
    change = AuditEntry.objects.get()
    assert (change.subject, change.tenant) == ("tenant Alice", owner.tenant)
    assert change.before == {"time_zone": "UTC", "earlier_time_zones": []}
    earlier = [f"{day + timedelta(days=1)}T00:00:00+00:00 UTC"]
    assert change.after == {"time_zone": "Asia/Shanghai", "earlier_time_zones": earlier}
    assert Tenant.objects.get().day_of(timezone.now()) == day


def test_an_unknown_time_zone_is_refused(sophie: Person, owner: Caller) -> None:
    answer = sophie.fill_in(page_of(owner.tenant, "time"), time_zone="Mars/Base", reason=WHY)
    assert any("Mars/Base" in error for error in answer.errors)


def test_suspending_and_reactivating_a_tenant_is_recorded(sophie: Person, owner: Caller) -> None:
    page = f"{LIST}{owner.tenant.pk}/suspension/"
    assert "Running tasks are finished" in sophie.see(page)
    stale = sophie.open(page)
    assert NO_REASON in sophie.fill_in(page, reason=" \n").page
    sophie.fill_in(page, reason="Unpaid.")
    suspended_at = Tenant.objects.get().suspended_at
    assert suspended_at is not None
    assert timezone.now() - suspended_at < timedelta(minutes=1)
    assert owner.get("/v1/models").status_code == 401
    again = sophie.send(page, stale, {"reason": "Unpaid, too."})
    assert again.messages == ["Somebody else has already done this. Nothing was changed."]
    assert sophie.fill_in(page, reason="Paid.").messages == ["The tenant is active again."]
    assert owner.get("/v1/models").status_code == 200
    second, first = AuditEntry.objects.all()
    assert (first.reason, first.before, first.after["suspended_at"]) == (
        "Unpaid.",
        {"suspended_at": None},
        suspended_at.isoformat(),
    )
    assert (first.subject, first.tenant) == ("tenant Alice", owner.tenant)
    assert (second.reason, second.after) == ("Paid.", {"suspended_at": None})


def test_changing_limits_keeps_a_tenant_suspended(sophie: Person, owner: Caller) -> None:
    owner.tenant.suspend(NOW)
    sophie.fill_in(page_of(owner.tenant, "quota"), **quota(concurrent_tasks="5"), reason=WHY)
    assert Tenant.objects.get().suspended_at == NOW
    assert AuditEntry.objects.get().subject == "quota of Alice"


def test_a_new_tenant_needs_a_reason_only_for_a_quota(sophie: Person) -> None:
    assert sophie.fill_in(ADD, name="Dora", time_zone="Asia/Tokyo").errors == []
    assert sophie.fill_in(ADD, name="Emil", **quota(concurrent_tasks="5")).errors
    assert AuditEntry.objects.get().subject == "tenant Dora"
    assert sophie.fill_in(ADD, name="Emil", **quota(concurrent_tasks="5"), reason=WHY).errors == []
    assert limits_of(Tenant.objects.get(name="Emil").pk).concurrent_tasks == 5
    with_reason = AuditEntry.objects.filter(reason=WHY)
    assert {entry.subject for entry in with_reason} == {"quota of Emil", "tenant Emil"}


def test_a_tenant_cannot_be_deleted(sophie: Person, owner: Caller) -> None:
    assert sophie.get(f"{LIST}{owner.tenant.pk}/delete/").status_code == 403
    assert "delete_selected" not in sophie.see(LIST)


def test_members_are_added_and_their_role_is_changed(sophie: Person, owner: Caller) -> None:
    dora = User.objects.create_user("dora")
    member = {"memberships-0-user": str(dora.pk), "memberships-0-role": "viewer"}
    sophie.fill_in(page_of(owner.tenant, "members"), **member, **{"memberships-TOTAL_FORMS": "1"})
    sophie.fill_in(page_of(owner.tenant, "members"), **{"memberships-0-role": "owner"})
    assert [(found.user, found.role) for found in Membership.objects.all()] == [(dora, "owner")]
    changed, joined = AuditEntry.objects.all()
    assert (joined.subject, joined.tenant) == ("membership of dora", owner.tenant)
    assert (joined.before, joined.after) == ({}, {"user": "dora", "role": "viewer"})
    assert (changed.before, changed.after) == ({"role": "viewer"}, {"role": "owner"})


def test_staff_invite_the_first_owner_without_seeing_the_link(sophie: Person, owner: Caller) -> None:
    page = f"{LIST}{owner.tenant.pk}/invite/"
    assert page in sophie.see(page_of(owner.tenant, "members"))
    assert sophie.open(page)["role"] == "owner"
    answer = sophie.fill_in(page, email="dora@people.example")
    (message,) = mails()
    link = link_in(message)
    assert message.to == ["dora@people.example"]
    assert "dora@people.example is invited" in answer.page
    assert link not in answer.page
    browser = Browser()
    browser.post(link, username="dora", password1=PASSWORD, password2=PASSWORD)
    assert Membership.objects.get(tenant=owner.tenant).role == "owner"
    invited, joined, logged_in = AuditEntry.objects.order_by("id")
    assert (invited.actor_name, invited.subject) == ("sophie", "invitation of dora@people.example")
    told = {"role": "owner", "invited by": "sophie", "inviter is told": False}
    assert (joined.actor_name, joined.after) == ("dora", told)
    read = Member(owner.tenant).see("account:audit")
    assert "dora added the member dora: role Owner; invited by the platform's staff" in read
    assert logged_in.subject == "log-in of dora"
    assert link.split("/")[-2] not in str([entry.after for entry in (invited, joined)])


def test_inviting_needs_the_permission_to_change_the_tenant(owner: Caller) -> None:
    vera = Person("vera", "view_tenant", "view_membership", "add_invitation")
    page = f"{LIST}{owner.tenant.pk}/invite/"
    assert page not in vera.see(page_of(owner.tenant, "members"))
    assert vera.get(page).status_code == 403
    assert vera.client.post(page, {"email": "v@people.example", "role": "owner"}).status_code == 403
    assert not Invitation.objects.exists()
    assert Person("sophie").get(f"{LIST}0199f0d2-a3b4-7c1d-8e9f-0a1b2c3d4e5f/invite/").status_code == 404


def test_an_invalid_invitation_by_staff_is_refused_at_its_field(sophie: Person, owner: Caller) -> None:
    for email in ("", "dora"):
        answer = sophie.fill_in(f"{LIST}{owner.tenant.pk}/invite/", email=email)
        assert 'id="id_email_error"' in answer.page
    assert not Invitation.objects.exists()


# --- the page


def test_a_bucket_is_set_on_the_page_without_ever_showing_its_secret(sophie: Person, owner: Caller) -> None:
    secret, digest = "the-secret-half", APIKey.objects.get().digest
    bucket = {
        "bucket": "films-1250000000",
        "region": "ap-guangzhou",
        "secret_id": "AKIDa",
        "new_secret_key": secret,
    }
    fields = {f"cos_bucket-0-{name}": value for name, value in bucket.items()}
    assert sophie.fill_in(page_of(owner.tenant, "bucket"), **fields).errors == []
    assert CosBucket.objects.get().secret_key == secret
    sophie.fill_in(page_of(owner.tenant, "quota"), **quota(concurrent_tasks="5"), reason=WHY)
    assert [entry.subject for entry in audit.of_row(owner.tenant, 9)] == [
        "quota of Alice",
        "COS bucket of Alice",
    ]
    own = f"{LIST}{owner.tenant.pk}/"
    for address in (page_of(owner.tenant, "bucket"), own, LIST, CHANGES, f"{own}history/"):
        page = sophie.see(address)
        assert secret not in page
        assert digest not in page
    assert secret not in json.dumps(list(AuditEntry.objects.values("before", "after")))


# --- the audit log


def test_the_audit_log_is_listed_searched_and_filtered_by_tenant(
    sophie: Person, owner: Caller, stranger: Caller
) -> None:
    sophie.fill_in(
        page_of(owner.tenant, "quota"), **quota(concurrent_tasks="5"), reason="For Alice's launch."
    )
    Person("tim").fill_in(
        page_of(stranger.tenant, "time"), time_zone="Asia/Tokyo", moves_days="on", reason="They moved."
    )
    everything = sophie.see(CHANGES)
    for text in ("launch", "They moved.", "concurrent tasks unlimited → 5", "the quota of Alice"):
        assert text in everything
    for query, shown, hidden in (
        ("?q=tim", "They moved.", "launch"),
        ("?q=quota", "launch", "They moved."),
        ("?tenant=ali", "launch", "They moved."),
        ("?tenant=charlie", "They moved.", "launch"),
    ):
        page = sophie.see(f"{CHANGES}{query}")
        assert shown in page
        assert hidden not in page


def test_a_filter_keeps_the_search(sophie: Person, owner: Caller) -> None:
    page = sophie.see(f"{CHANGES}?q=tim&tenant=%22%3E%3Cb%3E&p=1")
    assert '<input type="hidden" name="q" value="tim">' in page
    assert "<b>" not in page


def test_the_audit_log_is_read_only(sophie: Person, owner: Caller) -> None:
    sophie.fill_in(page_of(owner.tenant, "quota"), **quota(concurrent_tasks="5"), reason=WHY)
    change = AuditEntry.objects.get()
    assert WHY in sophie.see(f"{CHANGES}{change.pk}/change/")
    for address in (f"{CHANGES}{change.pk}/change/", f"{CHANGES}{change.pk}/delete/", f"{CHANGES}add/"):
        assert sophie.client.post(address, {"reason": "Other.", "post": "yes"}).status_code == 403
    for attempt in (lambda: change.delete(), lambda: AuditEntry.objects.update(reason="Other.")):
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            attempt()


def test_an_audit_entry_outlives_its_person(sophie: Person, owner: Caller) -> None:
    sophie.fill_in(page_of(owner.tenant, "quota"), **quota(concurrent_tasks="5"), reason=WHY)
    sophie_id = sophie.user.pk
    sophie.user.delete()
    change = AuditEntry.objects.get()
    assert (change.actor_id, change.actor_name) == (sophie_id, "sophie")


def test_an_audit_entry_needs_a_person(db: None) -> None:
    nameless = audit.Author(User.objects.create(username=""), AuditPlace.CONSOLE)
    with pytest.raises(IntegrityError, match="audit_entry_has_actor"):
        audit.record(nameless, audit.Subject("nothing"), WHY, {}, {}, NOW)


def test_recorded_values_are_json(owner: Caller) -> None:
    row = Quota(tenant=owner.tenant, spend_per_day=Decimal("0.225"), concurrent_tasks=0, is_prepaid=True)
    fields = ["tenant_id", "spend_per_day", "spend_per_month", "concurrent_tasks", "is_prepaid"]
    assert audit.values(row, fields) == {
        "tenant_id": str(owner.tenant.pk),
        "spend_per_day": "0.225",
        "spend_per_month": None,
        "concurrent_tasks": 0,
        "is_prepaid": True,
    }
    assert audit.changes(None, row, ["concurrent_tasks"]) == ({}, {"concurrent_tasks": 0})
    assert audit.changes(row, None, ["concurrent_tasks"]) == ({"concurrent_tasks": 0}, {})
    assert audit.changes(row, row, fields) == ({}, {})


# --- permissions


def test_without_permission_nothing_can_be_seen_or_changed(owner: Caller) -> None:
    tim = Person("tim", "view_membership")
    for address in (LIST, page_of(owner.tenant), ADD, CHANGES):
        assert tim.get(address).status_code == 403
        assert tim.client.post(address, {"name": "Mine", "reason": WHY}).status_code == 403
    assert Tenant.objects.get().name == "Alice"


def test_the_view_permission_is_read_only(owner: Caller) -> None:
    Quota.objects.create(tenant=owner.tenant, concurrent_tasks=7654)
    tim = Person("tim", "view_tenant", "view_quota", "view_auditentry")
    page = tim.see(page_of(owner.tenant, "quota"))
    assert "7654" in page
    assert 'name="reason"' not in page
    assert tim.client.post(page_of(owner.tenant), {"name": "Mine", "reason": WHY}).status_code == 403
    assert tim.get(CHANGES).status_code == 200


def test_the_permission_to_change_tenants_does_not_allow_changing_quotas(
    sophie: Person, owner: Caller
) -> None:
    Quota.objects.create(tenant=owner.tenant, concurrent_tasks=5)
    form = sophie.open(page_of(owner.tenant, "quota"))
    tim = Person("tim", "view_tenant", "change_tenant", "view_quota")
    tim.send(page_of(owner.tenant, "quota"), form, {**quota(concurrent_tasks="500"), "reason": WHY})
    tim.fill_in(page_of(owner.tenant), name="Alicia")
    assert (Tenant.objects.get().name, Quota.objects.get().concurrent_tasks) == ("Alicia", 5)
    assert [entry.subject for entry in AuditEntry.objects.all()] == ["tenant Alicia"]


# --- queries


def test_the_number_of_queries_of_the_lists_does_not_grow(
    sophie: Person, owner: Caller, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(30):
        tenant = Tenant.objects.create(name=f"tenant {number}")
        audit.record(
            sophie.author,
            audit.About.QUOTA.named(tenant),
            WHY,
            {},
            {"concurrent_tasks": 1},
            NOW,
            tenant,
        )
    tabs = [(page_of(owner.tenant, tab), 10) for tab in TABS]
    for address, most in ((LIST, 6), (CHANGES, 5), *tabs):
        with django_assert_max_num_queries(most):
            sophie.see(address)
