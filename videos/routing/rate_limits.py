"""Rate limits of upstream accounts: exact across all processes, kept in the database.

Slots for calls are handed out a fixed gap apart, by one UPDATE on the row of an account and action. Upstream
counts calls in any sliding second, so unused slots cannot be saved up for a burst.
"""

import time
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from django.db import connection

from videos.models import UpstreamAccount, UpstreamBudget

HORIZON = timedelta(seconds=1)
"""Slots are handed out at most this far ahead, so that a dead process wastes few."""
MINUTE = timedelta(minutes=1)

NO_LEAD = timedelta(0)


class UpstreamCall(StrEnum):
    """The kinds of calls that upstream limits separately."""

    CREATE = "create"
    DESCRIBE = "describe"


_FREE_FROM = "GREATEST(next_at, clock.now + %(lead)s)"
_GRANTED = f"""GREATEST(0, LEAST(%(wanted)s,
    1 + FLOOR(EXTRACT(EPOCH FROM clock.now + %(lead)s + %(horizon)s - {_FREE_FROM}) / %(seconds)s)::int))"""
# A process that waited for the row lock may have read the clock in the minute before.
_IN_MINUTE = "CASE WHEN minute >= clock.this_minute THEN in_minute ELSE 0 END"
_IN_MINUTE_BEFORE = """CASE WHEN minute >= clock.this_minute THEN in_minute_before
    WHEN minute = clock.this_minute - interval '1 minute' THEN in_minute ELSE 0 END"""
_RESERVE = f"""
    UPDATE videos_upstreambudget
    SET granted = {_GRANTED}, next_at = {_FREE_FROM} + {_GRANTED} * %(gap)s,
        minute = GREATEST(minute, clock.this_minute), in_minute = {_IN_MINUTE} + {_GRANTED},
        in_minute_before = {_IN_MINUTE_BEFORE}
    FROM (SELECT now, date_trunc('minute', now) AS this_minute
        FROM (SELECT clock_timestamp() AS now) AS read) AS clock
    WHERE account_id = %(account)s AND action = %(action)s
    RETURNING granted, EXTRACT(EPOCH FROM next_at - granted * %(gap)s - clock_timestamp())
"""  # noqa: S608 - made of the constants above


def reserve(
    account: UpstreamAccount,
    action: UpstreamCall,
    wanted: int,
    horizon: timedelta = HORIZON,
    *,
    lead: timedelta = NO_LEAD,
) -> list[float]:
    """Reserve up to `wanted` slots, none sooner than `lead` from now, and within `horizon` after that.

    Returns them in seconds of `time.monotonic`, soonest first; fewer or none if the rate limit is used up. An
    unused slot is lost.
    """
    gap = 1 / _rate(account, action)
    arguments = {
        "gap": timedelta(seconds=gap),
        "seconds": gap,
        "account": account.pk,
        "action": action.value,
        "wanted": wanted,
        "horizon": horizon,
        "lead": lead,
    }
    granted, wait = _updated(arguments) or _created_and_updated(account, action, arguments)
    # Read the clock at once, so that later delays do not shift the slots. If others held the row lock, the
    # first slot may have passed; it is not moved, as it would collide with the next.
    first = time.monotonic() + float(wait)
    return [first + gap * position for position in range(granted)]


def given(budget: UpstreamBudget, minute: datetime) -> int:
    """Slots handed out in the minute that begins at `minute`; only the latest two minutes are known."""
    if budget.minute is None:
        return 0
    known = {budget.minute: budget.in_minute, budget.minute - MINUTE: budget.in_minute_before}
    return known.get(minute, 0)


def per_minute(account: UpstreamAccount, action: UpstreamCall) -> float:
    """Slots per minute."""
    return _rate(account, action) * MINUTE.total_seconds()


def _rate(account: UpstreamAccount, action: UpstreamCall) -> float:
    return account.creates_per_second if action is UpstreamCall.CREATE else account.describes_per_second


def _updated(arguments: dict[str, Any]) -> tuple[int, float] | None:
    with connection.cursor() as cursor:
        cursor.execute(_RESERVE, arguments)
        row: tuple[int, float] | None = cursor.fetchone()
    return row


def _created_and_updated(
    account: UpstreamAccount, action: UpstreamCall, arguments: dict[str, Any]
) -> tuple[int, float]:
    UpstreamBudget.objects.bulk_create(
        [UpstreamBudget(account=account, action=action.value)], ignore_conflicts=True
    )
    row = _updated(arguments)
    assert row is not None, "the row was just made"  # noqa: S101 - for the type checker
    return row
