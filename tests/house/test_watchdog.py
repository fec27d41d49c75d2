"""With an unresponsive database, waiting threads are freed and no process hangs forever."""

import os
import signal
import threading
import time
from collections.abc import Iterator

import httpx
import pytest
from django.db import DEFAULT_DB_ALIAS, OperationalError, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from config.watchdog import Unit, Watchdog, break_connection
from tests.conftest import GOOD_BODY, Caller, make_caller
from tests.support.fork_server import ForkServer
from tests.support.web_process import WebProcess
from videos.models import UpstreamAccount

SOON = 10
"""Seconds within which immediate things have happened."""


@pytest.fixture
def sleeping(db: None) -> Iterator[tuple[threading.Thread, BaseDatabaseWrapper, list[object]]]:
    """A thread that waits a minute for the database, its connection and its result."""
    opened: list[BaseDatabaseWrapper] = []
    outcome: list[object] = []
    is_open = threading.Event()

    def sleep() -> None:
        mine = connections[DEFAULT_DB_ALIAS]
        opened.append(mine)
        try:
            with mine.cursor() as cursor:
                is_open.set()
                cursor.execute("SELECT pg_sleep(60)")
        except OperationalError as error:
            outcome.append(error)
        finally:
            mine.close()

    thread = threading.Thread(target=sleep)
    thread.start()
    assert is_open.wait(SOON)
    time.sleep(0.05)
    yield thread, opened[0], outcome
    break_connection(opened[0])
    thread.join(SOON)
    with connection.cursor() as cursor:  # the server would keep sleeping
        cursor.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND query LIKE 'SELECT pg_sleep%'"
        )


def test_a_thread_waiting_on_a_broken_connection_gets_an_error(
    sleeping: tuple[threading.Thread, BaseDatabaseWrapper, list[object]],
) -> None:
    thread, opened, outcome = sleeping
    break_connection(opened)
    thread.join(SOON)
    assert not thread.is_alive()
    assert isinstance(outcome[0], OperationalError)


def test_a_closed_connection_is_ignored(db: None) -> None:
    other = connections.create_connection(DEFAULT_DB_ALIAS)
    break_connection(other)
    assert other.connection is None


def test_a_connection_that_takes_too_long_is_broken_once(db: None) -> None:
    watchdog, ended = Watchdog(2, 80, list[int]().append), connections.create_connection(DEFAULT_DB_ALIAS)
    with watchdog.unit(60):
        [unit] = watchdog._units.values()
        unit.database = ended
        watchdog.look(unit.began + 59)
        assert not unit.is_broken
        watchdog.look(unit.began + 61)
        assert unit.is_broken
    assert not watchdog._units
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def test_the_process_ends_if_all_threads_are_lost(db: None) -> None:
    statuses: list[int] = []
    watchdog = Watchdog(2, 80, statuses.append)
    unused = connections.create_connection(DEFAULT_DB_ALIAS)
    for thread in (1, 2):
        watchdog._units[thread] = Unit(60, began=100.0 * thread, database=unused)
    watchdog.look(181)
    assert statuses == []
    watchdog.look(281)
    assert statuses == [70]


def _others() -> list[int]:
    """PostgreSQL's processes for other connections to this database."""
    others = "datname = current_database() AND pid <> pg_backend_pid()"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pid FROM pg_stat_activity WHERE {others}")  # noqa: S608 - ours
        return [pid for (pid,) in cursor.fetchall()]


@pytest.mark.processes
def test_requests_are_answered_while_the_database_is_frozen(
    transactional_db: None, fork_server: ForkServer, tmp_path: object, account: UpstreamAccount, owner: Caller
) -> None:
    web = WebProcess(fork_server, tmp_path / "web.log")  # type: ignore[operator]  # it is a path
    web.wait()
    headers = {"authorization": f"Bearer {make_caller(owner.tenant).text}"}
    try:
        with httpx.Client(base_url=web.url, headers=headers, timeout=SOON + 10) as client:
            assert client.get("/v1/videos").status_code == 200
            frozen = _others()
            for pid in frozen:
                os.kill(pid, signal.SIGSTOP)
            try:
                answers = [client.post("/v1/videos", json=GOOD_BODY), client.get("/healthz")]
            finally:
                for pid in frozen:
                    os.kill(pid, signal.SIGCONT)
        assert [answer.status_code for answer in answers] == [200, 200]
    finally:
        web.kill()
