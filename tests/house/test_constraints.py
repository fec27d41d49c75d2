"""Database constraints, triggers, indexes and query plans; each constraint is violated once."""

import json
import os
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, connections, transaction
from django.db.models import F, Model, Q, QuerySet
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import audit
from accounts.api.lookup import LookUp
from accounts.models import (
    APIKey,
    AuditEntry,
    Authenticator,
    CosBucket,
    FormResult,
    Invitation,
    Membership,
    Purpose,
    Quota,
    RecoveryCode,
    Standing,
    Tenant,
    User,
)
from accounts.portal import audit_log
from accounts.quotas import standing
from config.console.filters import BY_TIME, within
from config.db import prepared
from config.ids import first_uuid7, uuid7
from tests.api.test_api_listing import INDEXES as OF_THE_LIST
from tests.bench import made_up
from tests.conftest import GOOD_BODY, NOW, Caller, MakeTask, claim_next
from tests.support.both_ways import by_the_view_alone
from tests.support.console import Person
from tests.support.plans import add_past, analyse, empty_pages, many_tasks, tasks_of_many  # noqa: F401 - two are fixtures
from tests.support.rows import check_each, each
from videos.billing import statements
from videos.estimates import generation_times
from videos.files import storing
from videos.listing import search
from videos.models import (
    AccountState,
    BookedDay,
    DailyUsage,
    EntryKind,
    File,
    FileUse,
    IdempotencyKey,
    LedgerEntry,
    ModelHour,
    OfferRevision,
    Price,
    PriceList,
    RecentCalls,
    RefusedCreate,
    Task,
    TaskEvent,
    TenantPriceList,
    UpstreamAccount,
    UpstreamBudget,
)
from videos.states import FINAL, Status
from videos.tasks import admission, creation, lifecycle, orders, pruning, sql, turns
from videos.tasks.batch import create_many
from videos.tasks.idempotency import Fingerprint
from videos.worker import sweep


@dataclass(frozen=True)
class World:
    """The rows the attempts change."""

    owner: Caller
    account: UpstreamAccount
    make_task: MakeTask

    def update(self, start: Status, /, **fields: Any) -> None:
        Task.objects.filter(pk=self.make_task(start).pk).update(**fields)

    def join(self, user: str, **fields: Any) -> None:
        person, _ = User.objects.get_or_create(username=user)
        Membership.objects.create(tenant=self.owner.tenant, user=person, **fields)

    def make(self, model: type[Model], /, **fields: Any) -> None:
        """A valid row except for these fields."""
        model._default_manager.create(**(ROWS[model](self) | fields))

    def file(self) -> File:
        """A file of the owner's."""
        return File.objects.create(**ROWS[File](self))

    def use(self) -> None:
        """Use a file twice in one task."""
        file, task = self.file(), self.make_task()
        for _ in range(2):
            FileUse.objects.create(file=file, task=task)

    def keep_code_twice(self) -> None:
        """Store a recovery code twice for one device."""
        device = Authenticator.objects.create(user=User.objects.create_user("dora"), name="app")
        for _ in range(2):
            RecoveryCode.objects.create(device=device, digest="x" * 64)

    def enter(self, kind: str, /, **fields: Any) -> None:
        """A valid ledger entry except for these fields; the task already has its hold."""
        entry = {"tenant": self.owner.tenant, "kind": kind, "at": NOW}
        LedgerEntry.objects.create(**(entry | ENTRIES[kind](self) | fields))


PERSON = {"actor_name": "bob", "reason": "she paid"}
ROWS: dict[type[Model], Callable[[World], dict[str, Any]]] = {
    APIKey: lambda world: {
        "tenant": world.owner.tenant,
        "name": "another",
        "prefix": f"rly_{APIKey.objects.count()}",
        "digest": "x" * 64,
    },
    BookedDay: lambda world: {"tenant": world.owner.tenant, "day": NOW.date(), "kind": "hold"},
    Quota: lambda world: {"tenant": world.owner.tenant},
    CosBucket: lambda world: {"tenant": world.owner.tenant},
    Invitation: lambda world: {
        "tenant": world.owner.tenant,
        "email": "bob@people.example",
        "digest": os.urandom(32).hex(),
        "expires_at": NOW,
    },
    TaskEvent: lambda world: {"task": world.make_task(Status.SUCCEEDED), "at": NOW, "verb": "succeed"},
    AuditEntry: lambda _: {"at": NOW, "subject": "quota of Alice", **PERSON},
    FormResult: lambda _: {
        "person": User.objects.get_or_create(username="bob")[0],
        "form_id": UUID(int=1),
        "created_at": NOW,
    },
    UpstreamBudget: lambda world: {"account": world.account, "action": "create"},
    Price: lambda _: {"model": "Kling-3.0-720p", "per_second": 1, "valid_from": NOW},
    DailyUsage: lambda world: {
        "tenant": world.owner.tenant,
        "day": NOW.date(),
        "model": "Kling-3.0-720p",
        "api_key": world.owner.key,
    },
    IdempotencyKey: lambda world: {
        "tenant": world.owner.tenant,
        "key": "mine",
        "fingerprint": b"body",
        "task": world.make_task(),
        "created_at": NOW,
    },
    File: lambda world: {
        "id": uuid7(NOW),
        "tenant": world.owner.tenant,
        "state": "stored",
        "kind": "png",
        "name": "cat.png",
        "bytes": 1,
        "created_at": NOW,
        "expires_at": NOW + timedelta(days=1),
    },
    FileUse: lambda world: {"file": world.file(), "task": world.make_task()},
    ModelHour: lambda _: {"hour": NOW, "model": "Kling-3.0-720p"},
    RecentCalls: lambda world: {"tenant": world.owner.tenant, "action": "Create", "moments": [NOW]},
    RefusedCreate: lambda world: {"api_key": world.owner.key, "fingerprint": b"body", "at": NOW},
}
ENTRIES: dict[str, Callable[[World], dict[str, Any]]] = {
    "hold": lambda world: {"task": world.make_task(), "amount": -3, "held": 3},
    "capture": lambda world: {"task": world.make_task(), "amount": 0, "held": -3},
    "release": lambda world: {"task": world.make_task(), "amount": 3, "held": -3},
    "top_up": lambda _: {"amount": 3, **PERSON},
    "adjustment": lambda _: {"amount": -3, **PERSON},
    "gift": lambda _: {"amount": 3, **PERSON},
}
"""One entry of each kind and one of an unknown kind."""


@pytest.fixture
def world(owner: Caller, account: UpstreamAccount, make_task: MakeTask) -> World:
    return World(owner, account, make_task)


def _scopes(world: World, scopes: list[str]) -> None:
    APIKey.objects.filter(tenant=world.owner.tenant).update(scopes=scopes)


def _key_for(world: World, purpose: str) -> APIKey:
    key, _ = APIKey.objects.mint(world.owner.tenant, "a key", purpose=purpose)
    return key


def _rates(world: World, **rates: Any) -> None:
    UpstreamAccount.objects.filter(pk=world.account.pk).update(**rates)


def _twice(write: Callable[[], object]) -> None:
    write()
    write()


def _total(world: World, **totals: Any) -> None:
    Standing.objects.filter(tenant=world.owner.tenant).update(**totals)


def _entry_of_no_kind(world: World) -> None:
    with connection.cursor() as cursor:  # which would also refuse it
        cursor.execute("ALTER TABLE videos_ledgerentry DROP CONSTRAINT ledger_amounts_fit_kind")
    world.enter("gift")


COUNTED = ["open_tasks", "waiting_tasks", "held", "day_seconds", "day_spend", "month_seconds", "month_spend"]
WRONG_AMOUNTS: list[tuple[str, str, dict[str, int]]] = [
    ("a hold that takes nothing from the balance", "hold", {"amount": 0}),
    ("a hold that takes less than it sets aside", "hold", {"amount": -2}),
    ("a hold that gives", "hold", {"amount": 3, "held": -3}),
    ("a capture that gives back", "capture", {"amount": 3}),
    ("a capture that sets aside", "capture", {"held": 3}),
    ("a release that gives nothing back", "release", {"amount": 0}),
    ("a release that gives back more than was set aside", "release", {"amount": 4}),
    ("a release that takes", "release", {"amount": -3, "held": 3}),
    ("a top-up of nothing", "top_up", {"amount": 0}),
    ("a top-up that takes", "top_up", {"amount": -3}),
    ("a top-up that sets aside", "top_up", {"held": 3}),
    ("an adjustment by nothing", "adjustment", {"amount": 0}),
    ("an adjustment that sets aside", "adjustment", {"held": 3}),
]


ATTEMPTS: list[tuple[str, str, Callable[[World], object]]] = [
    ("membership_role_known", "a role nobody knows", lambda world: world.join("bob", role="king")),
    (
        "membership_once_per_tenant",
        "two places in one tenant",
        lambda world: _twice(lambda: world.join("bob")),
    ),
    (
        "user_email_once",
        "two people with one address",
        lambda world: [
            User.objects.create(username=name, email=f"{name}@x.example") for name in ("bob", "BOB")
        ],
    ),
    ("invitation_role_known", "to be king", lambda world: world.make(Invitation, role="king")),
    (
        "invitation_ends_once",
        "used and withdrawn",
        lambda world: world.make(Invitation, accepted_at=NOW, revoked_at=NOW),
    ),
    (
        "invitation_open_once_per_person",
        "two open links",
        lambda world: _twice(lambda: world.make(Invitation)),
    ),
    ("api_key_scopes_known", "a scope nobody knows", lambda world: _scopes(world, ["read", "fly"])),
    ("api_key_scopes_known", "a key for nothing", lambda world: _scopes(world, [])),
    ("api_key_purpose_known", "a purpose nobody knows", lambda world: _key_for(world, "fun")),
    (
        "api_key_of_people_once_per_tenant",
        "two keys for the people of one portal",
        lambda world: [_key_for(world, Purpose.PORTAL) for _ in range(2)],
    ),
    ("upstream_account_rates_positive", "no creates", lambda world: _rates(world, creates_per_second=0)),
    ("upstream_account_weight_positive", "no weight", lambda world: _rates(world, weight=0)),
    ("upstream_account_takes_a_task", "no task at a time", lambda world: _rates(world, most_open_tasks=0)),
    ("upstream_account_product_known", "another product", lambda world: _rates(world, product="av")),
    ("upstream_account_rates_positive", "no describes", lambda world: _rates(world, describes_per_second=-1)),
    (
        "recent_calls_of_an_action",
        "two rows for the calls of one action",
        lambda world: _twice(lambda: world.make(RecentCalls)),
    ),
    (
        "upstream_budget_once",
        "two rows for one action",
        lambda world: _twice(lambda: UpstreamBudget.objects.create(account=world.account, action="create")),
    ),
    ("task_status_known", "a status nobody knows", lambda world: world.update(Status.QUEUED, status="lost")),
    *(
        (
            "task_final_has_finished_at",
            f"{status} without an end",
            lambda world, status=status: world.update(status, finished_at=None),
        )
        for status in sorted(FINAL)
    ),
    (
        "task_final_has_finished_at",
        "an end of what goes on",
        lambda world: world.update(Status.RUNNING, finished_at=NOW),
    ),
    (
        "task_pruned_is_final",
        "a request removed that is still needed",
        lambda world: world.update(Status.RUNNING, pruned_at=NOW),
    ),
    *(
        (
            "task_accepted_has_upstream_id",
            f"{status} without upstream's id",
            lambda world, status=status: world.update(status, upstream_task_id=None),
        )
        for status in (Status.RUNNING, Status.STORING, Status.SUCCEEDED)
    ),
    *(
        (
            "task_submitted_has_account",
            f"{status} without an account",
            lambda world, status=status: world.update(status, account=None),
        )
        for status in (Status.SUBMITTING, Status.IN_DOUBT, Status.RUNNING, Status.FAILED)
    ),
    (
        "task_succeeded_has_media",
        "success without media",
        lambda world: world.update(Status.SUCCEEDED, media_name=""),
    ),
    (
        "task_succeeded_has_media",
        "media kept for ever",
        lambda world: world.update(Status.SUCCEEDED, expires_at=None),
    ),
    (
        "task_failed_has_code",
        "a failure without a why",
        lambda world: world.update(Status.FAILED, failure_code=""),
    ),
    (
        "task_failed_has_code",
        "a cancellation without a why",
        lambda world: world.update(Status.CANCELLED, failure_code=""),
    ),
    (
        "task_upstream_id_once_per_account",
        "one task of upstream's for two of ours",
        lambda world: _twice(lambda: world.make_task(Status.RUNNING, upstream_task_id="4-AigcVideo-same")),
    ),
    (
        "api_key_spend_not_negative",
        "less than nothing to spend",
        lambda world: APIKey.objects.update(spend_per_month=-1),
    ),
    ("cos_bucket_with_region", "no region", lambda world: world.make(CosBucket, bucket="a-1250000000")),
    ("cos_bucket_with_region", "a region alone", lambda world: world.make(CosBucket, region="ap-guangzhou")),
    ("cos_bucket_credentials_are_a_pair", "no key", lambda world: world.make(CosBucket, secret_id="AKID")),
    (
        "cos_bucket_pair_or_role",
        "both",
        lambda world: world.make(CosBucket, secret_id="AKID", secret_key="k", role_arn="r"),
    ),
    ("cos_bucket_credentials_are_a_pair", "a key alone", lambda world: world.make(CosBucket, secret_key="k")),
    *(
        (
            "quota_spend_not_negative",
            f"{name} below 0",
            lambda world, name=name: world.make(Quota, **{name: -1}),
        )
        for name in ("spend_per_day", "spend_per_month")
    ),
    ("quota_when_full_known", "to do what", lambda world: world.make(Quota, when_full="cry")),
    *(
        ("standing_not_negative", f"{name} below 0", lambda world, name=name: _total(world, **{name: -1}))
        for name in COUNTED
    ),
    ("audit_entry_place_known", "nowhere", lambda world: world.make(AuditEntry, place="moon")),
    ("recovery_code_once", "a code twice", lambda world: world.keep_code_twice()),
    ("audit_entry_has_actor", "nobody", lambda world: world.make(AuditEntry, actor_name="")),
    ("price_not_negative", "paid to take it", lambda world: world.make(Price, per_second=-1)),
    ("price_ends_after_it_begins", "at once", lambda world: world.make(Price, valid_until=NOW)),
    (
        "price_ends_after_it_begins",
        "before it began",
        lambda world: world.make(Price, valid_until=NOW - timedelta(days=1)),
    ),
    ("price_of_options_once_per_moment", "two prices", lambda world: _twice(lambda: world.make(Price))),
    (
        "price_of_list_once_per_moment",
        "two prices of a list",
        lambda world: _twice(partial(world.make, Price, price_list=PriceList.objects.create(name="VIP"))),
    ),
    (
        "api_key_purpose_known",
        "a key for robbers",
        lambda world: world.make(APIKey, purpose="robbery"),
    ),
    (
        "api_key_of_people_once_per_tenant",
        "two keys for the people of the portal",
        lambda world: _twice(lambda: world.make(APIKey, purpose=Purpose.PORTAL)),
    ),
    (
        "form_result_once_per_form",
        "two results of one form",
        lambda world: _twice(lambda: world.make(FormResult)),
    ),
    ("booked_day_once", "two sums of a day", lambda world: _twice(lambda: world.make(BookedDay))),
    ("daily_usage_once_per_key", "two rows to add to", lambda world: _twice(lambda: world.make(DailyUsage))),
    *(
        (
            "daily_usage_not_negative",
            f"{name} below 0",
            lambda world, name=name: world.make(DailyUsage, **{name: -1}),
        )
        for name in ("tasks", "completed", "failed", "seconds", "spend")
    ),
    (
        "idempotency_key_once_per_tenant",
        "two answers for one key",
        lambda world: _twice(lambda: world.make(IdempotencyKey)),
    ),
    (
        "refused_create_once_per_body",
        "two last refusals",
        lambda world: _twice(lambda: world.make(RefusedCreate)),
    ),
    *(
        (name, what, lambda world, fields=fields: world.make(File, **fields))
        for name, what, fields in (
            ("file_state_known", "a state nobody knows", {"state": "lost"}),
            ("file_kind_known", "a kind nobody knows", {"kind": "gif"}),
            ("file_has_bytes", "an empty file", {"bytes": 0}),
            ("file_is_kept", "a file that is not kept", {"expires_at": NOW}),
        )
    ),
    ("file_use_once", "used twice by one task", lambda world: world.use()),
    ("ledger_kind_known", "a kind nobody knows", _entry_of_no_kind),
    *(
        ("ledger_task_where_due", f"{kind} of no task", lambda world, kind=kind: world.enter(kind, task=None))
        for kind in ("hold", "capture", "release")
    ),
    *(
        (
            "ledger_task_where_due",
            f"{kind} of a task",
            lambda world, kind=kind: world.enter(kind, task=world.make_task()),
        )
        for kind in ("top_up", "adjustment")
    ),
    *(
        ("ledger_amounts_fit_kind", what, lambda world, kind=kind, wrong=wrong: world.enter(kind, **wrong))
        for what, kind, wrong in WRONG_AMOUNTS
    ),
    *(
        (
            "ledger_person_has_reason",
            f"{kind} without {name}",
            lambda world, kind=kind, name=name: world.enter(kind, **{name: ""}),
        )
        for kind in ("top_up", "adjustment")
        for name in PERSON
    ),
    ("ledger_one_hold_per_task", "held twice", lambda world: world.enter("hold")),
    ("model_hour_once", "counted twice", lambda world: _twice(lambda: world.make(ModelHour))),
    *(
        (
            "model_hour_not_negative",
            f"less than no {name}",
            lambda world, name=name: world.make(ModelHour, **{name: -1}),
        )
        for name in ("made", "completed", "failed", "spend")
    ),
    *(
        (
            "ledger_one_closing_per_task",
            f"{kind} of a task that {status}",
            lambda world, status=status, kind=kind: world.enter(kind, task=world.make_task(status)),
        )
        for status in sorted(FINAL)
        for kind in ("capture", "release")
    ),
]


@each(
    "name, attempt",
    [(name, attempt) for name, _, attempt in ATTEMPTS],
)
def test_the_database_refuses_each_violation(
    name: str, attempt: Callable[[World], object], world: World
) -> None:
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        attempt(world)


def test_every_named_constraint_is_tested() -> None:
    named = {constraint.name for model in _models() for constraint in model._meta.constraints}
    assert {name for name, _, _ in ATTEMPTS} == named


def _models() -> Iterator[type[Model]]:
    for app in ("accounts", "videos"):
        yield from apps.get_app_config(app).get_models()


@pytest.mark.parametrize("kind", EntryKind)
def test_the_database_accepts_an_entry_of_every_kind(kind: EntryKind, world: World) -> None:
    before = LedgerEntry.objects.filter(kind=kind).count()
    world.make_task() if kind is EntryKind.HOLD else world.enter(kind)
    assert LedgerEntry.objects.filter(kind=kind).count() == before + 1


@pytest.mark.parametrize("model", ROWS)
def test_the_database_accepts_a_row_of_every_table_with_constraints(model: type[Model], world: World) -> None:
    world.make(model)


@pytest.mark.parametrize("status", Status)
def test_the_database_accepts_a_task_in_every_state(status: Status, make_task: MakeTask) -> None:
    assert make_task(status).status == status


def test_two_accounts_may_have_the_same_upstream_id(make_task: MakeTask) -> None:
    other = UpstreamAccount.objects.create(name="elsewhere", secret_id="AKIDx", secret_key="y")
    make_task(Status.RUNNING, upstream_task_id="4-x")
    make_task(Status.RUNNING, upstream_task_id="4-x", account=other)


def test_names_and_prefixes_are_unique(owner: Caller, account: UpstreamAccount) -> None:
    assert owner.key is not None
    prefix = owner.key.prefix
    attempts: list[Callable[[], object]] = [
        lambda: Tenant.objects.create(name=owner.tenant.name),
        lambda: UpstreamAccount.objects.create(name=account.name, secret_id="x", secret_key="y"),
        lambda: APIKey.objects.create(tenant=owner.tenant, name="x", prefix=prefix),
    ]
    for attempt in attempts:
        with pytest.raises(IntegrityError, match="unique"), transaction.atomic():
            attempt()


# --- triggers


def _entry(world: World, **fields: Any) -> QuerySet[Any]:
    world.enter("top_up", **fields)
    return LedgerEntry.objects.filter(kind="top_up")


def _change(world: World, **fields: Any) -> QuerySet[Any]:
    world.make(AuditEntry, **fields)
    return AuditEntry.objects.all()


FOR_EVER: list[tuple[Callable[[World], QuerySet[Any]], dict[str, Any]]] = [
    (_entry, {"kind": "adjustment"}),
    (_entry, {"amount": 4}),
    (_entry, {"held": 1}),
    (_entry, {"tenant": None}),
    (_entry, {"task": None}),
    (_entry, {"at": NOW - timedelta(days=1)}),
    (_entry, {"actor_name": "eve"}),
    (_entry, {"reason": "she did not pay"}),
    (_change, {"at": NOW - timedelta(days=1)}),
    (_change, {"actor_name": "eve"}),
    (_change, {"subject": "quota of Charlie"}),
    (_change, {"reason": "she asked"}),
    (_change, {"before": {"concurrent_tasks": 1}}),
    (_change, {"after": {}}),
]


@pytest.mark.parametrize(("write", "fields"), FOR_EVER)
def test_append_only_rows_cannot_be_changed(
    write: Callable[[World], QuerySet[Any]], fields: dict[str, Any], world: World
) -> None:
    recorded = write(world)
    before = recorded.values().get()
    with pytest.raises(IntegrityError, match="is append-only"), transaction.atomic():
        recorded.update(**fields)
    assert recorded.values().get() == before


@pytest.mark.parametrize("write", [_entry, _change])
def test_append_only_rows_cannot_be_deleted(write: Callable[[World], QuerySet[Any]], world: World) -> None:
    recorded = write(world)
    with pytest.raises(IntegrityError, match="is append-only"), transaction.atomic():
        recorded.delete()
    assert recorded.exists()


@pytest.mark.parametrize("write", [_entry, _change])
def test_append_only_rows_cannot_get_another_actor(write: Callable[..., QuerySet[Any]], world: World) -> None:
    recorded = write(world, actor=User.objects.create(username="bob"))
    with pytest.raises(IntegrityError, match="is append-only"), transaction.atomic():
        recorded.update(actor=User.objects.create(username="eve"))
    assert recorded.get().actor.username == "bob"


def test_the_actor_of_a_ledger_entry_can_be_deleted(world: World) -> None:
    bob = User.objects.create(username="bob")
    recorded = _entry(world, actor=bob)
    bob.delete()
    row = recorded.get()
    assert (row.actor, row.actor_name) == (None, "bob")


def test_the_actor_of_an_audit_entry_can_be_deleted_and_stays_known_by_name_and_id(world: World) -> None:
    bob = User.objects.create(username="bob")
    recorded, bob_id = _change(world, actor=bob), bob.pk
    bob.delete()
    row = recorded.get()
    assert (row.actor_id, row.actor_name) == (bob_id, "bob")


def _event(world: World) -> QuerySet[Any]:
    world.make(TaskEvent)
    return TaskEvent.objects.all()


@pytest.mark.parametrize("write", [_entry, _change, _event])
def test_append_only_tables_cannot_be_truncated(
    write: Callable[[World], QuerySet[Any]], world: World
) -> None:
    recorded = write(world)
    table = recorded.model._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        with pytest.raises(IntegrityError, match="is append-only"), transaction.atomic():
            cursor.execute(f"TRUNCATE {table} CASCADE")
    assert recorded.exists()


def test_events_of_a_task_can_only_be_deleted_once_it_is_pruned(world: World) -> None:
    events = _event(world)
    for attempt in (lambda: events.update(verb="other"), lambda: events.delete()):
        with pytest.raises(IntegrityError, match="is append-only"), transaction.atomic():
            attempt()
    Task.objects.filter(pk=events.get().task_id).update(pruned_at=NOW)
    with pytest.raises(IntegrityError, match="is append-only"), transaction.atomic():
        events.update(verb="other")
    assert events.delete()[0] == 1


def _standing(tenant: Tenant) -> dict[str, Any]:
    return dict(Standing.objects.values().get(tenant=tenant))


def test_every_tenant_starts_with_zero_totals(db: None) -> None:
    one = Tenant.objects.create(name="Alice")
    many = Tenant.objects.bulk_create([Tenant(name="Bob"), Tenant(name="Charlie")])
    for tenant in (one, *many):
        totals = dict.fromkeys([*COUNTED, "version", "limits_version", "balance"], 0)
        assert _standing(tenant) == totals | {"tenant_id": tenant.pk, "day": None, "month": None}


def _tenant(tenant: Tenant) -> QuerySet[Tenant]:
    return Tenant.objects.filter(pk=tenant.pk)


LIMIT_CHANGES: dict[str, Callable[[Tenant], object]] = {
    "a quota is set": lambda tenant: Quota.objects.create(tenant=tenant),
    "a quota is changed": lambda tenant: Quota.objects.filter(tenant=tenant).update(concurrent_tasks=5),
    "a quota is saved": lambda tenant: Quota(tenant=tenant, is_prepaid=True).save(),
    "a quota is removed": lambda tenant: Quota.objects.filter(tenant=tenant).delete(),
    "the tenant is suspended": lambda tenant: tenant.suspend(NOW),
    "the tenant goes on": lambda tenant: _tenant(tenant).update(suspended_at=None),
    "its days end elsewhere": lambda tenant: _tenant(tenant).update(time_zone="Asia/Tokyo"),
    "a key is revoked": lambda tenant: APIKey.objects.filter(tenant=tenant).update(revoked_at=NOW),
    "a key may do less": lambda tenant: APIKey.objects.filter(tenant=tenant).update(scopes=["read"]),
    "a key may spend less": lambda tenant: APIKey.objects.filter(tenant=tenant).update(spend_per_month=1),
    "a bucket is set": lambda tenant: CosBucket.objects.create(tenant=tenant, bucket="a-1", region="b"),
}


@pytest.mark.parametrize("change", LIMIT_CHANGES)
def test_a_change_of_limits_increments_only_the_version_of_the_tenants_totals(
    change: str, owner: Caller, stranger: Caller
) -> None:
    for tenant in (owner.tenant, stranger.tenant):
        if change not in ("a quota is set", "a quota is saved"):
            Quota.objects.create(tenant=tenant)
    before, other = _standing(owner.tenant), _standing(stranger.tenant)
    LIMIT_CHANGES[change](owner.tenant)
    raised = {name: before[name] + 1 for name in ("version", "limits_version")}
    assert _standing(owner.tenant) == before | raised
    assert _standing(stranger.tenant) == other


def _price() -> QuerySet[Price]:
    return Price.objects.filter(model="GV-3.1-720p")


OFFER_CHANGES: dict[str, Callable[[UpstreamAccount], object]] = {
    "a price is set": lambda _: Price.objects.create(model="GV-3.1-720p", per_second=9, valid_from=NOW),
    "prices are set": lambda _: Price.objects.bulk_create([Price(model="GV-3.1-720p", per_second=8)]),
    "a price is changed": lambda _: _price().update(per_second=7),
    "a price is removed": lambda _: _price().delete(),
    "a tenant gets a list": lambda _: TenantPriceList.objects.create(tenant=Tenant.objects.create(name="D")),
    "an account is opened": lambda _: UpstreamAccount.objects.create(name="x", secret_id="x", secret_key="y"),
    "an account is switched off": lambda account: UpstreamAccount.objects.update(is_enabled=False),
    "an account is out of service": lambda _: AccountState.objects.update(condition="open"),
    "an account is closed": lambda account: account.delete(),
}


@pytest.mark.parametrize("change", OFFER_CHANGES)
def test_a_change_of_the_offer_changes_its_revision(change: str, account: UpstreamAccount) -> None:
    before = OfferRevision.objects.get().revision
    OFFER_CHANGES[change](account)
    assert OfferRevision.objects.get().revision != before


# --- indexes


def _shared(**fields: Any) -> QuerySet[Any]:
    return Task.objects.filter(status=Status.QUEUED, on_own_account=False, **fields)


def _queue(account: UpstreamAccount, tenant: Tenant) -> QuerySet[Any]:
    waiting = _shared(prefers="", model="Kling-3.0-720p", due_at__lte=NOW)
    return waiting.order_by("turn", "id").values("turn", "id")[:1]


def _own_queue(account: UpstreamAccount, tenant: Tenant) -> QuerySet[Any]:
    own = Task.objects.filter(status=Status.QUEUED, on_own_account=True, tenant=tenant, due_at__lte=NOW)
    return own.filter(prefers="", model="Kling-3.0-720p").order_by("id")[:1]


def _first_turn(account: UpstreamAccount, tenant: Tenant) -> QuerySet[Any]:
    return _shared(model="Kling-3.0-720p").order_by("turn", "id").values("turn")[:1]


def _last_turn(account: UpstreamAccount, tenant: Tenant) -> QuerySet[Any]:
    return _shared(tenant=tenant).order_by("-turn").values("turn")[:1]


def _newest(rows: QuerySet[Any]) -> QuerySet[Any]:
    return rows.order_by("-pk")[:51]


def _of_a_day(rows: QuerySet[Any]) -> QuerySet[Any]:
    return within(rows, "at", NOW - timedelta(days=1), NOW).order_by(*BY_TIME)[:51]


YEARS = [NOW.date() + timedelta(days=days) for days in (-3650, 3650)]
"""Days with so many entries that the index on the tenant is better."""


def _due(account: UpstreamAccount, status: Status) -> QuerySet[Any]:
    return Task.objects.filter(account=account, status=status, due_at__lte=NOW)


Query = Callable[[UpstreamAccount, Tenant], QuerySet[Any]]

INDEXES: list[tuple[str, Query]] = [
    ("task_shared_queue", _first_turn),
    ("task_shared_turn", _last_turn),
    ("task_to_submit", _queue),
    ("task_to_submit_own", _own_queue),
    ("task_to_poll", lambda account, tenant: _due(account, Status.RUNNING)),
    (
        "task_to_store",
        lambda account, tenant: Task.objects.filter(status=Status.STORING, due_at__lte=NOW).order_by(
            "due_at"
        ),
    ),
    (
        "task_to_sweep",
        lambda account, tenant: Task.objects.filter(status=Status.SUBMITTING, due_at__lte=NOW)[:200],
    ),
    (
        "task_to_sweep",
        lambda account, tenant: Task.objects.filter(status=Status.IN_DOUBT, due_at__lte=NOW)[:200],
    ),
    (
        "task_media_to_expire",
        lambda account, tenant: Task.objects.filter(
            status=Status.SUCCEEDED, media_removed_at=None, expires_at__lte=NOW
        )[:200],
    ),
    (
        "task_generation_times",
        lambda account, tenant: Task.objects.filter(
            model="Kling-3.0-720p", done_at__isnull=False, accepted_at__lt=NOW
        ).order_by("-done_at")[: generation_times.LATEST],
    ),
    (
        "task_overdue",
        lambda account, tenant: Task.objects.filter(
            status__in=[Status.QUEUED, Status.RUNNING], attention="", created_at__lte=NOW - timedelta(days=4)
        )[: sweep.BATCH],
    ),
    ("task_of_tenant", lambda account, tenant: Task.objects.filter(tenant=tenant).order_by("-id")[:20]),
    (
        "task_of_key",
        lambda account, tenant: Task.objects.filter(api_key=tenant.api_keys.get(), id__gte=first_uuid7(NOW)),
    ),
    (
        "task_waiting",
        lambda account, tenant: Task.objects.filter(tenant=tenant, status=Status.WAITING).order_by("id")[:5],
    ),
    (
        "ledger_of_tenant",
        lambda account, tenant: LedgerEntry.objects.filter(tenant=tenant).order_by("-id")[:20],
    ),
    (
        "ledger_by_people",
        lambda account, tenant: statements.by_people(tenant, *YEARS).order_by("-pk")[:51],
    ),
    ("standing_waiting", lambda account, tenant: Standing.objects.filter(waiting_tasks__gt=0)[: sweep.BATCH]),
    (
        "task_attention",
        lambda account, tenant: Task.objects.exclude(attention="").order_by("id")[:20],
    ),
    ("task_to_prune", lambda account, tenant: pruning.past_retention(NOW, 30)[: pruning.BATCH]),
    ("task_deleted_to_prune", lambda account, tenant: pruning.deleted()[: pruning.BATCH]),
    ("task_ended", lambda account, tenant: Task.objects.filter(finished_at__range=(NOW, NOW))),
    ("idempotency_key_age", lambda account, tenant: IdempotencyKey.objects.filter(created_at__lte=NOW)),
    ("refused_create_age", lambda account, tenant: RefusedCreate.objects.filter(at__lte=NOW)),
    ("task_queued", lambda account, tenant: _newest(Task.objects.filter(status=Status.QUEUED))),
    ("task_of_model", lambda account, tenant: _newest(Task.objects.filter(model="GV-3.1-720p"))),
    ("task_of_account", lambda account, tenant: _newest(Task.objects.filter(account=account.pk + 1))),
    ("task_ended_badly", lambda account, tenant: _newest(Task.objects.filter(status=Status.FAILED))),
    ("task_failed_for", lambda account, tenant: _newest(Task.objects.filter(failure_code="result_lost"))),
    ("task_attention", lambda account, tenant: _newest(Task.objects.exclude(attention=""))),
    ("audit_entry_of_row", lambda account, tenant: audit.of_row(tenant, 100)),
    ("audit_entry_of_name", lambda account, tenant: audit.of_row(tenant, 100)),
    ("audit_entry_of_tenant", lambda account, tenant: audit_log.of_tenant(tenant).order_by("-pk")[:51]),
    ("task_event_rare", lambda account, tenant: _newest(TaskEvent.objects.filter(verb="flag"))),
    ("ledger_rare", lambda account, tenant: _newest(LedgerEntry.objects.filter(kind="adjustment"))),
    ("task_event_at", lambda account, tenant: _of_a_day(TaskEvent.objects.all())),
    ("ledger_at", lambda account, tenant: _of_a_day(LedgerEntry.objects.all())),
    (
        "file_of_tenant",
        lambda account, tenant: File.objects.visible_to(tenant.pk).order_by("-id")[:21],
    ),
    ("file_of_tenant", lambda account, tenant: File.objects.filter(tenant=tenant).values("bytes")),
    ("file_expiry", lambda account, tenant: storing.expired(NOW)[: storing.BATCH]),
    ("file_unfinished", lambda account, tenant: storing.unfinished(NOW)[: storing.BATCH]),
    ("file_use_of_task", lambda account, tenant: FileUse.objects.filter(task=uuid7(NOW))),
    ("audit_entry_at", lambda account, tenant: _of_a_day(AuditEntry.objects.all())),
]


@pytest.mark.usefixtures("many_tasks")
def test_each_index_serves_the_query_it_names(owner: Caller, account: UpstreamAccount) -> None:
    add_past()
    analyse()

    def serves(row: tuple[str, Query]) -> None:
        index, query = row
        plan = query(account, owner.tenant).explain()
        assert index in plan, plan
        assert "Seq Scan" not in plan, plan

    check_each(INDEXES, serves)


def test_every_named_index_has_a_test_query() -> None:
    named = {index.name for model in _models() for index in model._meta.indexes}
    of_the_search = {"prompt_text", "prompt_text_id_end", "audit_entry_subject", "audit_entry_actor"}
    assert {name for name, _ in INDEXES} | set(OF_THE_LIST.values()) | of_the_search == named


@contextmanager
def _plans() -> Iterator[list[tuple[str, str]]]:
    """Collects the task queries of the block with their plans."""
    plans: list[tuple[str, str]] = []

    def explain(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith("SELECT") and ('FROM "videos_task"' in sql or 'FROM "videos_prompttext"' in sql):
            with connection.cursor() as cursor:
                cursor.cursor.execute(f"EXPLAIN {sql}", params)
                plans.append((sql, "\n".join(line for (line,) in cursor.fetchall())))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explain):
        yield plans


@pytest.mark.usefixtures("tasks_of_many")
@pytest.mark.parametrize("whose", ["", "&model={task.model}", "&account={task.account_id}"])
@pytest.mark.parametrize("query", ["q=nowhere", "q=nowhere+zq"])
def test_words_in_prompts_are_found_by_short_scans_and_the_trigram_index(
    query: str, whose: str, account: UpstreamAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "NEAR", 20)
    sophie, task = Person("sophie"), Task.objects.filter(account=account)[0]
    with _plans() as plans:
        sophie.see(f"/admin/videos/task/?{query}{whose.format(task=task)}")
    (by_index,) = [plan for sql, plan in plans if " LIKE " in sql]
    assert "Bitmap Index Scan on prompt_text" in by_index
    assert len(_scans(plans)) == 1
    assert not [plan for _, plan in plans if "Seq Scan on videos_task" in plan]


@pytest.mark.usefixtures("tasks_of_many")
def test_words_in_the_audit_log_are_found_by_the_trigram_indexes() -> None:
    analyse()
    with_word = Q(subject__icontains="nowhere") | Q(actor_name__icontains="nowhere")
    plan = _newest(AuditEntry.objects.filter(with_word)).explain()
    assert "Bitmap Index Scan on audit_entry_subject" in plan
    assert "Bitmap Index Scan on audit_entry_actor" in plan


def _scans(plans: list[tuple[str, str]]) -> list[str]:
    """The plans of the scans through prompts; checks that none sorts."""
    walks = [plan for sql, plan in plans if "array_agg" in sql.lower()]
    assert not [plan for plan in walks if "Sort" in plan or "Index Scan" not in plan]
    return walks


@pytest.mark.usefixtures("tasks_of_many")
@pytest.mark.parametrize(
    ("whose", "index"),
    [
        ("", "pkey"),
        ("&model={task.model}", "task_of_model"),
        ("&account={task.account_id}", "task_of_account"),
    ],
)
def test_short_words_in_prompts_are_found_by_scans_only(
    whose: str, index: str, account: UpstreamAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NEAR", "FAR"):
        monkeypatch.setattr(search, name, 20)
    sophie, task = Person("sophie"), Task.objects.filter(account=account)[0]
    with _plans() as plans:
        assert "Searched back to" in sophie.see(f"/admin/videos/task/?q=zq{whose.format(task=task)}")
    scans = _scans(plans)
    assert len(scans) == 2
    assert index in scans[1]


@pytest.mark.usefixtures("tasks_of_many")
@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("tenant=alice", "task_of_tenant"),
        ("q=alice", "task_of_tenant"),
        ("model={task.model}", "task_of_model"),
        ("account={task.account_id}", "task_of_account"),
        ("model={task.model}&p=2", "task_of_model"),
    ],
)
@pytest.mark.parametrize("part", ["", "export/"])
def test_the_tasks_of_one_tenant_model_or_account_are_listed_by_their_index(
    part: str, query: str, index: str, owner: Caller, account: UpstreamAccount
) -> None:
    """Also if these are nearly all tasks, so that the index of all tasks would seem cheaper."""
    sophie = Person("sophie")
    Task.objects.update(tenant=owner.tenant, api_key=owner.key)
    analyse()
    query = query.format(task=Task.objects.filter(account=account)[0])
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
        cursor.execute("SET LOCAL enable_sort = off; SET LOCAL enable_incremental_sort = off")
    with _plans() as plans:
        assert sophie.get(f"/admin/videos/task/{part}?{query}").status_code == 200
    of_list = [plan for sql, plan in plans if " = ANY(" in sql]
    assert of_list
    for plan in of_list:
        assert index in plan
        assert "Sort" not in plan


@pytest.mark.usefixtures("many_tasks")
def test_the_queue_is_read_in_index_order_without_sorting(owner: Caller, account: UpstreamAccount) -> None:
    assert "Sort" not in _queue(account, owner.tenant).explain()


# --- the hand-written statements


HAND_WRITTEN = {
    name: text
    for name, text in (
        (name, found.statement if isinstance(found, LookUp) else found)
        for module in (sql, standing, turns)
        for name, found in vars(module).items()
    )
    if isinstance(text, str) and text.lstrip().startswith(("SELECT", "WITH"))
}
MUST_BE_SEARCHED = {"videos_task", "videos_ledgerentry", "videos_dailyusage", "videos_idempotencykey"}
"""Tables that grow with every task."""
Run = tuple[str, Mapping[str, Any]]
"""A statement and its values."""


VALUE = re.compile(r"%\((\w+)\)s")


@contextmanager
def _recorded() -> Iterator[list[Run]]:
    """The statements with named values run in the block."""
    runs: list[Run] = []

    def record(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if isinstance(params, Mapping) and "jobs" not in params:  # of the job queue
            runs.append((sql, params))
        return execute(sql, params, many, context)

    with CaptureQueriesContext(connection), connection.execute_wrapper(record):
        yield runs


@pytest.fixture
def runs(owner: Caller, account: UpstreamAccount) -> list[Run]:
    """Runs of the hand-written statements in every variant, among rows of many tenants."""
    empty_pages()
    made_up.fill(3000, tenants=30, force=True)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO videos_idempotencykey (tenant_id, key, fingerprint, task_id, created_at)"
            " SELECT tenant_id, id::text, '', id, created_at FROM videos_task"
        )
    analyse()
    with _recorded() as recorded:
        _ask_for_everything(owner)
    return recorded


def _ask_for_everything(caller: Caller) -> None:
    """Send requests that run every statement with every kind of value."""
    ask = partial(caller.post, "/v1/videos")
    made = [ask(GOOD_BODY), ask(GOOD_BODY | {"metadata": {"input_region": "Oversea"}})]
    limits = {"requests_per_minute": 50_000, "spend_per_month": 1000}
    APIKey.objects.filter(tenant=caller.tenant).update(**limits)
    Quota.objects.create(tenant=caller.tenant, concurrent_tasks=3, when_full="queue", **limits)
    Standing.objects.filter(tenant=caller.tenant).update(version=3_000_000_000, balance=1_000_000)
    made += [ask(GOOD_BODY, HTTP_IDEMPOTENCY_KEY=f"key {number}") for number in range(3)]
    made += [ask(GOOD_BODY, HTTP_X_STAINLESS_RETRY_COUNT="1")]
    for answer in made:
        assert caller.get(f"/v1/videos/{answer.json()['id']}").status_code == 200
    _create_too_late(caller)
    _create_unless_locked(caller)
    assert turns.waiting([], 10, timezone.now())
    claimed = claim_next(None, timezone.now())
    assert claimed is not None
    lifecycle.requeue(claimed, {}, timezone.now(), timezone.now())
    queued = Task.objects.filter(tenant=caller.tenant, status=Status.QUEUED)
    lifecycle.cancel(queued[0], timezone.now())  # starts a waiting task


def _create_too_late(caller: Caller) -> None:
    """Create with an outdated snapshot of the totals."""
    assert caller.key is not None
    asks = admission.Caller.of(caller.key, timezone.now(), Fingerprint(body=b"another"))
    asks = replace(asks, snapshot=admission.read_snapshot(asks))
    Standing.objects.filter(tenant=caller.tenant).update(limits_version=F("limits_version") + 1)
    creation.create(asks, GOOD_BODY)


def _create_unless_locked(caller: Caller) -> None:
    assert caller.key is not None
    asks = admission.Caller.of(caller.key, timezone.now(), Fingerprint(body=b"a third"))
    checked = orders.check(GOOD_BODY, asks, admission.read_snapshot(asks))
    [created] = create_many([orders.order(checked)], waits=False)
    assert created is not None


def test_every_hand_written_statement_is_checked(runs: list[Run]) -> None:
    assert {sql for sql, _ in runs} == set(HAND_WRITTEN.values())


def test_no_statement_reads_a_whole_table(runs: list[Run]) -> None:
    for text, values in runs:
        (plan,) = prepared.fetch(f"EXPLAIN (FORMAT JSON) {text}", values) or ()
        assert not _read_whole(plan), text


@pytest.mark.usefixtures("runs")
def test_no_statement_reads_a_whole_table_in_its_generic_plan() -> None:
    """After a few runs PostgreSQL uses one plan for all values."""
    check_each(HAND_WRITTEN, _searches_by_its_generic_plan)


def _searches_by_its_generic_plan(name: str) -> None:
    names = list(dict.fromkeys(VALUE.findall(HAND_WRITTEN[name])))
    text = VALUE.sub(lambda value: f"${names.index(value[1]) + 1}", HAND_WRITTEN[name])
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        cursor.execute(f"PREPARE examined AS {text}")
        cursor.execute(f"EXPLAIN (FORMAT JSON) EXECUTE examined ({', '.join(['NULL'] * len(names))})")
        (plan,) = cursor.fetchone()
        cursor.execute("DEALLOCATE examined")
    assert not _read_whole(plan)


@pytest.mark.django_db(transaction=True)
def test_each_statement_is_prepared_once_for_all_values(owner: Caller, account: UpstreamAccount) -> None:
    prepared_once: list[str] = []

    def ask_and_count() -> None:  # in a thread, on a connection of its own
        _ask_for_everything(owner)
        with connection.cursor() as cursor:
            cursor.execute("SELECT statement FROM pg_prepared_statements")
            prepared_once.extend(statement for (statement,) in cursor.fetchall())
        connections.close_all()

    with by_the_view_alone():  # rolling back the lane's work would also end the prepared statements
        thread = threading.Thread(target=ask_and_count)
        thread.start()
        thread.join()
    assert len(set(prepared_once)) == len(prepared_once) >= len(HAND_WRITTEN)


def _read_whole(plan: Any) -> set[str]:
    """The big tables that the plan (JSON) reads completely."""
    found = json.loads(plan) if isinstance(plan, str) else plan
    return {node["Relation Name"] for node in _nodes(found[0]["Plan"]) if node["Node Type"] == "Seq Scan"} & (
        MUST_BE_SEARCHED
    )


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from _nodes(part)
