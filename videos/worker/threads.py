"""What the jobs of a worker share: threads for the database, and pacing for upstream."""

import asyncio
import contextvars
import time
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import Any, ParamSpec, TypeVar

import structlog
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, close_old_connections, connections
from django.db import Error as DatabaseTrouble
from django.db.backends.base.base import BaseDatabaseWrapper

from config.watchdog import Watchdog
from videos.models import UpstreamAccount
from videos.routing import rate_limits
from videos.routing.rate_limits import Action

P = ParamSpec("P")
T = TypeVar("T")

TOLERATED_LATENESS = 0.03
"""Seconds a call may leave after its moment. Later ones would bunch up with those behind them."""
MOST_MISSES = 5
"""Moments a call may miss; a process that slow had better let another one try."""
PREPARATION = timedelta(seconds=0.1)
"""How long before its moment a call begins to be prepared."""

UNIT_SECONDS = 60.0
"""What takes a thread longer is stuck: its database connection is broken off, which fails it."""
LOST_AFTER_SECONDS = 80.0
"""A thread that is stuck for so long will never go on; where all are, the process ends."""
RETRY_DELAYS = (0.2, 0.5, 1, 2, 4, 8, *[15] * 40)
"""Seconds between attempts at a write that must not be forgotten, as it was paid for.

Ten minutes in all: a full disk takes a while to be seen to.
"""

log = structlog.get_logger(__name__)


class DatabaseThreads:
    """A few threads, each with a database connection of its own, for the event loop to work through."""

    def __init__(self, size: int) -> None:
        self._connections: list[BaseDatabaseWrapper] = []
        self._pool = ThreadPoolExecutor(size, "database", initializer=self._remember)
        self._watchdog = Watchdog(size, LOST_AFTER_SECONDS).start()

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call the function in one of the threads."""
        work = partial(contextvars.copy_context().run, self._guarded, partial(function, *args, **kwargs))
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    def close(self) -> None:
        """Wait for work under way and close the connections."""
        self._pool.shutdown()
        for opened in self._connections:
            opened.inc_thread_sharing()
            opened.close()

    def _remember(self) -> None:
        self._connections.append(connections[DEFAULT_DB_ALIAS])

    def _guarded(self, work: Callable[[], T]) -> T:
        with self._watchdog.unit(UNIT_SECONDS):
            # A connection that died while the thread was idle is replaced, not used.
            close_old_connections()
            return work()


_threads: DatabaseThreads | None = None


async def in_database(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call a function that uses the database, away from the event loop."""
    global _threads
    if _threads is None:
        _threads = DatabaseThreads(settings.WORKER_THREADS)
    return await _threads.run(function, *args, **kwargs)


async def in_database_surely(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Like `in_database`, for what must not be forgotten.

    It is tried again while the database is away, and goes on to its end even if the caller is cancelled.
    """
    return await asyncio.shield(asyncio.create_task(_insisting(partial(function, *args, **kwargs))))


async def _insisting(function: Callable[[], T]) -> T:
    for delay in RETRY_DELAYS:
        try:
            return await in_database(function)
        except DatabaseTrouble:
            log.exception("the database did not take a write that matters", retry_in=delay)
            await asyncio.sleep(delay)
    return await in_database(function)


def close() -> None:
    """Let go of the threads and their connections."""
    global _threads
    if _threads is not None:
        _threads.close()
        _threads = None


class BudgetSpent(Exception):
    """Its moments were missed, or none is free: the call was not made."""


class Gate:
    """The moment one call may leave. Whoever passes it calls at once, with nothing in between."""

    def __init__(self, account: UpstreamAccount, action: Action, moment: float) -> None:
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


async def side_by_side(steps: Iterable[Awaitable[Any]]) -> None:
    """Run steps together; one that breaks is logged and does not stop the others."""
    for outcome in await asyncio.gather(*steps, return_exceptions=True):
        if isinstance(outcome, Exception):
            log.error("a step broke", exc_info=outcome)
