"""What is left of a limit of requests per minute, as headers."""

import math
from datetime import datetime

from accounts.quotas.limits import Allowance

LIMIT, REMAINING, RESET = "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"


def headers(allowance: Allowance | None, now: datetime) -> dict[str, str]:
    """The limit, how many more it allows now, and in how many seconds a place gets free: 0 while one is.

    Nothing where there is no such limit. One that takes nothing at all has no time to come again.
    """
    if allowance is None:
        return {}
    told = {LIMIT: str(allowance.limit), REMAINING: str(allowance.remaining)}
    if allowance.free_at is not None:
        told[RESET] = str(seconds_until(allowance.free_at, now))
    elif allowance.remaining:
        told[RESET] = "0"
    return told


def seconds_until(moment: datetime, now: datetime) -> int:
    """Whole seconds to wait for a moment, one at least."""
    return max(1, math.ceil((moment - now).total_seconds()))
