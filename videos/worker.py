"""What the jobs of a worker share: threads for the database, and pacing for upstream."""

import asyncio
import contextvars
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, ParamSpec, TypeVar

import structlog
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, DatabaseError, close_old_connections, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from videos import budgets
from videos.budgets import Action
from videos.models import UpstreamAccount

P = ParamSpec("P")
T = TypeVar("T")
Item = TypeVar("Item")

TOLERATED_LATENESS = 0.05
"""Seconds a call may leave after its moment. Later ones would bunch up with those behind them."""

RETRY_DELAYS = (0.2, 0.5, 1, 2, 4, 8)
"""Seconds between attempts at a write that must not be forgotten; about 16 in all."""

log = structlog.get_logger(__name__)


class DatabaseThreads:
    """A few threads, each with a database connection of its own, for the event loop to work through."""

    def __init__(self, size: int) -> None:
        self._connections: list[BaseDatabaseWrapper] = []
        self._pool = ThreadPoolExecutor(size, "database", initializer=self._remember)

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

    @staticmethod
    def _guarded(work: Callable[[], T]) -> T:
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
    """Like `in_database`, for what must not be forgotten: tries again while the database is away."""
    for delay in RETRY_DELAYS:
        try:
            return await in_database(function, *args, **kwargs)
        except DatabaseError:
            log.exception("the database did not take a write that matters", retry_in=delay)
            await asyncio.sleep(delay)
    return await in_database(function, *args, **kwargs)


def close() -> None:
    """Let go of the threads and their connections."""
    global _threads
    if _threads is not None:
        _threads.close()
        _threads = None


async def paced(
    account: UpstreamAccount,
    action: Action,
    waits: Sequence[float],
    calls: Iterable[Callable[[], Awaitable[Any]]],
) -> None:
    """Make each call at its own reserved moment, all side by side; one that breaks does not stop the others.

    `waits` are seconds from now, as `budgets.reserve` gave them.
    """
    start = asyncio.get_running_loop().time()
    outcomes = await asyncio.gather(
        *(_at(account, action, start + wait, call) for wait, call in zip(waits, calls, strict=False)),
        return_exceptions=True,
    )
    for outcome in outcomes:
        if isinstance(outcome, Exception):
            log.error("a paced call broke", account=account.name, action=action, exc_info=outcome)


async def _at(
    account: UpstreamAccount, action: Action, moment: float, call: Callable[[], Awaitable[Any]]
) -> None:
    while (lateness := await _wait_for(moment)) > TOLERATED_LATENESS:
        log.info("missed a moment to call", account=account.name, action=action, seconds=round(lateness, 3))
        waits = await in_database(budgets.reserve, account, action, 1)
        if not waits:
            return  # the next tick finds the task due as it was
        moment = asyncio.get_running_loop().time() + waits[0]
    await call()


async def _wait_for(moment: float) -> float:
    """Sleep until the moment; returns how many seconds late it is then."""
    loop = asyncio.get_running_loop()
    await asyncio.sleep(max(0.0, moment - loop.time()))
    return loop.time() - moment
