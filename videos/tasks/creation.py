"""Creates tasks: admits, records, holds the price and queues the submission, all or nothing."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.db import transaction

from accounts.quotas import limits, standing
from accounts.quotas.limits import AdmissionDecision
from videos.errors import NotAdmitted
from videos.estimates import queue_position
from videos.estimates.queue_position import QueuePosition
from videos.files import incoming, uses
from videos.models import Task
from videos.requests import VideoRequest
from videos.states import Status
from videos.tasks import admission, batch, orders
from videos.tasks.admission import Caller, Snapshot
from videos.tasks.batch import Created, Outcome
from videos.tasks.orders import Checked, Order


def create(
    caller: Caller, body: Mapping[str, Any], inspect: Callable[[VideoRequest], None] = lambda _: None
) -> Created:
    """Create the task that a body asks for, or return the one that the same request created before.

    `inspect` is called with the request once it is known to be valid and new, before anything is written.
    Raises its errors, those of `orders.check` and `orders.order`, `NotAdmitted`, `KeyRefused`,
    `IdempotencyKeyReused` and `FileNotStored`.
    """
    snapshot = caller.snapshot or admission.read_snapshot(caller)
    if replayed := _replayed(caller, body, snapshot):
        return replayed
    order = orders.order_for(body, caller, snapshot)
    inspect(order.checked.request)
    return _create(order)


def create_checked(checked: Checked) -> Created:
    """As `create`, for a body that was already checked; raises the same errors except `orders.check`'s."""
    return _replayed(checked.caller, checked.body, checked.snapshot) or _create(orders.order(checked))


def decide(checked: Sequence[Checked], snapshot: Snapshot) -> list[AdmissionDecision]:
    """Whether each request, all of one tenant, would be admitted after those before it. Writes nothing."""
    period, now = checked[0].caller.period, checked[0].caller.now
    demands = [one.demand for one in checked]
    return limits.decide(snapshot.limits, snapshot.totals, snapshot.recent, demands, period, now)


def _create(order: Order) -> Created:
    """Stores the files that came with the request first, and deletes them if no task comes to use them."""
    checked = order.checked
    if not checked.request.uploads:
        return _create_stored(order)
    tenant_id = checked.caller.key.tenant_id
    with incoming.stored(tenant_id, checked.request.uploads, checked.caller.now) as stored:
        created = _create_stored(replace(order, checked=checked.with_files(stored)))
    if created.is_replay:  # the same request was faster
        incoming.discard(tenant_id, stored.values())
    return created


def _create_stored(order: Order) -> Created:
    outcome = _write(order) or _create_under_lock(order)
    if isinstance(outcome, NotAdmitted):
        raise outcome
    return outcome


def _write(order: Order) -> Outcome | None:
    """Create the task alone; None as in `batch.create_many`. Raises `InvalidRequestError`.

    Files that the request names are kept from this moment on until the task ends.
    """
    request = order.checked.request
    if not request.files:
        [outcome] = batch.create_many([order])
        return outcome
    with transaction.atomic():
        uses.hold(order.checked.caller.key.tenant_id, request)
        [outcome] = batch.create_many([order])
        if isinstance(outcome, Created):
            uses.record(outcome.task.id, request.files)
    return outcome


def _create_under_lock(order: Order) -> Outcome:
    """Decide again: the totals, the limits or the offers have changed since the snapshot."""
    with transaction.atomic():
        standing.lock(order.checked.caller.key.tenant_id)
        while True:
            if outcome := _create_again(order):
                return outcome  # otherwise the offers have changed once more


def _create_again(order: Order) -> Outcome | None:
    caller = admission.renewed(order.checked.caller)
    snapshot = admission.snapshot_in(caller)
    if replayed := _replayed(caller, order.checked.body, snapshot):
        return replayed
    return _write(orders.order(orders.check_again(order.checked, caller, snapshot)))


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
