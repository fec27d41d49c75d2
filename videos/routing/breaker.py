"""Whether an account works, judged by the outcomes of calls to it. Pure: times are passed in.

WORKING → PAUSED    throttled: for a second, and twice as long each further time
WORKING → OPEN      at once if the account is refused; or MOST_TROUBLE of the last RECENT calls had no answer
OPEN    → TRIAL     a check, which costs nothing, succeeded
TRIAL   → WORKING   the one task on trial was answered          TRIAL → OPEN    it was not
any     → WORKING   staff say so, or the account's connection was changed

A refusal of a request is an answer like any other: it never counts against the account. What may lie in the
request, such as an unknown error code, counts again only once another tenant meets it. Answers to queries
clear nothing but the trouble of queries: an account may answer them and fail to create tasks.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from videos.models import AccountState
from videos.upstream.base import (
    AccountRefused,
    Busy,
    Faulted,
    NotSent,
    OutcomeUnknown,
    Throttled,
    Unavailable,
    UpstreamError,
)

Condition = AccountState.Condition

RECENT = 10
"""Calls that are remembered."""
MOST_TROUBLE = 5
"""Of those, how many may go unanswered before the account is out of service."""
SHORTEST_PAUSE, LONGEST_PAUSE = timedelta(seconds=1), timedelta(minutes=1)
SOONEST_CHECK, LATEST_CHECK = timedelta(seconds=5), timedelta(minutes=1)
TRIAL_LOST_AFTER = timedelta(minutes=2)
"""A task on trial whose outcome is not known by then was lost with its worker."""
TROUBLE = "no_answer"
"""The reason of an account that does not answer; the other reasons are the provider's codes."""

_LONGEST_REASON, _LONGEST_MESSAGE = 100, 500
"""Characters."""


class Outcome(StrEnum):
    """What a call tells about the account."""

    ANSWERED = "answered"
    THROTTLED = "throttled"
    TROUBLE = "trouble"
    REFUSED = "refused"


def outcome_of(error: UpstreamError | None) -> Outcome:
    """What the end of a call tells; None is an answer."""
    for kinds, outcome in _OUTCOMES:
        if isinstance(error, kinds):
            return outcome
    return Outcome.ANSWERED


_OUTCOMES: tuple[tuple[tuple[type[UpstreamError], ...], Outcome], ...] = (
    ((AccountRefused, NotSent), Outcome.REFUSED),
    ((Busy,), Outcome.ANSWERED),
    ((Faulted,), Outcome.TROUBLE),
    ((Throttled,), Outcome.THROTTLED),
    ((Unavailable, OutcomeUnknown), Outcome.TROUBLE),
)
"""The first kind that matches counts."""


@dataclass(frozen=True)
class Health:
    """The condition of an account; the fields are those of `AccountState`."""

    condition: str = Condition.WORKING
    reason: str = ""
    message: str = ""
    since: datetime | None = None
    retry_at: datetime | None = None
    failures: int = 0
    recent: int = 0
    recent_queries: int = 0
    trouble_of: UUID | None = None
    trial_at: datetime | None = None

    def takes_tasks(self, now: datetime) -> bool:
        """Whether a task may be submitted now; on trial, one at a time."""
        if self.condition == Condition.OPEN:
            return False
        if self.retry_at is not None and now < self.retry_at:
            return False
        return (
            self.condition != Condition.TRIAL
            or self.trial_at is None
            or now - self.trial_at > TRIAL_LOST_AFTER
        )

    def with_trial(self, now: datetime) -> "Health":
        """A task was taken on trial, if the account is on trial."""
        return replace(self, trial_at=now) if self.condition == Condition.TRIAL else self


WORKING = Health()


def after_create(
    health: Health, error: UpstreamError | None, now: datetime, tenant: UUID | None = None
) -> Health:
    """The health after a create that ended so; None is an answer. The task was of that tenant."""
    if outcome_of(error) is Outcome.TROUBLE and _may_lie_in_request(error):
        if tenant is not None and tenant == health.trouble_of:
            return health
        health = replace(health, trouble_of=tenant)
    return _AFTER[outcome_of(error)](health, error, now)


def after_query(health: Health, error: UpstreamError | None, now: datetime) -> Health:
    """The health after a query that ended so; None is an answer."""
    outcome = outcome_of(error)
    if outcome is Outcome.REFUSED:
        return _refused(health, error, now)
    if outcome is Outcome.THROTTLED or health.condition == Condition.OPEN:
        return health  # only queries were too many
    trouble = outcome is Outcome.TROUBLE
    health = replace(health, recent_queries=_with(health.recent_queries, trouble=trouble))
    has_too_many = health.recent_queries.bit_count() >= MOST_TROUBLE
    return _opened(health, error, now) if trouble and has_too_many else health


def _may_lie_in_request(error: UpstreamError | None) -> bool:
    """Whether upstream answered, with a code that does not tell whether the request is the reason."""
    return error is not None and bool(error.code)


def after_check(health: Health, error: UpstreamError | None, now: datetime) -> Health:
    """The health after a check of the connection, which tells nothing about creating tasks."""
    if health.condition != Condition.OPEN:
        return health
    if error is None or outcome_of(error) is Outcome.THROTTLED:
        return replace(health, condition=Condition.TRIAL, retry_at=None, trial_at=None)
    return _opened(health, error, now)


def _answered(health: Health, error: UpstreamError | None, now: datetime) -> Health:
    if health.condition == Condition.TRIAL:
        return WORKING
    if health.condition == Condition.OPEN or _is_pausing(health, now):
        return health  # a call that began before
    recent = _with(health.recent, trouble=False)
    trouble_of = health.trouble_of if recent else None
    return replace(WORKING, recent=recent, recent_queries=health.recent_queries, trouble_of=trouble_of)


def _throttled(health: Health, error: UpstreamError | None, now: datetime) -> Health:
    if health.condition == Condition.OPEN or _is_pausing(health, now):
        return health
    pause = min(LONGEST_PAUSE, SHORTEST_PAUSE * 2 ** min(health.failures, 10))
    on_trial = health.condition == Condition.TRIAL
    return replace(
        health,
        condition=Condition.TRIAL if on_trial else Condition.PAUSED,
        reason=_reason(error),
        message=_message(error),
        since=health.since or now,
        retry_at=now + pause,
        failures=health.failures + 1,
        trial_at=None,
    )


def _unanswered(health: Health, error: UpstreamError | None, now: datetime) -> Health:
    if health.condition == Condition.OPEN:
        return health
    health = replace(health, recent=_with(health.recent, trouble=True))
    has_too_many = health.recent.bit_count() >= MOST_TROUBLE
    return _opened(health, error, now) if has_too_many or health.condition == Condition.TRIAL else health


def _refused(health: Health, error: UpstreamError | None, now: datetime) -> Health:
    return health if health.condition == Condition.OPEN else _opened(health, error, now)


_AFTER = {
    Outcome.ANSWERED: _answered,
    Outcome.THROTTLED: _throttled,
    Outcome.TROUBLE: _unanswered,
    Outcome.REFUSED: _refused,
}


def _opened(health: Health, error: UpstreamError | None, now: datetime) -> Health:
    was_out = health.condition in (Condition.OPEN, Condition.TRIAL)
    failures = health.failures if was_out else 0
    return replace(
        health,
        condition=Condition.OPEN,
        reason=_reason(error),
        message=_message(error),
        since=health.since if was_out else now,
        retry_at=now + min(LATEST_CHECK, SOONEST_CHECK * 2 ** min(failures, 10)),
        failures=failures + 1,
        recent=0,
        recent_queries=0,
        trouble_of=None,
        trial_at=None,
    )


def _reason(error: UpstreamError | None) -> str:
    if error is None:
        return ""
    kind = TROUBLE if outcome_of(error) is Outcome.TROUBLE else type(error).__name__
    return (error.code or kind)[:_LONGEST_REASON]


def _message(error: UpstreamError | None) -> str:
    return "" if error is None else error.message[:_LONGEST_MESSAGE]


def _is_pausing(health: Health, now: datetime) -> bool:
    return health.retry_at is not None and now < health.retry_at


def _with(recent: int, *, trouble: bool) -> int:
    return (recent << 1 | trouble) & ((1 << RECENT) - 1)
