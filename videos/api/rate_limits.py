"""The rate limit headers."""

import math
from datetime import datetime

from accounts.quotas.limits import Allowance

LIMIT, REMAINING, RESET = "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"


def headers(allowance: Allowance | None, now: datetime) -> dict[str, str]:
    """The limit, the requests left, and the seconds until a slot is free (0 if one is free now).

    Empty if there is no limit. A limit of 0 has no reset.
    """
    if allowance is None:
        return {}
    values = {LIMIT: str(allowance.limit), REMAINING: str(allowance.remaining)}
    if allowance.free_at is not None:
        values[RESET] = str(seconds_until(allowance.free_at, now))
    elif allowance.remaining:
        values[RESET] = "0"
    return values


def seconds_until(moment: datetime, now: datetime) -> int:
    """Whole seconds until `moment`, at least 1."""
    return max(1, math.ceil((moment - now).total_seconds()))
