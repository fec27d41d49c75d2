"""The database threads that the jobs of a worker share."""

import asyncio
import contextvars
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, ParamSpec, TypeVar

import structlog
from django.conf import settings
from django.db import (
    DEFAULT_DB_ALIAS,
    InterfaceError,
    OperationalError,
    close_old_connections,
    connections,
)
from django.db.backends.base.base import BaseDatabaseWrapper

from config.watchdog import Watchdog

P = ParamSpec("P")
T = TypeVar("T")

UNIT_SECONDS = 60.0
"""A call that takes longer is stuck: its database connection is closed, which makes it fail."""
LOST_AFTER_SECONDS = 80.0
"""A thread that is stuck for this long will not recover; if all are, the process exits."""
RETRY_DELAYS = (0.2, 0.5, 1, 2, 4, 8, *[15] * 40)
"""Seconds between attempts at a write that must not be lost, as it was paid for.

Ten minutes in all, as it takes time to fix a full disk.
"""

log = structlog.get_logger(__name__)


class DatabaseThreads:
    """A thread pool for the event loop; each thread has its own database connection."""

    def __init__(self, size: int) -> None:
        self._connections: list[BaseDatabaseWrapper] = []
        self._pool = ThreadPoolExecutor(size, "database", initializer=self._remember)
        self._watchdog = Watchdog(size, LOST_AFTER_SECONDS).start()

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        work = partial(contextvars.copy_context().run, self._guarded, partial(function, *args, **kwargs))
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    def close(self) -> None:
        """Wait for running calls, then close the connections."""
        self._pool.shutdown()
        for opened in self._connections:
            opened.inc_thread_sharing()
            opened.close()

    def _remember(self) -> None:
        self._connections.append(connections[DEFAULT_DB_ALIAS])

    def _guarded(self, work: Callable[[], T]) -> T:
        with self._watchdog.unit(UNIT_SECONDS):
            # Replaces a connection that died while the thread was idle.
            close_old_connections()
            return work()


_threads: DatabaseThreads | None = None


async def in_database(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call a function that uses the database in a database thread."""
    global _threads
    if _threads is None:
        _threads = DatabaseThreads(settings.WORKER_THREADS)
    return await _threads.run(function, *args, **kwargs)


async def in_database_with_retries(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Like `in_database`, for writes that must not be lost.

    Retries while the database is unavailable, and completes even if the caller is cancelled.
    """
    return await asyncio.shield(asyncio.create_task(_with_retries(partial(function, *args, **kwargs))))


async def _with_retries(function: Callable[[], T]) -> T:
    for delay in RETRY_DELAYS:
        try:
            return await in_database(function)
        except (OperationalError, InterfaceError):
            log.exception("the database did not take a write that matters", retry_in=delay)
            await asyncio.sleep(delay)
    return await in_database(function)


def close() -> None:
    """Shut down the threads and close their connections."""
    global _threads
    if _threads is not None:
        _threads.close()
        _threads = None


async def run_concurrently(steps: Iterable[Awaitable[Any]]) -> None:
    """Run steps concurrently; one that fails is logged and does not stop the others."""
    for outcome in await asyncio.gather(*steps, return_exceptions=True):
        if isinstance(outcome, Exception):
            log.error("a step broke", exc_info=outcome)
