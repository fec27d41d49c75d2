"""Slots for upstream calls are given out one by one, exact across all processes."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from django.db import connection
from django.db.models import F

from videos.models import UpstreamAccount, UpstreamBudget
from videos.routing import rate_limits
from videos.routing.rate_limits import UpstreamCall

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
FAR = timedelta(hours=1)
AT_ONCE = 0.001
"""Seconds within which a slot counts as immediate, for rounding."""


def reserve(
    account: UpstreamAccount, action: UpstreamCall, wanted: int, horizon: timedelta = rate_limits.HORIZON
) -> list[float]:
    """Reserve slots; returns the seconds until each."""
    slots = rate_limits.reserve(account, action, wanted, horizon)
    now = time.monotonic()
    return [slot - now for slot in slots]


def gaps(waits: list[float]) -> list[float]:
    return [after - before for before, after in pairwise(waits)]


def set_free(
    account: UpstreamAccount, action: UpstreamCall = UpstreamCall.CREATE, at: datetime = LONG_AGO
) -> None:
    UpstreamBudget.objects.update_or_create(account=account, action=action, defaults={"next_at": at})


@pytest.mark.parametrize(("action", "rate"), [(UpstreamCall.CREATE, 9.0), (UpstreamCall.DESCRIBE, 36.0)])
def test_slots_are_spaced_by_the_rate(action: UpstreamCall, rate: float, account: UpstreamAccount) -> None:
    waits = reserve(account, action, 5)
    assert len(waits) == 5
    assert waits[0] <= AT_ONCE
    assert gaps(waits) == pytest.approx([1 / rate] * 4)


def test_the_first_reservation_creates_the_row_and_later_ones_reuse_it(account: UpstreamAccount) -> None:
    for _ in range(3):
        reserve(account, UpstreamCall.CREATE, 1)
    assert UpstreamBudget.objects.count() == 1


def test_a_reservation_starts_where_the_last_one_ended(account: UpstreamAccount) -> None:
    account.creates_per_second = 0.1
    first = reserve(account, UpstreamCall.CREATE, 2, FAR)
    second = reserve(account, UpstreamCall.CREATE, 2, FAR)
    assert gaps(first + second) == pytest.approx([10.0] * 3, abs=1)


def test_no_slot_is_beyond_the_horizon(account: UpstreamAccount) -> None:
    waits = reserve(account, UpstreamCall.CREATE, 1000)
    assert 8 <= len(waits) <= 10
    assert waits[-1] <= 1 + AT_ONCE


def test_an_exhausted_budget_gives_no_slots_and_is_not_charged(account: UpstreamAccount) -> None:
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    set_free(account, at=tomorrow)
    assert reserve(account, UpstreamCall.CREATE, 5) == []
    assert UpstreamBudget.objects.get().next_at == tomorrow


def test_an_idle_account_accumulates_no_slots(account: UpstreamAccount) -> None:
    set_free(account)
    waits = reserve(account, UpstreamCall.CREATE, 4)
    assert gaps(waits) == pytest.approx([1 / 9] * 3)


def test_asking_for_zero_slots_gives_none(account: UpstreamAccount) -> None:
    assert reserve(account, UpstreamCall.CREATE, 0) == []
    assert reserve(account, UpstreamCall.CREATE, 1)[0] <= AT_ONCE


@pytest.mark.parametrize("rate", [0.001, 0.5, 10, 333.3])
def test_any_rate_gives_at_least_the_first_slot(rate: float, account: UpstreamAccount) -> None:
    account.creates_per_second = rate
    assert reserve(account, UpstreamCall.CREATE, 1)[0] <= AT_ONCE
    first = budget().next_at
    assert len(reserve(account, UpstreamCall.CREATE, 2, timedelta(days=1))) == 2
    assert (budget().next_at - first).total_seconds() >= 2 / rate - 1e-5


def test_actions_and_accounts_do_not_share_a_budget(account: UpstreamAccount) -> None:
    other = UpstreamAccount.objects.create(name="elsewhere", secret_id="AKIDx", secret_key="y")
    assert reserve(account, UpstreamCall.CREATE, 100)
    assert reserve(account, UpstreamCall.DESCRIBE, 1)[0] <= AT_ONCE
    assert reserve(other, UpstreamCall.CREATE, 1)[0] <= AT_ONCE


def test_two_reservations_never_share_a_slot(account: UpstreamAccount) -> None:
    gap = 1 / account.creates_per_second
    for _ in range(60):
        set_free(account)
        reserve(account, UpstreamCall.CREATE, 20)
        taken = budget().next_at
        reserve(account, UpstreamCall.CREATE, 1, FAR)
        assert (budget().next_at - taken).total_seconds() >= gap - 1e-5


MINUTE = timedelta(minutes=1)


def budget(action: UpstreamCall = UpstreamCall.CREATE) -> UpstreamBudget:
    return UpstreamBudget.objects.get(action=action)


def this_minute() -> datetime:
    return datetime.now(UTC).replace(second=0, microsecond=0)


def within_one_minute(work: Callable[[], object]) -> datetime:
    """Run it again if the minute changed meanwhile; returns the minute."""
    while True:
        UpstreamBudget.objects.all().delete()
        minute = this_minute()
        work()
        if this_minute() == minute:
            return minute


def move(minutes: int) -> None:
    """Move the counts to another minute and make the next slot free."""
    UpstreamBudget.objects.update(minute=F("minute") + minutes * MINUTE, next_at=LONG_AGO)


def test_slots_are_counted_in_the_minute_they_were_given(account: UpstreamAccount) -> None:
    minute = within_one_minute(
        lambda: [reserve(account, UpstreamCall.CREATE, wanted) for wanted in (3, 0, 2)]
    )
    assert rate_limits.given(budget(), minute) == 5
    assert rate_limits.given(budget(), minute + MINUTE) == 0


def test_only_the_current_and_the_last_minute_are_kept(account: UpstreamAccount) -> None:
    def work() -> None:
        reserve(account, UpstreamCall.CREATE, 4)
        move(-1)
        reserve(account, UpstreamCall.CREATE, 2)

    minute = within_one_minute(work)
    assert [rate_limits.given(budget(), minute - ago * MINUTE) for ago in range(3)] == [2, 4, 0]
    move(-2)
    reserve(account, UpstreamCall.CREATE, 1)
    assert (budget().in_minute, budget().in_minute_before) == (1, 0)


def test_unused_slots_are_not_counted(account: UpstreamAccount) -> None:
    set_free(account, at=datetime.now(UTC) + timedelta(days=1))
    assert reserve(account, UpstreamCall.CREATE, 5) == []
    assert budget().in_minute == 0


def test_a_reservation_with_an_older_clock_counts_in_the_later_minute(account: UpstreamAccount) -> None:
    reserve(account, UpstreamCall.CREATE, 2)
    move(3)
    later = budget().minute
    assert later is not None
    reserve(account, UpstreamCall.CREATE, 3)
    assert (budget().minute, rate_limits.given(budget(), later)) == (later, 5)


def test_actions_are_counted_separately_from_zero(account: UpstreamAccount) -> None:
    reserve(account, UpstreamCall.DESCRIBE, 7)
    set_free(account)
    assert budget(UpstreamCall.DESCRIBE).in_minute == 7
    assert rate_limits.given(budget(), this_minute()) == 0


def test_a_minute_has_sixty_times_the_slots_of_a_second(account: UpstreamAccount) -> None:
    assert rate_limits.per_minute(account, UpstreamCall.CREATE) == 540
    assert rate_limits.per_minute(account, UpstreamCall.DESCRIBE) == 2160


@pytest.mark.django_db(transaction=True)
def test_parallel_reservations_never_share_a_slot(account: UpstreamAccount) -> None:
    set_free(account)
    barrier = threading.Barrier(6)
    slots: list[float] = []

    def reserve() -> None:
        try:
            connection.ensure_connection()
            barrier.wait()
            for _ in range(5):
                slots.extend(rate_limits.reserve(account, UpstreamCall.CREATE, 3, FAR))
        finally:
            connection.close()

    threads = [threading.Thread(target=reserve) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(slots) == 90
    assert min(gaps(sorted(slots))) >= 0.5 / account.creates_per_second
