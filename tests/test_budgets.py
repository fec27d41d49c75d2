"""Moments to call upstream are handed out one by one, exact across all processes."""

import threading
import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from django.db import connection

from videos import budgets
from videos.budgets import Action
from videos.models import UpstreamAccount, UpstreamBudget

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
FAR = timedelta(hours=1)
SLACK = 0.02
"""Seconds that pass between a reservation in the database and its answer here."""


def reserve(
    account: UpstreamAccount, action: Action, wanted: int, horizon: timedelta = budgets.HORIZON
) -> list[float]:
    """Reserve moments, and tell how long it is until each, in seconds."""
    now = time.monotonic()
    return [moment - now for moment in budgets.reserve(account, action, wanted, horizon)]


def gaps(waits: list[float]) -> list[float]:
    return [after - before for before, after in pairwise(waits)]


def set_free(account: UpstreamAccount, action: Action = Action.CREATE, at: datetime = LONG_AGO) -> None:
    UpstreamBudget.objects.update_or_create(account=account, action=action, defaults={"next_at": at})


@pytest.mark.parametrize(("action", "rate"), [(Action.CREATE, 9.0), (Action.DESCRIBE, 45.0)])
def test_moments_are_the_gap_of_the_rate_apart(action: Action, rate: float, account: UpstreamAccount) -> None:
    waits = reserve(account, action, 5)
    assert len(waits) == 5
    assert waits[0] <= SLACK
    assert gaps(waits) == pytest.approx([1 / rate] * 4)


def test_the_first_reservation_makes_the_row_and_later_ones_use_it(account: UpstreamAccount) -> None:
    for _ in range(3):
        reserve(account, Action.CREATE, 1)
    assert UpstreamBudget.objects.count() == 1


def test_a_reservation_starts_where_the_last_one_ended(account: UpstreamAccount) -> None:
    account.creates_per_second = 0.1
    first = reserve(account, Action.CREATE, 2, FAR)
    second = reserve(account, Action.CREATE, 2, FAR)
    assert gaps(first + second) == pytest.approx([10.0] * 3, abs=1)


def test_no_moment_lies_beyond_the_horizon(account: UpstreamAccount) -> None:
    waits = reserve(account, Action.CREATE, 1000)
    assert 8 <= len(waits) <= 10
    assert waits[-1] <= 1 + SLACK


def test_a_spent_budget_gives_nothing_and_costs_nothing(account: UpstreamAccount) -> None:
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    set_free(account, at=tomorrow)
    assert reserve(account, Action.CREATE, 5) == []
    assert UpstreamBudget.objects.get().next_at == tomorrow


def test_an_idle_account_has_saved_nothing_up(account: UpstreamAccount) -> None:
    set_free(account)
    waits = reserve(account, Action.CREATE, 4)
    assert gaps(waits) == pytest.approx([1 / 9] * 3)


def test_asking_for_no_moment_gives_none(account: UpstreamAccount) -> None:
    assert reserve(account, Action.CREATE, 0) == []
    assert reserve(account, Action.CREATE, 1)[0] <= SLACK


@pytest.mark.parametrize("rate", [0.001, 0.5, 10, 333.3])
def test_any_rate_gives_at_least_the_first_moment(rate: float, account: UpstreamAccount) -> None:
    account.creates_per_second = rate
    assert reserve(account, Action.CREATE, 1)[0] <= SLACK
    waits = reserve(account, Action.CREATE, 2, timedelta(days=1))
    assert waits[0] == pytest.approx(1 / rate, abs=SLACK)


def test_actions_and_accounts_do_not_share_a_budget(account: UpstreamAccount) -> None:
    other = UpstreamAccount.objects.create(name="elsewhere", secret_id="AKIDx", secret_key="y")
    assert reserve(account, Action.CREATE, 100)
    assert reserve(account, Action.DESCRIBE, 1)[0] <= SLACK
    assert reserve(other, Action.CREATE, 1)[0] <= SLACK


def test_two_reservations_never_share_a_moment(account: UpstreamAccount) -> None:
    gap = 1 / account.creates_per_second
    for _ in range(60):
        set_free(account)
        waits = reserve(account, Action.CREATE, 20)
        [following] = reserve(account, Action.CREATE, 1, FAR)
        assert following - waits[-1] >= gap - 3 * SLACK


@pytest.mark.django_db(transaction=True)
def test_parallel_reservations_never_share_a_moment(account: UpstreamAccount) -> None:
    set_free(account)
    barrier = threading.Barrier(6)
    moments: list[float] = []

    def reserve() -> None:
        try:
            connection.ensure_connection()
            barrier.wait()
            for _ in range(5):
                moments.extend(budgets.reserve(account, Action.CREATE, 3, FAR))
        finally:
            connection.close()

    threads = [threading.Thread(target=reserve) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(moments) == 90
    assert min(gaps(sorted(moments))) >= 0.5 / account.creates_per_second
