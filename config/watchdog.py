"""Shuts down the database connection of a thread that waits too long for the database, so that it fails.

Timeouts of the server and of TCP do not help if the server is frozen and the connection is local: nothing
arrives and nothing fails.
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
    """Work of one thread: its limit in seconds, its start (monotonic clock) and its connection."""

    limit: float
    began: float = field(default_factory=time.monotonic)
    database: BaseDatabaseWrapper = field(default_factory=lambda: connections[DEFAULT_DB_ALIAS])
    is_broken: bool = False


class Watchdog:
    """Shuts down the database connection of a thread whose unit of work exceeds its limit, so that it fails.

    If all threads stay stuck, it ends the process, so that the supervisor starts another.
    """

    def __init__(self, threads: int, lost_after: float, end: Callable[[int], object] = os._exit) -> None:
        """A thread counts as lost when its unit has run for `lost_after` seconds."""
        self._threads, self._lost_after, self._end = threads, lost_after, end
        self._units: dict[int, Unit] = {}

    def start(self) -> "Watchdog":
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()
        return self

    @contextmanager
    def unit(self, limit: float) -> Iterator[None]:
        """Watch what this thread does in the block, which may take `limit` seconds."""
        thread = threading.get_ident()
        self._units[thread] = Unit(limit)
        try:
            yield
        finally:
            del self._units[thread]

    def look(self, now: float) -> None:
        """Check all units at `now` (seconds, monotonic); end the process if all threads are lost."""
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

    def _watch(self) -> None:
        while True:
            time.sleep(BETWEEN_LOOKS)
            self.look(time.monotonic())


def break_connection(database: BaseDatabaseWrapper) -> None:
    """Shut down its socket, so that a thread that waits for an answer gets an error."""
    opened = database.connection
    if opened is None:
        return
    with suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(opened.fileno())) as copy:
        copy.shutdown(socket.SHUT_RDWR)
