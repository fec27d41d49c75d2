"""When a call to upstream may leave: at a moment of its own, so that an account is never asked too fast."""

import asyncio
import time
from datetime import timedelta

import structlog

from videos.models import UpstreamAccount
from videos.routing import rate_limits
from videos.routing.rate_limits import UpstreamCall
from videos.worker.threads import in_database

TOLERATED_LATENESS = 0.03
"""Seconds a call may leave after its moment. Later ones would bunch up with those behind them."""
MOST_MISSES = 5
"""Moments a call may miss; a process that slow had better let another one try."""
PREPARATION = timedelta(seconds=0.1)
"""How long before its moment a call begins to be prepared."""

log = structlog.get_logger(__name__)


class BudgetSpent(Exception):
    """Its moments were missed, or none is free: the call was not made."""


class Gate:
    """The moment one call may leave. Whoever passes it calls at once, with nothing in between."""

    def __init__(self, account: UpstreamAccount, action: UpstreamCall, moment: float) -> None:
        """`moment` is one that `budgets.reserve` gave."""
        self._account = account
        self._action = action
        self._moment = moment

    async def nears(self) -> None:
        """Wait until little more than what has to be prepared for the call fits in before it."""
        await asyncio.sleep(self._moment - PREPARATION.total_seconds() - time.monotonic())

    async def opens(self) -> None:
        """Wait for the moment; for a new one if this one is missed. Raises `BudgetSpent` if there is none."""
        for _ in range(MOST_MISSES):
            await asyncio.sleep(self._moment - time.monotonic())
            if time.monotonic() - self._moment <= TOLERATED_LATENESS:
                return
            await self._reserve_another()
        raise BudgetSpent

    async def _reserve_another(self) -> None:
        log.debug("missed a moment to call", account=self._account.name, action=self._action)
        soon = 2 * rate_limits.HORIZON
        moments = await in_database(rate_limits.reserve, self._account, self._action, 1, soon)
        if not moments:
            raise BudgetSpent
        self._moment = moments[0]
