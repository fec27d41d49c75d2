"""Creates tasks: admits, records, holds the price and queues the submission, all or nothing."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import transaction

from accounts.quotas import limits, standing
from accounts.quotas.limits import AdmissionDecision
from config.db import prepared
from videos.errors import NotAdmitted
from videos.estimates import queue_position
from videos.estimates.queue_position import QueuePosition
from videos.models import Task
from videos.routing.offers import Offers
from videos.states import Status
from videos.tasks import admission, orders, sql
from videos.tasks.admission import Caller, Snapshot
from videos.tasks.batch import Created, Outcome, TenantBatch
from videos.tasks.orders import Checked, Order


def create(caller: Caller, body: Mapping[str, Any]) -> Created:
    """Create the task that a body asks for, or return the one that the same request created before.

    Raises the errors of `orders.check` and `orders.order`, `NotAdmitted`, `KeyRefused` and
    `IdempotencyKeyReused`.
    """
    snapshot = caller.snapshot or admission.read_snapshot(caller)
    return _replayed(caller, body, snapshot) or _create(orders.check(body, caller, snapshot))


def create_checked(checked: Checked) -> Created:
    """As `create`, for a body that was already checked; raises the same errors except `orders.check`'s."""
    return _replayed(checked.caller, checked.body, checked.snapshot) or _create(checked)


def decide(checked: Sequence[Checked], snapshot: Snapshot) -> list[AdmissionDecision]:
    """Whether each request, all of one tenant, would be admitted after those before it. Writes nothing."""
    period, now = checked[0].caller.period, checked[0].caller.now
    demands = [one.demand for one in checked]
    return limits.decide(snapshot.limits, snapshot.totals, snapshot.recent, demands, period, now)


def create_many(ordered: Sequence[Order], *, waits: bool = True) -> list[Outcome | None]:
    """Create the tasks that their tenants' limits allow, with one statement and one commit.

    The orders must be of one moment. Each tenant's are decided one after another over its snapshot. None
    stands for a task that is neither created nor refused, and must be decided alone, with a new snapshot: its
    tenant's limits have changed since, or its totals leave no room any more, or it may repeat another one.
    Unless it `waits`, None also stands for the tasks of tenants whose totals are locked.
    """
    batches = [TenantBatch(orders) for orders in _by_tenant(ordered)]
    written = _write([batch for batch in batches if batch.made], sql.CREATE if waits else sql.CREATE_UNLOCKED)
    outcomes: dict[UUID, Outcome | None] = {}
    for batch in batches:
        outcomes |= batch.outcomes if batch.tenant_id in written else batch.refusals
    return [outcomes.get(order.task_id) for order in ordered]


def _create(checked: Checked) -> Created:
    order = orders.order(checked)
    [outcome] = create_many([order])
    outcome = outcome or _create_under_lock(order)
    if isinstance(outcome, NotAdmitted):
        raise outcome
    return outcome


def _create_under_lock(order: Order) -> Outcome:
    """Decide again: the totals or the limits have changed since the snapshot."""
    with transaction.atomic():
        standing.lock(order.checked.caller.key.tenant_id)
        caller = admission.renewed(order.checked.caller)
        snapshot = admission.snapshot_in(caller)
        if replayed := _replayed(caller, order.checked.body, snapshot):
            return replayed
        [outcome] = create_many([orders.order(orders.check_again(order.checked, caller, snapshot))])
    assert outcome is not None, "nobody else writes under the lock"  # noqa: S101 - for the type checker
    return outcome


def _replayed(caller: Caller, body: Mapping[str, Any], snapshot: Snapshot) -> Created | None:
    """The task of the request that this one repeats, if any. Raises `IdempotencyKeyReused`."""
    allowance = limits.allowance(snapshot.limits, snapshot.recent, caller.now)
    under_key = snapshot.earlier.task_under_key(body)
    if under_key is not None:
        place = snapshot.earlier.place
        return Created(_as_made(Task.objects.get(pk=under_key), place), place, allowance, is_replay=True)
    twin = snapshot.earlier.only_twin()
    task = Task.objects.kept().filter(pk=twin).first() if twin else None
    if task is None:
        return None
    place = queue_position.counted(task, snapshot.limits.concurrent_tasks, caller.now)
    return Created(task, place, allowance, is_replay=True)


def _as_made(task: Task, place: QueuePosition | None) -> Task:
    """The task as it was when it was created, from columns that pruning keeps."""
    return Task(
        id=task.id,
        status=Status.WAITING if place else Status.QUEUED,
        model=task.model,
        seconds=task.seconds,
        request=task.request,
        not_forwarded=task.not_forwarded,
        created_at=task.created_at,
    )


def _by_tenant(ordered: Iterable[Order]) -> Iterable[Sequence[Order]]:
    groups: dict[UUID, list[Order]] = {}
    for order in ordered:
        groups.setdefault(order.checked.caller.key.tenant_id, []).append(order)
    return groups.values()


def _write(batches: Sequence[TenantBatch], statement: str) -> set[UUID]:
    """Write the tasks and totals of tenants; returns the tenants whose totals had room for them."""
    row = prepared.fetch(statement, values_of(batches)) if batches else None
    return set(row[0]) if row else set()


def values_of(batches: Sequence[TenantBatch]) -> dict[str, Any]:
    """The values of `sql.CREATE` for tasks of several tenants."""
    made = [order for batch in batches for order, _ in batch.made]
    caller, snapshot = made[0].checked.caller, made[0].checked.snapshot
    return {
        "standings": json.dumps([batch.standing() for batch in batches]),
        "tasks": json.dumps([record for batch in batches for record in batch.records()]),
        "served": json.dumps(_served(made, Offers.at(snapshot.offers))),
        "offers": snapshot.offers,
        "now": caller.now,
    }


def _served(made: Iterable[Order], offers: Offers) -> list[dict[str, Any]]:
    """The accounts that would serve these tasks, each with the models that compete for it."""
    accounts = dict.fromkeys(order.account.pk for order in made)
    return [{"account": account, "models": offers.served_by(account)} for account in accounts]
