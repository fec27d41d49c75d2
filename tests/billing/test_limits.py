"""Whether a tenant may have another task: its limits, its totals, and its days and months."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from accounts.quotas.limits import (
    MINUTE,
    AdmissionDecision,
    Kind,
    LimitReached,
    Limits,
    Minute,
    Recent,
    decide,
)
from accounts.quotas.totals import Demand, Period, Totals
from config.clock import Clock
from tests.conftest import NOW
from tests.support.rows import each

TODAY, THIS_MONTH = date(2026, 11, 20), date(2026, 11, 1)
PERIOD = Period.of(NOW, Clock("UTC"))
EMPTY = Totals(
    version=7,
    open_tasks=0,
    waiting_tasks=0,
    balance=Decimal(0),
    held=Decimal(0),
    day=TODAY,
    day_seconds=0,
    day_spend=Decimal(0),
    month=THIS_MONTH,
    month_seconds=0,
    month_spend=Decimal(0),
)
TASK = Demand(seconds=5, price=Decimal("4"), currency="CNY", usual_seconds=100)
A_MOMENT = timedelta(microseconds=1)
EXPLORE = settings(deadline=None, max_examples=40)


def decided(
    limits: Limits, use: dict[str, Any] | None = None, recent: Recent | None = None, task: Demand = TASK
) -> AdmissionDecision:
    [decision] = decide(limits, replace(EMPTY, **(use or {})), recent or Recent(), [task], PERIOD, NOW)
    return decision


def names(decision: AdmissionDecision) -> list[str]:
    return [refusal.limit for refusal in decision.refusals]


def only(decision: AdmissionDecision) -> LimitReached:
    [refusal] = decision.refusals
    return refusal


# --- one limit at a time


class Row(NamedTuple):
    """A limit, its use so far, and whether it refuses a task of 5 seconds for 4.00."""

    limits: dict[str, Any]
    use: dict[str, Any]
    refused: list[str]


def dec(text: str) -> Decimal:
    return Decimal(text)


FULL: dict[str, Any] = {"open_tasks": 10**6, "day_seconds": 10**6, "month_seconds": 10**6}
FULL |= {"day_spend": dec("1e6"), "month_spend": dec("1e6"), "balance": dec("-1e6"), "held": dec("1e6")}
ROWS = [
    Row({}, FULL, []),
    Row({"concurrent_tasks": 0}, {}, ["concurrent_tasks"]),
    Row({"concurrent_tasks": 2}, {"open_tasks": 1}, []),
    Row({"concurrent_tasks": 2}, {"open_tasks": 2}, ["concurrent_tasks"]),
    Row({"concurrent_tasks": 2}, {"open_tasks": 3}, ["concurrent_tasks"]),
    Row({"concurrent_tasks": 2}, {"waiting_tasks": 9}, []),
    Row({"queued_tasks": 0}, {"open_tasks": 9}, []),
    Row({"seconds_per_day": 0}, {}, ["seconds_per_day"]),
    Row({"seconds_per_day": 10}, {"day_seconds": 5}, []),
    Row({"seconds_per_day": 10}, {"day_seconds": 6}, ["seconds_per_day"]),
    Row({"seconds_per_day": 10}, {"day_seconds": 11}, ["seconds_per_day"]),
    Row({"seconds_per_day": 10}, {"month_seconds": 99}, []),
    Row({"seconds_per_day": 4}, {}, ["seconds_per_day"]),
    Row({"seconds_per_month": 0}, {}, ["seconds_per_month"]),
    Row({"seconds_per_month": 10}, {"month_seconds": 5}, []),
    Row({"seconds_per_month": 10}, {"month_seconds": 6}, ["seconds_per_month"]),
    Row({"seconds_per_month": 10}, {"day_seconds": 99}, []),
    Row({"spend_per_day": dec("0")}, {}, ["spend_per_day"]),
    Row({"spend_per_day": dec("8")}, {"day_spend": dec("4")}, []),
    Row({"spend_per_day": dec("8")}, {"day_spend": dec("4.000001")}, ["spend_per_day"]),
    Row({"spend_per_day": dec("3.999999")}, {}, ["spend_per_day"]),
    Row({"spend_per_month": dec("0")}, {}, ["spend_per_month"]),
    Row({"spend_per_month": dec("8")}, {"month_spend": dec("4")}, []),
    Row({"spend_per_month": dec("8")}, {"month_spend": dec("4.000001")}, ["spend_per_month"]),
    Row({"is_prepaid": True}, {}, ["balance"]),
    Row({"is_prepaid": True}, {"balance": dec("4")}, []),
    Row({"is_prepaid": True}, {"balance": dec("3.999999"), "held": dec("9")}, ["balance"]),
    Row({"is_prepaid": False}, {"balance": dec("-9")}, []),
]


@each("row", ROWS)
def test_a_limit_refuses_exactly_what_does_not_fit(row: Row) -> None:
    decision = decided(Limits(**row.limits), row.use)
    assert (names(decision), decision.waits) == (row.refused, False)


@pytest.mark.parametrize(
    "limit", ["seconds_per_day", "seconds_per_month", "spend_per_day", "spend_per_month"]
)
def test_a_limit_of_zero_refuses_even_free_tasks(limit: str) -> None:
    free = Demand(seconds=0, price=Decimal(0))
    assert names(decided(Limits(**{limit: Decimal(0)}), task=free)) == [limit.replace("key_", "key.")]  # type: ignore[arg-type]  # by name


def test_a_free_task_needs_no_balance() -> None:
    assert names(decided(Limits(is_prepaid=True), task=Demand(5, Decimal(0)))) == []


# --- requests per minute


@pytest.mark.parametrize("scope", ["", "key_"])
@pytest.mark.parametrize(
    ("limit", "full_for", "is_refused"),
    [
        (None, None, False),
        (0, None, True),
        (3, None, False),
        (3, timedelta(0), True),
        (3, MINUTE - A_MOMENT, True),
        (3, MINUTE, False),
        (3, MINUTE + A_MOMENT, False),
    ],
)
def test_requests_are_counted_over_the_last_60_seconds(
    scope: str, limit: int | None, full_for: timedelta | None, is_refused: bool
) -> None:
    limits = Limits(**{f"{scope}requests_per_minute": limit})  # type: ignore[arg-type]  # by name
    minute = Minute() if full_for is None else Minute(limit or 0, NOW - full_for)
    recent = Recent(**{f"{scope}minute": minute})  # type: ignore[arg-type]  # by name
    expected = [f"{scope.replace('_', '.')}requests_per_minute"] if is_refused else []
    assert names(decided(limits, recent=recent)) == expected


def test_a_rate_limit_retries_when_the_oldest_request_is_a_minute_old() -> None:
    since = NOW - timedelta(seconds=13)
    refusal = only(decided(Limits(requests_per_minute=3), recent=Recent(Minute(3, since))))
    assert (refusal.kind, refusal.value, refusal.used) == (Kind.RATE, 3, 3)
    assert refusal.retry_at == NOW + timedelta(seconds=47)


# --- the tenant's own queue


@pytest.mark.parametrize(
    ("limits", "use", "refused", "waits"),
    [
        ({}, {"open_tasks": 9}, [], False),
        ({"concurrent_tasks": 2}, {"open_tasks": 1}, [], False),
        ({"concurrent_tasks": 2}, {"open_tasks": 2}, [], True),
        ({"concurrent_tasks": 2}, {"open_tasks": 3}, [], True),
        # Waiting tasks start first, even if there is room.
        ({"concurrent_tasks": 2}, {"open_tasks": 1, "waiting_tasks": 1}, [], True),
        ({}, {"waiting_tasks": 1}, [], True),
        ({"concurrent_tasks": 2, "queued_tasks": 0}, {"open_tasks": 1}, [], False),
        ({"concurrent_tasks": 2, "queued_tasks": 0}, {"open_tasks": 2}, ["queued_tasks"], True),
        ({"concurrent_tasks": 2, "queued_tasks": 3}, {"open_tasks": 2, "waiting_tasks": 2}, [], True),
        (
            {"concurrent_tasks": 2, "queued_tasks": 3},
            {"open_tasks": 2, "waiting_tasks": 3},
            ["queued_tasks"],
            True,
        ),
        (
            {"concurrent_tasks": 2, "queued_tasks": 3},
            {"open_tasks": 2, "waiting_tasks": 4},
            ["queued_tasks"],
            True,
        ),
        # With a limit of zero it would wait forever.
        ({"concurrent_tasks": 0}, {}, ["concurrent_tasks"], True),
        ({"concurrent_tasks": 0, "queued_tasks": 0}, {}, ["concurrent_tasks"], True),
    ],
)
def test_above_the_limit_a_task_waits_if_the_queue_has_room(
    limits: dict[str, Any], use: dict[str, Any], refused: list[str], waits: bool
) -> None:
    decision = decided(Limits(queues_when_full=True, **limits), use)
    assert (names(decision), decision.waits) == (refused, waits)


def test_waiting_does_not_bypass_other_limits() -> None:
    limits = Limits(concurrent_tasks=1, queues_when_full=True, seconds_per_day=5, is_prepaid=True)
    assert names(decided(limits, {"open_tasks": 1, "day_seconds": 5})) == ["seconds_per_day", "balance"]


# --- several limits


ALL = Limits(
    concurrent_tasks=1,
    requests_per_minute=1,
    seconds_per_day=5,
    seconds_per_month=5,
    spend_per_day=Decimal(4),
    spend_per_month=Decimal(4),
    is_prepaid=True,
    key_requests_per_minute=1,
    key_spend_per_month=Decimal(4),
)
ALL_NAMES = [
    "requests_per_minute",
    "key.requests_per_minute",
    "concurrent_tasks",
    "seconds_per_day",
    "seconds_per_month",
    "spend_per_day",
    "spend_per_month",
    "key.spend_per_month",
    "balance",
]
AFTER_ONE = {"open_tasks": 1, "day_seconds": 5, "month_seconds": 5, "balance": Decimal(0)}
AFTER_ONE |= {"day_spend": Decimal(4), "month_spend": Decimal(4), "held": Decimal(4)}
JUST_NOW = Recent(Minute(9, NOW), Minute(9, NOW), Decimal(4))


def test_all_refusing_limits_are_listed_in_the_contracts_order() -> None:
    assert names(decided(ALL, AFTER_ONE, JUST_NOW)) == ALL_NAMES
    assert names(decided(replace(ALL, is_prepaid=False))) == []


def test_each_kind_of_limit_has_its_own_code() -> None:
    kinds = {refusal.limit: refusal.kind for refusal in decided(ALL, AFTER_ONE, JUST_NOW).refusals}
    assert kinds == dict(
        zip(ALL_NAMES, [Kind.RATE, Kind.RATE, Kind.CONCURRENCY, *[Kind.QUOTA] * 6], strict=True)
    )


def test_a_refusal_names_the_limit_and_the_use_so_far() -> None:
    for refusal in decided(ALL, AFTER_ONE, JUST_NOW).refusals:
        numbers = [Decimal(number) for number in re.findall(r"\d+(?:\.\d+)?", refusal.message)]
        assert refusal.value in numbers
        if refusal.limit != "balance":
            assert refusal.used in numbers


# --- retry times


@pytest.mark.parametrize(
    ("limits", "retry_at"),
    [
        (Limits(concurrent_tasks=1), NOW + timedelta(seconds=100)),
        (Limits(seconds_per_day=9), datetime(2026, 11, 21, tzinfo=UTC)),
        (Limits(spend_per_day=Decimal(7)), datetime(2026, 11, 21, tzinfo=UTC)),
        (Limits(seconds_per_month=9), datetime(2026, 12, 1, tzinfo=UTC)),
        (Limits(spend_per_month=Decimal(7)), datetime(2026, 12, 1, tzinfo=UTC)),
        (Limits(key_spend_per_month=Decimal(7)), datetime(2026, 12, 1, tzinfo=UTC)),
        (Limits(is_prepaid=True), None),
        (Limits(concurrent_tasks=0), None),
        (Limits(requests_per_minute=0), None),
        (Limits(key_requests_per_minute=0), None),
    ],
)
def test_a_refusal_says_when_to_retry(limits: Limits, retry_at: datetime | None) -> None:
    refusal = only(decided(limits, AFTER_ONE, Recent(key_month_spend=Decimal(4))))
    assert refusal.retry_at == retry_at


@pytest.mark.parametrize(
    "limits",
    [
        Limits(seconds_per_day=0),
        Limits(seconds_per_day=4),
        Limits(spend_per_month=Decimal(0)),
        Limits(spend_per_month=Decimal("3.999999")),
        Limits(key_spend_per_month=Decimal(0)),
    ],
)
def test_a_task_larger_than_the_limit_has_no_retry_time(limits: Limits) -> None:
    refusal = only(decided(limits))
    assert refusal.retry_at is None
    assert "anew" not in refusal.message


def test_a_slot_frees_up_sooner_if_there_are_more() -> None:
    def wait(limits: Limits, **use: int) -> timedelta:
        retry_at = only(decided(limits, use)).retry_at
        assert retry_at is not None
        return retry_at - NOW

    assert wait(Limits(concurrent_tasks=4), open_tasks=4) == timedelta(seconds=25)
    assert wait(Limits(concurrent_tasks=500), open_tasks=500) == timedelta(seconds=1)
    queue = Limits(concurrent_tasks=4, queues_when_full=True, queued_tasks=2)
    assert wait(queue, open_tasks=4, waiting_tasks=2) == timedelta(seconds=25)


def test_a_full_queue_that_is_about_to_move_has_a_retry_time() -> None:
    """The limit was removed, and the waiting tasks have not started yet."""
    unlimited = Limits(queues_when_full=True, queued_tasks=2)
    assert only(decided(unlimited, {"waiting_tasks": 2})).retry_at is not None


# --- free slots


@pytest.mark.parametrize(
    ("limit", "open_tasks", "room"),
    [(None, 99, 7), (0, 0, 0), (5, 0, 5), (5, 3, 2), (5, 5, 0), (5, 9, 0), (99, 0, 7)],
)
def test_there_is_room_up_to_the_limit(limit: int | None, open_tasks: int, room: int) -> None:
    assert Limits(concurrent_tasks=limit).room(open_tasks, most=7) == room


# --- properties

COUNTS = st.integers(0, 12)
LIMIT_COUNTS = st.none() | COUNTS
MONEY = st.decimals(0, 12, places=2)
LIMIT_MONEY = st.none() | MONEY
LIMITS = st.builds(
    Limits,
    concurrent_tasks=LIMIT_COUNTS,
    queued_tasks=LIMIT_COUNTS,
    queues_when_full=st.booleans(),
    requests_per_minute=LIMIT_COUNTS,
    seconds_per_day=LIMIT_COUNTS,
    seconds_per_month=LIMIT_COUNTS,
    spend_per_day=LIMIT_MONEY,
    spend_per_month=LIMIT_MONEY,
    is_prepaid=st.booleans(),
    key_requests_per_minute=LIMIT_COUNTS,
    key_spend_per_month=LIMIT_MONEY,
)
USES = st.fixed_dictionaries(
    {
        "open_tasks": COUNTS,
        "waiting_tasks": st.just(0) | COUNTS,
        "day_seconds": COUNTS,
        "month_seconds": COUNTS,
        "day_spend": MONEY,
        "month_spend": MONEY,
        "balance": st.decimals(-12, 12, places=2),
        "held": MONEY,
    }
)
MOMENTS = st.none() | st.integers(0, 120).map(lambda seconds: NOW - timedelta(seconds=seconds))
MINUTES = st.builds(Minute, COUNTS, MOMENTS)
RECENTS = st.builds(Recent, MINUTES, MINUTES, MONEY)
DEMANDS = st.builds(Demand, seconds=COUNTS, price=MONEY)
GROWING = ("open_tasks", "day_seconds", "month_seconds", "day_spend", "month_spend")


def exceeded(limits: Limits, use: dict[str, Any], recent: Recent, task: Demand) -> set[str]:
    """The limits that refuse the task, written out independently."""

    def is_rate(limit: int | None, minute: Minute) -> bool:
        in_last_minute = minute.since is not None and minute.since > NOW - MINUTE
        return limit == 0 or (limit is not None and minute.tasks >= limit and in_last_minute)

    def is_sum(limit: int | Decimal | None, used: int | Decimal, more: int | Decimal) -> bool:
        return limit == 0 or (limit is not None and used + more > limit)

    full = limits.concurrent_tasks is not None and use["open_tasks"] >= limits.concurrent_tasks
    waits = limits.queues_when_full and limits.concurrent_tasks != 0
    queue_full = limits.queued_tasks is not None and use["waiting_tasks"] >= limits.queued_tasks
    stands = {
        "requests_per_minute": is_rate(limits.requests_per_minute, recent.minute),
        "key.requests_per_minute": is_rate(limits.key_requests_per_minute, recent.key_minute),
        "concurrent_tasks": full and not waits,
        "queued_tasks": waits and (full or use["waiting_tasks"] > 0) and queue_full,
        "seconds_per_day": is_sum(limits.seconds_per_day, use["day_seconds"], task.seconds),
        "seconds_per_month": is_sum(limits.seconds_per_month, use["month_seconds"], task.seconds),
        "spend_per_day": is_sum(limits.spend_per_day, use["day_spend"], task.price),
        "spend_per_month": is_sum(limits.spend_per_month, use["month_spend"], task.price),
        "key.spend_per_month": is_sum(limits.key_spend_per_month, recent.key_month_spend, task.price),
        "balance": limits.is_prepaid and use["balance"] < task.price,
    }
    return {name for name, is_so in stands.items() if is_so}


@EXPLORE
@given(LIMITS, USES, RECENTS, DEMANDS)
@example(Limits(concurrent_tasks=0, queues_when_full=True), vars(EMPTY), Recent(), TASK)
def test_a_task_is_refused_by_exactly_the_limits_it_exceeds(
    limits: Limits, use: dict[str, Any], recent: Recent, task: Demand
) -> None:
    decision = decided(limits, use, recent, task)
    assert set(names(decision)) == exceeded(limits, use, recent, task)
    assert len(decision.refusals) == len(set(names(decision)))


@EXPLORE
@given(LIMITS, USES, RECENTS, st.lists(DEMANDS, min_size=2, max_size=5))
def test_deciding_tasks_together_equals_deciding_one_after_the_other(
    limits: Limits, use: dict[str, Any], recent: Recent, tasks: list[Demand]
) -> None:
    together = decide(limits, replace(EMPTY, **use), recent, tasks, PERIOD, NOW)
    totals = replace(EMPTY, **use)
    for task, decision in zip(tasks, together, strict=True):
        [alone] = decide(limits, totals, recent, [task], PERIOD, NOW)
        assert alone == decision
        if not alone.refusals:
            assert alone.totals == totals.with_hold(task, waits=alone.waits)
        totals, recent = alone.totals, alone.recent


@EXPLORE
@given(LIMITS, USES, RECENTS, DEMANDS)
def test_decisions_are_deterministic_and_retry_times_are_in_the_future(
    limits: Limits, use: dict[str, Any], recent: Recent, task: Demand
) -> None:
    decision = decided(limits, use, recent, task)
    assert decided(limits, use, recent, task) == decision
    for refusal in decision.refusals:
        assert refusal.retry_at is None or refusal.retry_at > NOW
        assert refusal.message


@EXPLORE
@given(LIMITS, USES, RECENTS, DEMANDS, st.sampled_from(GROWING), st.integers(1, 5))
def test_more_use_never_removes_a_refusal(
    limits: Limits, use: dict[str, Any], recent: Recent, task: Demand, grown: str, by: int
) -> None:
    more = use | {grown: use[grown] + by}
    assert set(names(decided(limits, use, recent, task))) <= set(names(decided(limits, more, recent, task)))


@EXPLORE
@given(LIMITS, USES, RECENTS, DEMANDS)
def test_an_admitted_task_is_within_the_limits_of_work_or_queue(
    limits: Limits, use: dict[str, Any], recent: Recent, task: Demand
) -> None:
    decision = decided(limits, use, recent, task)
    if decision.refusals:
        return
    after = replace(EMPTY, **use).with_hold(task, waits=decision.waits)
    most = limits.queued_tasks if decision.waits else limits.concurrent_tasks
    assert most is None or (after.waiting_tasks if decision.waits else after.open_tasks) <= most
    for limit, now_used in (
        (limits.seconds_per_day, after.day_seconds),
        (limits.seconds_per_month, after.month_seconds),
        (limits.spend_per_day, after.day_spend),
        (limits.spend_per_month, after.month_spend),
    ):
        assert limit is None or now_used <= limit
    assert after.balance >= 0 or not limits.is_prepaid


# --- totals


def with_use(use: dict[str, Any]) -> Totals:
    return replace(EMPTY, **use)


TOTALS = USES.map(with_use)


@EXPLORE
@given(TOTALS, DEMANDS, st.booleans())
def test_a_release_returns_everything_the_hold_took(totals: Totals, task: Demand, waits: bool) -> None:
    held = totals.with_hold(task, waits=waits)
    assert held.balance + held.held == totals.balance + totals.held
    after = held.with_release(task, TODAY, waited=waits)
    assert after == replace(totals, version=totals.version + 2)


@EXPLORE
@given(TOTALS, DEMANDS)
def test_a_capture_frees_the_slot_and_keeps_use_and_price(totals: Totals, task: Demand) -> None:
    held = totals.with_hold(task, waits=False)
    assert held.with_capture(task) == replace(
        held, version=held.version + 1, open_tasks=totals.open_tasks, held=totals.held
    )


@EXPLORE
@given(TOTALS, DEMANDS)
def test_a_start_only_moves_the_task_from_the_queue_to_work(totals: Totals, task: Demand) -> None:
    waited, straight = (totals.with_hold(task, waits=waits) for waits in (True, False))
    assert waited.with_start() == replace(straight, version=straight.version + 1)


@pytest.mark.parametrize(
    ("made_on", "seconds_today", "seconds_this_month"),
    [
        (TODAY, 15, 35),
        (TODAY - timedelta(days=1), 20, 35),
        (TODAY + timedelta(days=1), 20, 35),
        (date(2026, 10, 20), 20, 40),
        (date(2025, 11, 20), 20, 40),
        (date(2026, 12, 1), 20, 40),
    ],
)
def test_use_returns_to_the_day_and_month_it_was_counted_in(
    made_on: date, seconds_today: int, seconds_this_month: int
) -> None:
    before = replace(
        EMPTY,
        open_tasks=1,
        held=Decimal(4),
        day_seconds=20,
        day_spend=Decimal(20),
        month_seconds=40,
        month_spend=Decimal(40),
    )
    after = before.with_release(TASK, made_on, waited=False)
    assert (after.day_seconds, after.month_seconds) == (seconds_today, seconds_this_month)
    assert after.day_spend == (16 if seconds_today == 15 else 20)
    assert after.month_spend == (36 if seconds_this_month == 35 else 40)
    assert (after.open_tasks, after.held, after.balance) == (0, Decimal(0), Decimal(4))


@pytest.mark.parametrize("amount", [Decimal("12.5"), Decimal("-0.000001")])
def test_top_ups_and_adjustments_change_only_the_balance(amount: Decimal) -> None:
    after = EMPTY.with_balance(amount)
    assert after == replace(EMPTY, version=EMPTY.version + 1, balance=amount)


# --- days and months


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "day", "starts", "ends"),
    [
        ("UTC", "2026-11-20", "2026-11-20T00:00", "2026-11-21T00:00"),
        ("Asia/Shanghai", "2026-11-20", "2026-11-19T16:00", "2026-11-20T16:00"),
        ("Asia/Kolkata", "2026-11-20", "2026-11-19T18:30", "2026-11-20T18:30"),
        ("America/New_York", "2026-11-20", "2026-11-20T05:00", "2026-11-21T05:00"),
        # 23 hours, and 25.
        ("America/New_York", "2026-03-08", "2026-03-08T05:00", "2026-03-09T04:00"),
        ("America/New_York", "2026-11-01", "2026-11-01T04:00", "2026-11-02T05:00"),
        # A clock change skips or repeats midnight.
        ("Africa/Cairo", "2026-04-24", "2026-04-23T22:00", "2026-04-24T21:00"),
        ("America/Havana", "2026-11-01", "2026-11-01T04:00", "2026-11-02T05:00"),
        # The day after a skipped one.
        ("Pacific/Apia", "2011-12-31", "2011-12-30T10:00", "2011-12-31T10:00"),
        ("Pacific/Kiritimati", "2026-11-20", "2026-11-19T10:00", "2026-11-20T10:00"),
    ],
)
def test_a_day_lasts_from_midnight_to_midnight_in_its_time_zone(
    zone: str, day: str, starts: str, ends: str
) -> None:
    first, last = Period.of(utc(starts), Clock(zone)), Period.of(utc(ends) - A_MOMENT, Clock(zone))
    assert first == last
    assert (str(first.day), first.day_ends) == (day, utc(ends))
    for outside in (utc(starts) - A_MOMENT, utc(ends)):
        assert Period.of(outside, Clock(zone)).day != first.day


@pytest.mark.parametrize(
    ("zone", "month", "starts", "ends"),
    [
        ("UTC", "2026-11-01", "2026-11-01T00:00", "2026-12-01T00:00"),
        ("UTC", "2026-12-01", "2026-12-01T00:00", "2027-01-01T00:00"),
        ("UTC", "2027-02-01", "2027-02-01T00:00", "2027-03-01T00:00"),
        ("UTC", "2028-02-01", "2028-02-01T00:00", "2028-03-01T00:00"),
        ("Asia/Shanghai", "2026-12-01", "2026-11-30T16:00", "2026-12-31T16:00"),
        ("Asia/Kolkata", "2028-02-01", "2028-01-31T18:30", "2028-02-29T18:30"),
        ("America/New_York", "2026-03-01", "2026-03-01T05:00", "2026-04-01T04:00"),
        ("America/New_York", "2026-11-01", "2026-11-01T04:00", "2026-12-01T05:00"),
    ],
)
def test_a_month_lasts_from_its_first_midnight_to_that_of_the_next(
    zone: str, month: str, starts: str, ends: str
) -> None:
    first, last = Period.of(utc(starts), Clock(zone)), Period.of(utc(ends) - A_MOMENT, Clock(zone))
    assert (str(first.month), str(last.month)) == (month, month)
    assert first.month_ends == last.month_ends == utc(ends)
    for outside in (utc(starts) - A_MOMENT, utc(ends)):
        assert Period.of(outside, Clock(zone)).month != first.month


ZONES = ["UTC", "Asia/Shanghai", "Asia/Kolkata", "America/New_York", "Africa/Cairo", "America/Havana"]
ZONES += ["Pacific/Apia", "Australia/Lord_Howe", "America/St_Johns", "Asia/Kathmandu", "Pacific/Niue"]


@EXPLORE
@given(
    st.datetimes(datetime(2010, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - in UTC
    st.sampled_from(ZONES),
)
def test_every_moment_is_in_its_day_and_month_which_end_where_the_next_begin(
    now: datetime, zone: str
) -> None:
    period = Period.of(now, Clock(zone))
    local = now.astimezone(ZoneInfo(zone))
    assert period.day == local.date()
    assert period.month == local.date().replace(day=1)
    assert now < period.day_ends <= period.month_ends
    assert Period.of(period.day_ends, Clock(zone)).day > period.day
    assert Period.of(period.day_ends.astimezone(UTC) - A_MOMENT, Clock(zone)).day == period.day
    assert Period.of(period.month_ends, Clock(zone)).month > period.month
    assert Period.of(period.month_ends.astimezone(UTC) - A_MOMENT, Clock(zone)).month == period.month
