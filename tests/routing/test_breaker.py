"""Whether an account works: a table of outcomes, and what follows each."""

from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import NOW
from videos.routing.breaker import (
    LATEST_CHECK,
    LONGEST_PAUSE,
    MOST_TROUBLE,
    RECENT,
    SOONEST_CHECK,
    TRIAL_LOST_AFTER,
    TROUBLE,
    WORKING,
    Condition,
    Health,
    after_check,
    after_create,
    after_query,
)
from videos.upstream.base import (
    AccountRefused,
    Busy,
    Duplicate,
    Faulted,
    NotSent,
    OutcomeUnknown,
    Refused,
    Throttled,
    Unavailable,
    UpstreamError,
)

SECOND = timedelta(seconds=1)
LATER = NOW + timedelta(minutes=5)
WRONG_SECRET = AccountRefused("Wrong.", code="AuthFailure.SignatureFailure")
FULL, SILENT, AWAY = Throttled("Slow down."), OutcomeUnknown("no answer"), Unavailable("not reached")
OUT = Health(Condition.OPEN, "AuthFailure.SignatureFailure", "Wrong.", NOW, NOW + SOONEST_CHECK, 1)
ON_TRIAL = Health(Condition.TRIAL, "AuthFailure.SignatureFailure", "Wrong.", NOW, None, 1)
PAUSED = Health(Condition.PAUSED, "Throttled", "Slow down.", NOW, NOW + SECOND, 1)
NEARLY = replace(WORKING, recent=0b1111)


@dataclass(frozen=True)
class Row:
    """The health before a call, the call's end, and what matters of the health after it."""

    name: str
    before: Health
    error: UpstreamError | None
    condition: str
    reason: str = ""


ROWS = [
    Row("an answer", WORKING, None, Condition.WORKING),
    Row("a refusal of the request is an answer", WORKING, Refused("Bad."), Condition.WORKING),
    Row("a refused twin is an answer", WORKING, Duplicate("Twice."), Condition.WORKING),
    Row("a throttle pauses", WORKING, FULL, Condition.PAUSED, "Throttled"),
    Row("a refused account", WORKING, WRONG_SECRET, Condition.OPEN, WRONG_SECRET.code),
    Row("credentials that cannot be sent", WORKING, NotSent("Odd."), Condition.OPEN, "NotSent"),
    Row("one call without an answer", WORKING, SILENT, Condition.WORKING),
    Row("too many calls without an answer", NEARLY, SILENT, Condition.OPEN, TROUBLE),
    Row("too many calls that reach nothing", NEARLY, AWAY, Condition.OPEN, TROUBLE),
    Row("the trial succeeds", ON_TRIAL, None, Condition.WORKING),
    Row("the task on trial is refused for itself", ON_TRIAL, Refused("Bad."), Condition.WORKING),
    Row("the trial is refused again", ON_TRIAL, WRONG_SECRET, Condition.OPEN, WRONG_SECRET.code),
    Row("the trial is not answered", ON_TRIAL, SILENT, Condition.OPEN, TROUBLE),
    Row("the trial is throttled", ON_TRIAL, FULL, Condition.TRIAL, "Throttled"),
    Row("a late answer does not put it back", OUT, None, Condition.OPEN, OUT.reason),
    Row("a late refusal changes nothing", OUT, WRONG_SECRET, Condition.OPEN, OUT.reason),
    Row("a late throttle changes nothing", OUT, FULL, Condition.OPEN, OUT.reason),
    Row("an answer during the pause", PAUSED, None, Condition.PAUSED, "Throttled"),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_the_health_after_a_call(row: Row) -> None:
    after = after_create(row.before, row.error, NOW)
    assert (after.condition, after.reason) == (row.condition, row.reason)


def test_a_pause_ends_by_itself_and_an_answer_then_clears_it() -> None:
    paused = after_create(WORKING, FULL, NOW)
    assert not paused.takes_tasks(NOW)
    assert paused.takes_tasks(NOW + SECOND)
    assert after_create(paused, None, NOW + SECOND) == WORKING


def test_pauses_grow_up_to_the_longest() -> None:
    health, now, pauses = WORKING, NOW, []
    for _ in range(9):
        health = after_create(health, FULL, now)
        assert health.retry_at is not None
        pauses.append((health.retry_at - now) / SECOND)
        now = health.retry_at
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert LONGEST_PAUSE == 60 * SECOND


def test_calls_in_flight_that_are_throttled_together_make_one_pause() -> None:
    health = WORKING
    for _ in range(20):
        health = after_create(health, FULL, NOW)
    assert health.retry_at == NOW + SECOND


def test_checks_become_rarer_and_begin_anew_after_it_worked() -> None:
    health, now, waits = after_create(WORKING, WRONG_SECRET, NOW), NOW, []
    for _ in range(6):
        assert health.retry_at is not None
        assert not health.takes_tasks(LATER)
        waits.append((health.retry_at - now) / SECOND)
        now = health.retry_at
        health = after_check(health, WRONG_SECRET, now)
    assert waits == [5, 10, 20, 40, 60, 60]
    assert (SOONEST_CHECK, LATEST_CHECK) == (5 * SECOND, 60 * SECOND)
    works = after_create(after_check(health, None, now), None, now)
    assert works == WORKING


@pytest.mark.parametrize("error", [None, FULL])
def test_a_check_that_succeeds_lets_one_task_through(error: UpstreamError | None) -> None:
    health = after_check(OUT, error, LATER)
    assert health.condition == Condition.TRIAL
    assert health.takes_tasks(LATER)
    taken = health.with_trial(LATER)
    assert not taken.takes_tasks(LATER + SECOND)
    assert taken.takes_tasks(LATER + TRIAL_LOST_AFTER + SECOND)  # its worker died


@pytest.mark.parametrize("error", [WRONG_SECRET, SILENT, AWAY])
def test_a_check_that_fails_keeps_it_out_of_service(error: UpstreamError) -> None:
    health = after_check(OUT, error, LATER)
    assert (health.condition, health.since) == (Condition.OPEN, NOW)
    assert health.message == error.message


@pytest.mark.parametrize("error", [Refused("Bad."), WRONG_SECRET])
def test_a_check_that_is_refused_is_no_success(error: UpstreamError) -> None:
    assert after_check(OUT, error, LATER).condition == Condition.OPEN


@pytest.mark.parametrize("health", [ON_TRIAL, NEARLY, PAUSED, replace(WORKING, failures=3)])
def test_an_answer_to_a_query_says_nothing_about_creates(health: Health) -> None:
    assert after_query(health, None, LATER) == health


def test_queries_without_an_answer_put_it_out_of_service_unless_others_are_answered() -> None:
    health = WORKING
    for _ in range(MOST_TROUBLE - 1):
        health = after_query(health, SILENT, NOW)
    assert after_query(health, SILENT, NOW).condition == Condition.OPEN
    for _ in range(RECENT):
        health = after_query(health, None, NOW)
    assert health == WORKING
    assert after_query(WORKING, FULL, NOW) == WORKING
    assert after_query(WORKING, WRONG_SECRET, NOW).condition == Condition.OPEN


UNKNOWN_CODE, FAILED = (
    OutcomeUnknown("Odd.", code="OperationDenied.X"),
    Faulted("Failed.", code="FailedOperation"),
)


@pytest.mark.parametrize("error", [UNKNOWN_CODE, FAILED])
def test_what_may_lie_in_a_request_counts_once_for_each_tenant_in_a_row(error: UpstreamError) -> None:
    """One tenant alone cannot take the account out of service."""
    alice, bob = UUID(int=1), UUID(int=2)
    health = WORKING
    for _ in range(20):
        health = after_create(health, error, NOW, alice)
    assert (health.condition, health.recent.bit_count()) == (Condition.WORKING, 1)
    for tenant in (bob, alice, bob, alice):
        health = after_create(health, error, NOW, tenant)
    assert health.condition == Condition.OPEN


def test_a_lack_of_capacity_for_a_task_says_nothing_about_the_account() -> None:
    assert after_create(WORKING, Busy("Full.", code="ResourceInsufficient"), NOW, UUID(int=1)) == WORKING


@pytest.mark.parametrize("health", [WORKING, PAUSED, ON_TRIAL])
def test_a_check_says_nothing_about_an_account_that_is_not_out_of_service(health: Health) -> None:
    assert after_check(health, WRONG_SECRET, LATER) == health


ENDS = st.sampled_from([None, Refused("Bad."), FULL, SILENT, AWAY, WRONG_SECRET])


@given(st.lists(ENDS, max_size=30))
def test_only_trouble_and_refusals_of_the_account_put_it_out_of_service(
    ends: list[UpstreamError | None],
) -> None:
    health = WORKING
    for second, end in enumerate(ends):
        health = after_create(health, end, NOW + timedelta(minutes=2 * second))
    trouble = sum(end in (SILENT, AWAY) for end in ends)
    if WRONG_SECRET in ends:
        assert health.condition == Condition.OPEN
    elif trouble < MOST_TROUBLE:
        assert health.condition != Condition.OPEN
    assert health == WORKING or any(end in (FULL, SILENT, AWAY, WRONG_SECRET) for end in ends)
