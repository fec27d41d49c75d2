"""Creates tasks: admits, records, holds the price and queues the submission, all or nothing."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from threading import Lock
from typing import Any

from django.db import transaction
from psycopg.types.numeric import Int4, Int8

from accounts.quotas import limits, standing
from accounts.quotas.limits import AdmissionDecision, Allowance
from accounts.quotas.totals import Totals
from config.db import prepared
from config.db.prepared import as_array
from videos.errors import NotAdmitted
from videos.estimates import queue_position
from videos.estimates.queue_position import QueuePosition
from videos.models import Task
from videos.models.task import stored_at
from videos.routing.offers import Offers
from videos.states import Status
from videos.tasks import admission, idempotency, orders, sql
from videos.tasks.admission import Caller, Snapshot
from videos.tasks.orders import Checked, Order

_LOCKS = tuple(Lock() for _ in range(256))
"""Serialise creates with the same API key in this process: of concurrent ones, all but one would fail the
version check and be decided again. Between processes the version check in the database decides.
"""


@dataclass(frozen=True)
class Created:
    """A new task, or the one that an earlier identical request created."""

    task: Task
    place: QueuePosition | None
    """Position in the tenant's own queue; None if the task does not wait."""
    allowance: Allowance | None
    """What is left of the strictest requests-per-minute limit; None without one."""
    is_replay: bool = False


Outcome = Created | NotAdmitted


def local_lock(key: object) -> Lock:
    """This process's lock for creates with this key."""
    return _LOCKS[hash(key) % len(_LOCKS)]


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


def _create(checked: Checked) -> Created:
    order = orders.order(checked)
    outcomes = _make([order], checked.snapshot)
    outcome = outcomes[0] if outcomes else _make_under_lock(order)
    if isinstance(outcome, NotAdmitted):
        raise outcome
    return outcome


def _make_under_lock(order: Order) -> Outcome:
    """Decide again: the totals have changed since the snapshot."""
    caller = order.checked.caller
    with transaction.atomic():
        standing.lock(caller.key.tenant_id)
        snapshot = admission.read_snapshot(caller)
        replayed = _replayed(caller, order.checked.body, snapshot)
        outcomes = [replayed] if replayed else _make([order], snapshot)
    assert outcomes, "nobody else writes under the lock"  # noqa: S101 - for the type checker
    return outcomes[0]


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


def _make(ordered: Sequence[Order], snapshot: Snapshot) -> list[Outcome]:
    """Create the tasks that the limits allow, all of one tenant, with one statement.

    Returns an empty list and creates none if the tenant's totals have changed since the snapshot.
    """
    decisions = decide([order.checked for order in ordered], snapshot)
    pairs = zip(ordered, decisions, strict=True)
    outcomes = [_outcome(order, decision, snapshot) for order, decision in pairs]
    asked = zip(ordered, outcomes, strict=True)
    made = [(order, outcome) for order, outcome in asked if isinstance(outcome, Created)]
    return outcomes if _write(made, snapshot.totals, decisions[-1].totals) else []


def _outcome(order: Order, decision: AdmissionDecision, snapshot: Snapshot) -> Outcome:
    caller = order.checked.caller
    allowance = limits.allowance(snapshot.limits, decision.recent, caller.now)
    if decision.refusals:
        return NotAdmitted(decision.refusals, allowance)
    place = _place(order, decision.totals.waiting_tasks, snapshot, caller.now) if decision.waits else None
    return Created(_task(order, Status.WAITING if place else Status.QUEUED), place, allowance)


def _place(order: Order, position: int, snapshot: Snapshot, now: datetime) -> QueuePosition:
    usual = order.checked.expected_seconds
    return QueuePosition.at(position, snapshot.limits.concurrent_tasks, usual, now)


def _task(order: Order, status: Status) -> Task:
    checked = order.checked
    caller, request = checked.caller, checked.request
    return Task(
        id=order.task_id,
        tenant_id=caller.key.tenant_id,
        api_key_id=caller.key.pk,
        status=status,
        model=request.model.name,
        seconds=request.seconds,
        request=request.as_stored(),
        not_forwarded=order.not_forwarded,
        **stored_at(order.destination),
        price=checked.quote.amount,
        usage_day=caller.period.day,
        fingerprint=caller.fingerprint.body,
        created_at=caller.now,
    )


def _write(made: Sequence[tuple[Order, Created]], seen: Totals, totals: Totals) -> bool:
    """Write the tasks and the tenant's totals; False if the totals are no longer those in `seen`."""
    if not made:
        return True
    records = [_record(nth, order, created) for nth, (order, created) in enumerate(made)]
    _add_use(records, [created.task for _, created in made])
    tasks = json.dumps(records)
    tenant = made[0][1].task.tenant_id
    values = {"tasks": tasks, "models": _competing(made), "tenant": tenant, "now": made[0][1].task.created_at}
    row = prepared.fetch(sql.CREATE, values | _totals(totals) | {"seen_version": Int8(seen.version)})
    return row is not None and row[0] > 0


def _competing(made: Sequence[tuple[Order, Created]]) -> str:
    """The models that wait for the same accounts as these tasks."""
    competing = [
        Offers.at(order.checked.snapshot.offers).competing(created.task.model) for order, created in made
    ]
    return as_array(dict.fromkeys(model for models in competing for model in models))


def _record(nth: int, order: Order, created: Created) -> dict[str, Any]:
    """An element of the `tasks` array of `sql.CREATE`."""
    task = created.task
    return {
        "id": task.id.hex,
        "nth": nth,
        "key": task.api_key_id,
        "account": order.account.pk,
        "status": task.status,
        "model": task.model,
        "seconds": task.seconds,
        "request": task.request,
        "not_forwarded": task.not_forwarded,
        "bucket": task.store_bucket,
        "region": task.store_region,
        "path": task.store_path,
        "price": str(task.price),
        "day": task.usage_day.isoformat(),
        "fingerprint": bytes(task.fingerprint or b"").hex(),
        "at": task.created_at.isoformat(),
        "told": order.detail,
        **_idempotency_columns(order, created.place),
    }


def _add_use(records: Sequence[dict[str, Any]], tasks: Sequence[Task]) -> None:
    """Add the use of all tasks of one model, key and day to the record of their first."""
    first: dict[tuple[str, int | None, date], dict[str, Any]] = {}
    for record, task in zip(records, tasks, strict=True):
        use = first.setdefault((task.model, task.api_key_id, task.usage_day), record)
        use["used_tasks"] = use.get("used_tasks", 0) + 1
        use["used_seconds"] = use.get("used_seconds", 0) + task.seconds
        use["used_money"] = str(Decimal(use.get("used_money", 0)) + task.price)


def _idempotency_columns(order: Order, place: QueuePosition | None) -> dict[str, Any]:
    checked = order.checked
    key = checked.caller.fingerprint.idempotency_key
    if key is None:
        return {}
    start = place and place.estimated_start
    return {
        "idempotency_key": key,
        "asked": idempotency.hash_of_request(checked.body, checked.request).hex(),
        "position": place and place.position,
        "estimated_start": start and start.isoformat(),
    }


def _totals(totals: Totals) -> dict[str, Any]:
    """Values for `sql.CREATE`, with fixed integer widths: each other width would be prepared separately."""
    return {
        "version": Int8(totals.version),
        "open_tasks": Int4(totals.open_tasks),
        "waiting_tasks": Int4(totals.waiting_tasks),
        "balance": totals.balance,
        "held": totals.held,
        "day": totals.day,
        "day_seconds": Int8(totals.day_seconds),
        "day_spend": totals.day_spend,
        "month": totals.month,
        "month_seconds": Int8(totals.month_seconds),
        "month_spend": totals.month_spend,
    }
