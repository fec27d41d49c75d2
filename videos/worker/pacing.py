"""When a call to upstream may leave: at a slot of its own, so that an account is never asked too fast."""

import asyncio
import time
from datetime import timedelta

import structlog

from videos.models import UpstreamAccount
from videos.routing import rate_limits
from videos.routing.rate_limits import UpstreamCall
from videos.worker.threads import in_database

TOLERATED_LATENESS = 0.03
"""Seconds a call may leave after its slot. Later ones would bunch up with those behind them."""
MOST_MISSES = 5
"""Slots a call may miss; a process that slow had better let another one try."""
PREPARATION = timedelta(seconds=0.1)
"""How long before its slot a call begins to be prepared."""

log = structlog.get_logger(__name__)


class BudgetSpent(Exception):
    """Its slots were missed, or none is free: the call was not made."""


class Gate:
    """The slot one call may leave. Whoever passes it calls at once, with nothing in between."""

    def __init__(self, account: UpstreamAccount, action: UpstreamCall, slot: float) -> None:
        """`slot` is one that `budgets.reserve` gave."""
        self._account = account
        self._action = action
        self._slot = slot

    async def nears(self) -> None:
        """Wait until little more than what has to be prepared for the call fits in before it."""
        await asyncio.sleep(self._slot - PREPARATION.total_seconds() - time.monotonic())

    async def opens(self) -> None:
        """Wait for the slot; for a new one if this one is missed. Raises `BudgetSpent` if there is none."""
        for _ in range(MOST_MISSES):
            await asyncio.sleep(self._slot - time.monotonic())
            if time.monotonic() - self._slot <= TOLERATED_LATENESS:
                return
            await self._reserve_another()
        raise BudgetSpent

    async def _reserve_another(self) -> None:
        log.debug("missed a slot to call", account=self._account.name, action=self._action)
        soon = 2 * rate_limits.HORIZON
        slots = await in_database(rate_limits.reserve, self._account, self._action, 1, soon)
        if not slots:
            raise BudgetSpent
        self._slot = slots[0]
