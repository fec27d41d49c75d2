"""Tasks that are asked for at the same moment: decided one after another, and written with one commit."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from accounts.quotas import limits
from accounts.quotas.escrow import escrow
from accounts.quotas.limits import AdmissionDecision, Allowance, Recent
from config.db import prepared
from config.db.instances import unsaved
from videos.errors import NotAdmitted
from videos.estimates.queue_position import QueuePosition
from videos.models import Task
from videos.models.task import stored_at
from videos.routing.offers import Offers
from videos.states import Status
from videos.tasks import idempotency, sql
from videos.tasks.admission import Caller
from videos.tasks.orders import Order


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


class TenantBatch:
    """Tasks of one tenant, decided one after another over one snapshot."""

    def __init__(self, ordered: Sequence[Order]) -> None:
        self._first = ordered[0].checked
        self.tenant_id = self._first.caller.key.tenant_id
        self.outcomes: dict[UUID, Outcome | None] = {}
        """By the id of the task, as if all are written."""
        self.made: list[tuple[Order, Created]] = []
        self._totals, self._minute = self._first.snapshot.totals, self._first.snapshot.recent.minute
        self._of_keys: dict[int, Recent] = {}
        self._repeatable: set[object] = set()
        self._usual: dict[str, float] = {}
        for order in ordered:
            self.outcomes[order.task_id] = outcome = self._decide(order)
            if isinstance(outcome, Created):
                self.made.append((order, outcome))

    @property
    def refusals(self) -> dict[UUID, Outcome | None]:
        """The outcomes if nothing is written: only refusals that do not depend on the tasks before them."""
        return self.outcomes if not self.made else {}

    def records(self) -> list[dict[str, Any]]:
        """Its elements of the `tasks` array of `sql.CREATE`."""
        turns: dict[int, int] = {}
        records = []
        for order, created in self.made:
            nth = turns[order.group] = turns.get(order.group, -1) + 1
            records.append(_record(nth, order, created))
        _add_use(records, [created.task for _, created in self.made])
        return records

    def standing(self) -> dict[str, Any]:
        """Its element of the `standings` array of `sql.CREATE`."""
        seen = self._first.snapshot
        # Totals that were read again may contain tasks that the stored ones do not.
        is_exact = self._is_exact or seen.totals != seen.stored
        held = escrow(seen.stored, self._totals, seen.limits, is_exact=is_exact)
        return {"tenant_id": self.tenant_id.hex, "limits_version": seen.limits_version, **held.columns()}

    @property
    def _is_exact(self) -> bool:
        """Whether something is counted or looked up besides the totals."""
        checked = [order.checked for order, _ in self.made]
        fingerprints = [one.caller.fingerprint for one in checked]
        return (
            self._first.snapshot.limits.requests_per_minute is not None
            or any(one.caller.key.has_limits for one in checked)
            or any(one.idempotency_key is not None or one.is_retry for one in fingerprints)
        )

    def _decide(self, order: Order) -> Outcome | None:
        """Decide on an order after those before; None if it may repeat one, or share its key's limits."""
        checked = order.checked
        caller, snapshot = checked.caller, checked.snapshot
        if snapshot.offers != self._first.snapshot.offers or not self._is_apart(caller):
            return None
        recent = self._of_keys.get(caller.key.pk, snapshot.recent)
        recent = replace(recent, minute=self._minute)
        [decision] = limits.decide(
            snapshot.limits, self._totals, recent, [checked.demand], caller.period, caller.now
        )
        self._totals, self._minute = decision.totals, decision.recent.minute
        self._of_keys[caller.key.pk] = decision.recent
        return self._outcome(order, decision)

    def _outcome(self, order: Order, decision: AdmissionDecision) -> Outcome:
        caller, snapshot = order.checked.caller, order.checked.snapshot
        allowance = limits.allowance(snapshot.limits, decision.recent, caller.now)
        if decision.refusals:
            return NotAdmitted(decision.refusals, allowance)
        place = self._place(order, decision.totals.waiting_tasks) if decision.waits else None
        return Created(_task(order, Status.WAITING if place else Status.QUEUED), place, allowance)

    def _place(self, order: Order, position: int) -> QueuePosition:
        checked = order.checked
        model = checked.request.model.name
        if model not in self._usual:  # a query, once for all tasks of the model
            self._usual[model] = checked.expected_seconds
        limit = checked.snapshot.limits.concurrent_tasks
        return QueuePosition.at(position, limit, self._usual[model], checked.caller.now)

    def _is_apart(self, caller: Caller) -> bool:
        """Whether it repeats no request of the batch, and no other key in it can share its limits."""
        fingerprint = caller.fingerprint
        own = fingerprint.idempotency_key or (caller.key.pk, fingerprint.body)
        is_repeated = (fingerprint.idempotency_key or fingerprint.is_retry) and own in self._repeatable
        self._repeatable.add(own)
        shares = caller.key.has_limits and any(key != caller.key.pk for key in self._of_keys)
        return not is_repeated and not shares


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
        "competing": json.dumps(_competing(made, Offers.at(snapshot.offers))),
        "offers": snapshot.offers,
        "now": caller.now,
    }


def _competing(made: Iterable[Order], offers: Offers) -> list[dict[str, Any]]:
    """The groups of models that compete with these tasks for the same accounts."""
    groups = dict.fromkeys(order.group for order in made)
    return [{"number": number, "models": offers.group(number)} for number in groups]


def _task(order: Order, status: Status) -> Task:
    checked = order.checked
    caller, request = checked.caller, checked.request
    return unsaved(
        Task,
        id=order.task_id,
        tenant_id=caller.key.tenant_id,
        api_key_id=caller.key.pk,
        status=status,
        model=request.model.name,
        seconds=request.seconds,
        request=request.as_stored(),
        not_forwarded=order.not_forwarded,
        **stored_at(order.destination),
        prefers=checked.queue.prefers,
        on_own_account=checked.queue.owner is not None,
        price=checked.quote.amount,
        usage_day=caller.period.day,
        fingerprint=caller.fingerprint.body,
        created_at=caller.now,
    )


def _record(nth: int, order: Order, created: Created) -> dict[str, Any]:
    """An element of the `tasks` array; the task is the `nth` of its tenant in its group, from 0."""
    task = created.task
    return {
        "id": task.id.hex,
        "tenant_id": task.tenant_id.hex,
        "nth": nth,
        "key": task.api_key_id,
        "of_group": order.group,
        "prefers": task.prefers,
        "own": task.on_own_account,
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
    # Files that came with the body count by their content, not by the ids that they have got since.
    request = None if checked.stored else checked.request
    return {
        "idempotency_key": key,
        "asked": idempotency.hash_of_request(checked.body, request).hex(),
        "position": place and place.position,
        "estimated_start": start and start.isoformat(),
    }
