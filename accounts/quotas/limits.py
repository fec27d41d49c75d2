"""A tenant's limits, and whether they admit another task. Pure.

An empty limit is unlimited, 0 refuses everything. Every limit is counted exactly; a refusal names the limit,
its value, the use so far and when to retry (contract section 5).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from accounts.quotas.totals import Demand, Period, Totals

MINUTE = timedelta(minutes=1)
_SPANS = {
    "seconds_per_day": "The daily limit",
    "seconds_per_month": "The monthly limit",
    "spend_per_day": "The daily limit",
    "spend_per_month": "The monthly limit",
    "key.spend_per_month": "This key's monthly limit",
}


class Kind(StrEnum):
    """The kinds of limits that clients distinguish."""

    RATE = "rate"
    CONCURRENCY = "concurrency"
    QUOTA = "quota"


@dataclass(frozen=True)
class Limits:
    """The limits of a tenant, and those of the key that asks; None is unlimited."""

    concurrent_tasks: int | None = None
    queued_tasks: int | None = None
    queues_when_full: bool = False
    requests_per_minute: int | None = None
    seconds_per_day: int | None = None
    seconds_per_month: int | None = None
    spend_per_day: Decimal | None = None
    spend_per_month: Decimal | None = None
    is_prepaid: bool = False
    key_requests_per_minute: int | None = None
    key_spend_per_month: Decimal | None = None

    def room(self, open_tasks: int, *, most: int) -> int:
        """How many more tasks may run, at most `most`."""
        if self.concurrent_tasks is None:
            return most
        return min(most, max(0, self.concurrent_tasks - open_tasks))

    def waits(self, totals: Totals) -> bool:
        """Whether another task would wait in the tenant's own queue."""
        is_free = self.room(totals.open_tasks, most=1) > 0 and totals.waiting_tasks == 0
        return self.queues_when_full and not is_free


@dataclass(frozen=True)
class Minute:
    """The tasks of the last sixty seconds, counted only up to a limit of requests per minute."""

    tasks: int = 0
    since: datetime | None = None
    """When the first of them was made."""

    def full_since(self, limit: int | None) -> datetime | None:
        """When the first of the latest `limit` tasks was made; None if there are fewer, or no limit."""
        return self.since if limit is not None and self.tasks >= limit else None

    def with_task(self, now: datetime) -> "Minute":
        return Minute(self.tasks + 1, self.since or now)


@dataclass(frozen=True)
class Recent:
    """Use that is not in the totals; each is looked up only if a limit needs it."""

    minute: Minute = Minute()
    """Of the tenant."""
    key_minute: Minute = Minute()
    key_month_spend: Decimal = Decimal(0)

    def with_task(self, price: Decimal, now: datetime) -> "Recent":
        return Recent(
            self.minute.with_task(now), self.key_minute.with_task(now), self.key_month_spend + price
        )


@dataclass(frozen=True)
class LimitReached:
    """A limit that refuses a task."""

    kind: Kind
    limit: str
    """Its name, as `GET /v1/account` shows it."""
    value: int | Decimal
    used: int | Decimal
    message: str
    retry_at: datetime | None = None
    """When to retry; None if retrying does not help."""


@dataclass(frozen=True)
class Allowance:
    """What is left of a limit of requests per minute."""

    limit: int
    remaining: int
    free_at: datetime | None
    """When another request is possible; None if one is possible now, or never."""


@dataclass(frozen=True)
class AdmissionDecision:
    """Whether a task is admitted, whether it waits in the tenant's own queue, and the use afterwards."""

    refusals: tuple[LimitReached, ...]
    waits: bool
    totals: Totals
    """Including the task if it is admitted."""
    recent: Recent


def decide(
    limits: Limits, totals: Totals, recent: Recent, demands: Iterable[Demand], period: Period, now: datetime
) -> list[AdmissionDecision]:
    """Check tasks against all limits, each after the admitted ones before it.

    `totals` must be those of `period`.
    """
    decisions = []
    for demand in demands:
        decision = _decide(limits, totals, recent, demand, period, now)
        totals, recent = decision.totals, decision.recent
        decisions.append(decision)
    return decisions


def _decide(
    limits: Limits, totals: Totals, recent: Recent, demand: Demand, period: Period, now: datetime
) -> AdmissionDecision:
    waits = limits.waits(totals)
    refusals = (
        *_rates(limits, recent, now),
        *(_queue(limits, totals, demand, now) if waits else _concurrency(limits, totals, demand, now)),
        *_quotas(limits, totals, recent, demand, period),
        *_balance(limits, totals, demand),
    )
    if not refusals:
        totals, recent = totals.with_hold(demand, waits=waits), recent.with_task(demand.price, now)
    return AdmissionDecision(refusals, waits, totals, recent)


def allowance(limits: Limits, recent: Recent, now: datetime) -> Allowance | None:
    """What is left of the tenant's or the key's requests per minute, whichever limit is reached first.

    None if there is no such limit.
    """
    both = (
        (limits.requests_per_minute, recent.minute),
        (limits.key_requests_per_minute, recent.key_minute),
    )
    known = [_allowance(limit, minute, now) for limit, minute in both if limit is not None]
    return min(known, key=_nearness, default=None)


def _allowance(limit: int, minute: Minute, now: datetime) -> Allowance:
    remaining = max(0, limit - minute.tasks)
    is_full = limit > 0 and not remaining
    return Allowance(limit, remaining, (minute.since or now) + MINUTE if is_full else None)


def _nearness(allowance: Allowance) -> tuple[int, bool, float]:
    """Sort key: the fewest remaining first; if none remain, the latest time to retry first."""
    at = allowance.free_at
    return allowance.remaining, allowance.limit > 0, -at.timestamp() if at else 0.0


def _rates(limits: Limits, recent: Recent, now: datetime) -> Iterator[LimitReached]:
    own, keys = limits.requests_per_minute, limits.key_requests_per_minute
    for name, limit, minute, whose in (
        ("requests_per_minute", own, recent.minute, "The limit"),
        ("key.requests_per_minute", keys, recent.key_minute, "This key's limit"),
    ):
        since = minute.full_since(limit)
        if limit == 0:
            yield LimitReached(Kind.RATE, name, 0, 0, f"{whose} is 0 requests per minute: none are taken")
        elif limit is not None and since is not None and now - since < MINUTE:
            message = f"{whose} of {limit} requests per minute is reached: {limit} in the last minute"
            yield LimitReached(Kind.RATE, name, limit, limit, message, since + MINUTE)


def _concurrency(limits: Limits, totals: Totals, demand: Demand, now: datetime) -> Iterator[LimitReached]:
    limit = limits.concurrent_tasks
    if limit is not None and totals.open_tasks >= limit:
        message = f"The limit of {limit} concurrent tasks is reached: {totals.open_tasks} at work"
        retry_at = _next_place(limit, demand, now)
        yield LimitReached(Kind.CONCURRENCY, "concurrent_tasks", limit, totals.open_tasks, message, retry_at)


def _queue(limits: Limits, totals: Totals, demand: Demand, now: datetime) -> Iterator[LimitReached]:
    if limits.concurrent_tasks == 0:  # it would wait for ever
        yield from _concurrency(limits, totals, demand, now)
    elif limits.queued_tasks is not None and totals.waiting_tasks >= limits.queued_tasks:
        limit = limits.queued_tasks
        message = (
            f"The limit of {limit} queued tasks is reached: {totals.waiting_tasks} waiting,"
            f" {totals.open_tasks} at work"
        )
        retry_at = _next_place(limits.concurrent_tasks, demand, now)
        yield LimitReached(Kind.CONCURRENCY, "queued_tasks", limit, totals.waiting_tasks, message, retry_at)


def _next_place(limit: int | None, demand: Demand, now: datetime) -> datetime | None:
    """When the next of `limit` tasks should end, on average; in a second if there is no limit."""
    if limit == 0:
        return None
    return now + timedelta(seconds=max(1.0, demand.usual_seconds / limit if limit else 0))


def _quotas(
    limits: Limits, totals: Totals, recent: Recent, demand: Demand, period: Period
) -> Iterator[LimitReached]:
    seconds, price = demand.seconds, demand.price
    day_ends, month_ends = period.day_ends, period.month_ends
    video, money = "seconds of video", f"{demand.currency} spent"
    key_spend = recent.key_month_spend
    for name, limit, used, asked, unit, ends in (
        ("seconds_per_day", limits.seconds_per_day, totals.day_seconds, seconds, video, day_ends),
        ("seconds_per_month", limits.seconds_per_month, totals.month_seconds, seconds, video, month_ends),
        ("spend_per_day", limits.spend_per_day, totals.day_spend, price, money, day_ends),
        ("spend_per_month", limits.spend_per_month, totals.month_spend, price, money, month_ends),
        ("key.spend_per_month", limits.key_spend_per_month, key_spend, price, money, month_ends),
    ):
        if limit is not None and (used + asked > limit or limit == 0):
            message = (
                f"{_SPANS[name]} of {_plain(limit)} {unit} does not allow this task: {_plain(used)} used,"
                f" {_plain(asked)} asked for"
            )
            fits_later = 0 < limit >= asked
            hint = f"; it starts anew at {ends.isoformat()}" if fits_later else ""
            yield LimitReached(Kind.QUOTA, name, limit, used, message + hint, ends if fits_later else None)


def _balance(limits: Limits, totals: Totals, demand: Demand) -> Iterator[LimitReached]:
    if limits.is_prepaid and totals.balance < demand.price:
        message = (
            f"The balance of {_plain(totals.balance)} {demand.currency} does not cover this task:"
            f" {_plain(demand.price)} {demand.currency} asked for"
        )
        yield LimitReached(Kind.QUOTA, "balance", totals.balance, totals.held, message)


def _plain(number: int | Decimal) -> str:
    return f"{number.normalize():f}" if isinstance(number, Decimal) else str(number)
