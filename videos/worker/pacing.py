"""Paces calls to upstream: each leaves at its own slot, so that no account exceeds its rate limit."""

import asyncio
import time
from datetime import timedelta

import structlog

from videos.models import UpstreamAccount
from videos.routing import rate_limits
from videos.routing.rate_limits import UpstreamCall
from videos.worker.threads import in_database

TOLERATED_LATENESS = 0.03
"""Seconds that a call may leave after its slot; later ones would bunch up with the next."""
MOST_MISSES = 5
"""Slots a call may miss before it is given up, as another process may be less busy."""
PREPARATION = timedelta(seconds=0.1)
"""How long before its slot a call is prepared."""

REQUEUE_DELAYS = (1, 2, 4, 8, 15, 30, 60)
"""Backoff in seconds by the number of attempts so far; the last value repeats."""

log = structlog.get_logger(__name__)


def backoff(attempts: int) -> timedelta:
    """How long a task waits for its next try after so many."""
    return timedelta(seconds=REQUEUE_DELAYS[max(0, min(attempts, len(REQUEUE_DELAYS)) - 1)])


class RateLimitSpent(Exception):
    """The call was not made: its slots were missed, or none is free."""


class Gate:
    """Holds one call back until its slot. The caller must make the call as soon as `opens` returns."""

    def __init__(self, account: UpstreamAccount, action: UpstreamCall, slot: float) -> None:
        """`slot` comes from `rate_limits.reserve`."""
        self._account = account
        self._action = action
        self._slot = slot

    async def nears(self) -> None:
        """Wait until it is time to prepare the call."""
        await asyncio.sleep(self._slot - PREPARATION.total_seconds() - time.monotonic())

    async def opens(self) -> None:
        """Wait for the slot, or for a new one if it is missed. Raises `RateLimitSpent` if none is free."""
        for _ in range(MOST_MISSES):
            await asyncio.sleep(self._slot - time.monotonic())
            if time.monotonic() - self._slot <= TOLERATED_LATENESS:
                return
            await self._reserve_another()
        raise RateLimitSpent

    async def _reserve_another(self) -> None:
        log.debug("missed a slot to call", account=self._account.name, action=self._action)
        soon = 2 * rate_limits.HORIZON
        slots = await in_database(rate_limits.reserve, self._account, self._action, 1, soon)
        if not slots:
            raise RateLimitSpent
        self._slot = slots[0]
