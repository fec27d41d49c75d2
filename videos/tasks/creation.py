"""Create, the first verb of a task's life: admitted, recorded, paid for and queued, all of it or nothing."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from psycopg.types.numeric import Int4, Int8

from accounts.quotas import limits, standing
from accounts.quotas.limits import Allowance, Decision
from accounts.quotas.totals import Demand, Totals
from config.db import prepared
from videos.errors import NotAdmitted
from videos.estimates import generation_times
from videos.estimates.queue_position import Place
from videos.models import Task, UpstreamAccount
from videos.requests import VideoRequest
from videos.requests.values import without_unstorable
from videos.states import Status
from videos.tasks import admission, sql
from videos.tasks.admission import Asker, Look


@dataclass(frozen=True)
class Order:
    """What is to be made, where and for how much: a checked request, and what upstream will be sent."""

    task_id: UUID
    request: VideoRequest
    account: UpstreamAccount
    payload: dict[str, Any]
    not_forwarded: list[str]
    price: Decimal
    sent: Mapping[str, Any] = field(default_factory=dict)
    """The body as it came."""

    def told(self) -> str:
        """What the first event tells of the request, as JSON: the body as it came, if it reads otherwise."""
        if self.sent == self.request.as_body():
            return "{}"
        text = json.dumps({"sent": without_unstorable(dict(self.sent))})
        return text if len(text) <= LONGEST_TOLD else json.dumps({"sent_characters": len(text)})

    @cached_property
    def usual(self) -> float:
        """Seconds such a task is usually at work; looked up once, and only where it has to wait."""
        return generation_times.expected(self.request.model.name)


@dataclass(frozen=True)
class Answer:
    """The body a client gets for a create, and whether another request had made the task before."""

    body: str
    is_replay: bool = False
    allowance: Allowance | None = None
    """What is left of the nearest limit of requests per minute, if there is one."""


LONGEST_TOLD = 64 * 1024
"""Characters of a body that are kept as they came; the normalised one is always kept whole."""
Describe = Callable[[Task, Place | None], str]
"""Writes a new task down as clients see it."""


def create(order: Order, asker: Asker, seen: Look, describe: Describe) -> Answer:
    """Make the task, if every limit allows it, by what was `seen`; decided anew where that has changed.

    Raises `NotAdmitted`, `KeyRefused`, `IdempotencyKeyReused`.
    """
    return _make(order, asker, seen, describe) or _make_under_lock(order, asker, describe)


def _make_under_lock(order: Order, asker: Asker, describe: Describe) -> Answer:
    with transaction.atomic():
        standing.lock(asker.key.tenant_id)
        seen = admission.look(asker)
        earlier = answer_before(asker, seen, describe)
        made = earlier or _make(order, asker, seen, describe)
    assert made is not None, "nobody else writes under the lock"  # noqa: S101 - for the type checker
    return made


def answer_before(asker: Asker, seen: Look, describe: Describe) -> Answer | None:
    """The answer to the request this one repeats, if it does. Raises `IdempotencyKeyReused`."""
    given = seen.earlier.answer_for(asker.repetition)
    if given is not None:
        return Answer(given, is_replay=True, allowance=_allowance(asker, seen))
    twin = seen.earlier.only_twin()
    task = Task.objects.filter(pk=twin, hidden_at=None).first() if twin else None
    if task is None:
        return None
    body = describe(task, _place_of(task, seen, asker.now))
    return Answer(body, is_replay=True, allowance=_allowance(asker, seen))


def decide(request: VideoRequest, price: Decimal, asker: Asker, seen: Look) -> Decision:
    """Whether the request would be admitted by what was `seen`; nothing is changed."""
    demand = _demand(request, price)
    return limits.decide(seen.limits, seen.totals, seen.recent, demand, asker.period, asker.now)


def _make(order: Order, asker: Asker, seen: Look, describe: Describe) -> Answer | None:
    """None where the tenant's totals are not those that were seen any more."""
    decision = decide(order.request, order.price, asker, seen)
    if decision.refusals:
        raise NotAdmitted(decision.refusals, _allowance(asker, seen))
    task = _task(order, asker, Status.WAITING if decision.waits else Status.QUEUED)
    demand = _demand(order.request, order.price)
    place = _place(seen.totals.waiting_tasks + 1, order.usual, seen, asker.now) if decision.waits else None
    answer = describe(task, place)
    values = _columns(task) | _totals(seen.totals.with_hold(demand, waits=decision.waits))
    repetition = asker.repetition
    values |= {"idempotency_key": repetition.idempotency_key, "asked": repetition.asked}
    values |= {"answer": answer, "told": order.told()}
    made = prepared.fetch(sql.CREATE, values)
    return Answer(answer, allowance=_allowance(asker, seen, made=1)) if made and made[0] else None


def _allowance(asker: Asker, seen: Look, made: int = 0) -> Allowance | None:
    return limits.allowance(seen.limits, seen.recent, asker.now, made=made)


def _demand(request: VideoRequest, price: Decimal) -> Demand:
    usual = generation_times.guess(request.model.name).usual
    return Demand(request.seconds, price, settings.CURRENCY, usual)


def _place_of(task: Task, seen: Look, now: datetime) -> Place | None:
    if task.state is not Status.WAITING:
        return None
    ahead = Task.objects.filter(tenant=task.tenant_id, status=Status.WAITING, id__lte=task.pk)
    return _place(ahead.count(), generation_times.expected(task.model), seen, now)


def _place(position: int, usual: float, seen: Look, now: datetime) -> Place:
    return Place.at(position, seen.limits.concurrent_tasks, usual, now)


def _task(order: Order, asker: Asker, status: Status) -> Task:
    return Task(
        id=order.task_id,
        tenant_id=asker.key.tenant_id,
        api_key_id=asker.key.pk,
        account_id=order.account.pk,
        status=status,
        model=order.request.model.name,
        seconds=order.request.seconds,
        request=order.request.as_body(),
        payload=order.payload,
        not_forwarded=order.not_forwarded,
        price=order.price,
        usage_day=asker.period.day,
        fingerprint=asker.repetition.fingerprint,
        created_at=asker.now,
    )


def _columns(task: Task) -> dict[str, Any]:
    """For `statements.CREATE`; numbers are sent in one width each, or each width would be prepared apart."""
    return {
        "task": task.id,
        "tenant": task.tenant_id,
        "key": Int8(task.api_key_id or 0),
        "account": Int8(task.account_id),
        "status": task.status,
        "model": task.model,
        "seconds": Int4(task.seconds),
        "request": json.dumps(task.request),
        "payload": json.dumps(task.payload),
        "not_forwarded": task.not_forwarded,
        "price": task.price,
        "day": task.usage_day,
        "fingerprint": task.fingerprint,
        "now": task.created_at,
    }


def _totals(totals: Totals) -> dict[str, Any]:
    return {
        "version": Int8(totals.version),
        "open_tasks": Int4(totals.open_tasks),
        "waiting_tasks": Int4(totals.waiting_tasks),
        "balance": totals.balance,
        "held": totals.held,
        "day_seconds": Int8(totals.day_seconds),
        "day_spend": totals.day_spend,
        "month": totals.month,
        "month_seconds": Int8(totals.month_seconds),
        "month_spend": totals.month_spend,
    }
