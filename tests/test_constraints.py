"""What must always hold of a row is held by the database; each rule here is tried to be broken."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, transaction
from django.db.models import QuerySet

from accounts.models import APIKey, Membership, Tenant, User
from tests.conftest import NOW, Caller, MakeTask
from videos import generation_times
from videos.models import Task, UpstreamAccount, UpstreamBudget
from videos.states import FINAL, Status
from videos.steps import sweep


@dataclass(frozen=True)
class World:
    """What the attempts work on."""

    owner: Caller
    account: UpstreamAccount
    make_task: MakeTask

    def update(self, start: Status, /, **fields: Any) -> None:
        Task.objects.filter(pk=self.make_task(start).pk).update(**fields)

    def join(self, user: str, **fields: Any) -> None:
        person, _ = User.objects.get_or_create(username=user)
        Membership.objects.create(tenant=self.owner.tenant, user=person, **fields)


@pytest.fixture
def world(owner: Caller, account: UpstreamAccount, make_task: MakeTask) -> World:
    return World(owner, account, make_task)


def _scopes(world: World, scopes: list[str]) -> None:
    APIKey.objects.filter(tenant=world.owner.tenant).update(scopes=scopes)


def _rates(world: World, **rates: float) -> None:
    UpstreamAccount.objects.filter(pk=world.account.pk).update(**rates)


def _twice(write: Callable[[], object]) -> None:
    write()
    write()


ATTEMPTS: list[tuple[str, str, Callable[[World], object]]] = [
    ("membership_role_known", "a role nobody knows", lambda world: world.join("bob", role="king")),
    (
        "membership_once_per_tenant",
        "two places in one tenant",
        lambda world: _twice(lambda: world.join("bob")),
    ),
    ("api_key_scopes_known", "a scope nobody knows", lambda world: _scopes(world, ["read", "fly"])),
    ("api_key_scopes_known", "a key for nothing", lambda world: _scopes(world, [])),
    ("upstream_account_rates_positive", "no creates", lambda world: _rates(world, creates_per_second=0)),
    ("upstream_account_rates_positive", "no describes", lambda world: _rates(world, describes_per_second=-1)),
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
    *(
        (
            "task_accepted_has_upstream_id",
            f"{status} without upstream's id",
            lambda world, status=status: world.update(status, upstream_task_id=None),
        )
        for status in (Status.RUNNING, Status.STORING, Status.SUCCEEDED)
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
]


@pytest.mark.parametrize(
    ("name", "attempt"),
    [pytest.param(name, attempt, id=f"{name}: {what}") for name, what, attempt in ATTEMPTS],
)
def test_the_database_refuses(name: str, attempt: Callable[[World], object], world: World) -> None:
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        attempt(world)


def test_every_named_constraint_is_tried_to_be_broken() -> None:
    named = {
        constraint.name
        for app in ("accounts", "videos")
        for model in apps.get_app_config(app).get_models()
        for constraint in model._meta.constraints
    }
    assert {name for name, _, _ in ATTEMPTS} == named


@pytest.mark.parametrize("status", Status)
def test_the_database_takes_a_task_in_every_state(status: Status, make_task: MakeTask) -> None:
    assert make_task(status).status == status


def test_the_same_upstream_id_may_come_from_two_accounts(make_task: MakeTask) -> None:
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


# --- indexes: each is used by the query it names


def _queue(account: UpstreamAccount, tenant: Tenant) -> QuerySet[Any]:
    waiting = Task.objects.filter(account=account, status=Status.QUEUED, due_at__lte=NOW)
    return waiting.order_by("turn", "id")[:1]


def _last_turn(account: UpstreamAccount, tenant: Tenant) -> QuerySet[Any]:
    waiting = Task.objects.filter(account=account, status=Status.QUEUED, tenant=tenant)
    return waiting.order_by("-turn").values("turn")[:1]


def _due(account: UpstreamAccount, status: Status) -> QuerySet[Any]:
    return Task.objects.filter(account=account, status=status, due_at__lte=NOW)


INDEXES: list[tuple[str, Callable[[UpstreamAccount, Tenant], QuerySet[Any]]]] = [
    ("task_queue", _queue),
    ("task_tenant_turn", _last_turn),
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
            status__in=[Status.QUEUED, Status.RUNNING], attention="", created_at__lte=NOW
        )[: sweep.BATCH],
    ),
    ("task_of_tenant", lambda account, tenant: Task.objects.filter(tenant=tenant).order_by("-id")[:20]),
]


@pytest.fixture
def many_tasks(make_task: MakeTask) -> None:
    """Enough rows for the planner to weigh, in every state."""
    for status in Status:
        for number in range(4):
            done = NOW if status in (Status.STORING, Status.SUCCEEDED) else None
            make_task(status, turn=number, done_at=done, now=NOW - timedelta(minutes=number))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE videos_task")
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_bitmapscan = off")


@pytest.mark.usefixtures("many_tasks")
@pytest.mark.parametrize(("index", "query"), INDEXES, ids=[name for name, _ in INDEXES])
def test_an_index_serves_the_query_it_names(
    index: str,
    query: Callable[[UpstreamAccount, Tenant], QuerySet[Any]],
    owner: Caller,
    account: UpstreamAccount,
) -> None:
    plan = query(account, owner.tenant).explain()
    assert index in plan
    assert "Seq Scan" not in plan


def test_every_named_index_has_a_query() -> None:
    assert {index.name for index in Task._meta.indexes} == {name for name, _ in INDEXES}


@pytest.mark.usefixtures("many_tasks")
def test_the_queue_is_read_in_order_of_its_index_without_sorting(
    owner: Caller, account: UpstreamAccount
) -> None:
    assert "Sort" not in _queue(account, owner.tenant).explain()
