"""Threads that wait for a database that does not answer: what they wait for is broken off, and they go on.

Time-outs of the server and of TCP do not help where the server is frozen and the connection is a local one:
nothing ever comes, and nothing fails. So a thread of the process looks after the others.
"""

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import psycopg
import structlog
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper

log = structlog.get_logger(__name__)
BETWEEN_LOOKS = 1.0
"""Seconds."""
EXIT_STATUS = 70


@dataclass(eq=False)
class Unit:
    """Something that a thread does, since when, and how many seconds it may take."""

    limit: float
    began: float = field(default_factory=time.monotonic)
    database: BaseDatabaseWrapper = field(default_factory=lambda: connections[DEFAULT_DB_ALIAS])
    is_broken: bool = False


class Watchdog:
    """Breaks the database connection of a thread whose unit of work takes too long, which fails it.

    Where all threads stay stuck all the same, it ends the process, for its supervisor to start another.
    """

    def __init__(self, threads: int, lost_after: float, end: Callable[[int], object] = os._exit) -> None:
        """`lost_after` is how many seconds a unit has lasted once its thread is given up."""
        self._threads, self._lost_after, self._end = threads, lost_after, end
        self._units: dict[int, Unit] = {}

    def start(self) -> "Watchdog":
        """Look from now on."""
        threading.Thread(target=self._look_on, name="watchdog", daemon=True).start()
        return self

    @contextmanager
    def unit(self, limit: float) -> Iterator[None]:
        """Look after what this thread does in the block, which may take `limit` seconds."""
        thread = threading.get_ident()
        self._units[thread] = Unit(limit)
        try:
            yield
        finally:
            del self._units[thread]

    def look(self, now: float) -> None:
        """Break what takes too long at that moment of the monotonic clock; end where all threads are lost."""
        units = list(self._units.values())
        for unit in units:
            if not unit.is_broken and now - unit.began > unit.limit:
                unit.is_broken = True
                log.warning("a thread is stuck: its database connection is broken off", seconds=unit.limit)
                break_connection(unit.database)
        lost = sum(now - unit.began > self._lost_after for unit in units)
        if lost >= self._threads:
            log.critical("all threads are stuck: the process ends", threads=lost)
            self._end(EXIT_STATUS)

    def _look_on(self) -> None:
        while True:
            time.sleep(BETWEEN_LOOKS)
            self.look(time.monotonic())


def break_connection(database: BaseDatabaseWrapper) -> None:
    """Let whoever waits for an answer on it, in another thread, hear that there will be none."""
    opened = database.connection
    if opened is None:
        return
    with suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(opened.fileno())) as its:
        its.shutdown(socket.SHUT_RDWR)
