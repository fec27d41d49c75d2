"""Real worker processes on the test database, and helpers to kill them at a chosen moment."""

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from tests.conftest import GOOD_BODY, Caller
from tests.support.emptying import despite_deadlocks
from tests.support.fork_server import Forked, ForkServer
from tests.support.playable import padded
from videos.billing import reconciliation
from videos.models import GenerationStat, Task, UpstreamAccount, UpstreamBudget
from videos.queueing import Job
from videos.routing.rate_limits import UpstreamCall
from videos.states import FINAL, Status

CREATE_TIMEOUT = 1.0
"""Seconds; a submission's lease ends after twice this."""
DOWNLOAD = padded(1024 * 1024)
"""The content of the slow link: about a megabyte that begins like an MP4."""

TOO_LONG = 120.0
"""Seconds after which something is considered hung, even on a busy machine."""

T = TypeVar("T")


def wait_until(what: str, condition: Callable[[], T | None], seconds: float = TOO_LONG) -> T:
    """Poll until the condition is true, and return its value."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            pytest.fail(f"not within {seconds:g} s: {what}")
        time.sleep(0.02)
    return value


# Workers


class Worker:
    """A process of `manage.py worker`."""

    def __init__(self, process: Forked, log: Path) -> None:
        self.process = process
        self.log = log

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def terminate(self) -> None:
        """Send SIGTERM."""
        self.process.send_signal(signal.SIGTERM)

    def ended(self, seconds: float = TOO_LONG) -> int:
        return self.process.wait(timeout=seconds)

    @property
    def is_alive(self) -> bool:
        return self.process.poll() is None


class Workers:
    def __init__(self, forks: ForkServer, folder: Path, results: Path) -> None:
        self.all: list[Worker] = []
        self._forks, self._folder, self._results = forks, folder, results

    def start(self, *arguments: str, **environment: str) -> Worker:
        """Start a worker; `environment` overrides its settings."""
        log = self._folder / f"worker-{len(self.all)}.log"
        settings = child_environment(RESULTS_DIR=str(self._results), **environment)
        process = self._forks.start(["manage.py", "worker", *arguments], settings, log)
        self.all.append(Worker(process, log))
        return self.all[-1]

    def stop(self) -> None:
        """Kill them and print their output, which pytest shows for failed tests."""
        for worker in self.all:
            worker.kill()
            print(f"--- {worker.log.name}\n{worker.log.read_text(errors='replace')[-6000:]}")  # noqa: T201


@pytest.fixture
def workers(
    transactional_db: None, fork_server: ForkServer, tmp_path: Path, results_folder: Path
) -> Iterator[Workers]:
    """Starts workers for this test; afterwards the books must agree."""
    delete_jobs()
    learn_quick_generations()
    started = Workers(fork_server, tmp_path, results_folder)
    try:
        yield started
    finally:
        started.stop()
        delete_jobs()
    assert reconciliation.differences() == [], "whatever died, the books are in order"


def child_environment(**changes: str) -> dict[str, str]:
    """The environment of a process that shares the test database and secrets."""
    return {
        **os.environ,
        "DATABASE_URL": _database_url(),
        "SECRET_KEY": "a secret of the tests only",
        "ENCRYPTION_KEYS": ",".join(settings.ENCRYPTION_KEYS),
        "UPSTREAM_CREATE_TIMEOUT": str(CREATE_TIMEOUT),
        "UPSTREAM_DESCRIBE_TIMEOUT": "1",
        "WORKER_THREADS": "4",
        "PYTHONUNBUFFERED": "1",
        **changes,
    }


def _database_url(host: str = "") -> str:
    """Like `postgres.url`, but for the test database, optionally at another host."""
    database = connection.settings_dict
    user, password = (quote(str(database[name]), safe="") for name in ("USER", "PASSWORD"))
    host, port = host or str(database["HOST"]), str(database["PORT"])
    credentials = f"{user}:{password}" if password else user
    if host.startswith("/"):
        return f"postgres://{credentials}@:{port}/{quote(host)}/{database['NAME']}"
    return f"postgres://{credentials}@{host}{':' if port else ''}{port}/{database['NAME']}"


@contextmanager
def silent_database(folder: Path, connections: int) -> Iterator[tuple[str, threading.Event]]:
    """The URL of a relay to the test database that serves a number of connections and hangs for the next.

    The event is set once the hanging connection was opened.
    """
    host, port = str(connection.settings_dict["HOST"]), str(connection.settings_dict["PORT"] or 5432)
    server = f"{host}/.s.PGSQL.{port}" if host.startswith("/") else (host or "127.0.0.1", int(port))
    silent = threading.Event()
    opened: list[socket.socket] = []

    def relay(source: socket.socket, target: socket.socket) -> None:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)

    def answer() -> None:
        for _ in range(connections):
            client, behind = listener.accept()[0], _connected(server)
            opened.extend((client, behind))
            for pair in ((client, behind), (behind, client)):
                threading.Thread(target=relay, args=pair, daemon=True).start()
        opened.append(listener.accept()[0])
        silent.set()

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / f".s.PGSQL.{port}"))
        listener.listen()
        threading.Thread(target=answer, daemon=True).start()
        try:
            yield _database_url(str(folder)), silent
        finally:
            for end in opened:
                end.close()


def _connected(address: str | tuple[str, int]) -> socket.socket:
    if isinstance(address, tuple):
        return socket.create_connection(address)
    connected = socket.socket(socket.AF_UNIX)
    connected.connect(address)
    return connected


# Jobs, which Django's flush does not delete


def delete_jobs() -> None:
    """Delete all jobs and workers."""
    despite_deadlocks(_truncate_jobs)


def _truncate_jobs() -> None:
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE procrastinate_jobs, procrastinate_workers RESTART IDENTITY CASCADE")


def jobs(job: Job, status: str) -> list[int]:
    """The ids of the jobs of a kind with a status such as `todo` or `doing`."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM procrastinate_jobs WHERE task_name = %s AND status::text = %s ORDER BY id",
            [job.value, status],
        )
        return [row[0] for row in cursor.fetchall()]


def age_heartbeats() -> None:
    """Make the heartbeats of all workers too old."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_workers SET last_heartbeat = last_heartbeat - interval '1 hour'")


def wait_for_ticks(count: int) -> None:
    enough = _last_run(Job.TICK) + count
    wait_until(f"{count} ticks", lambda: _last_run(Job.TICK) >= enough)


def wait_for_sweep() -> None:
    """Wait until a sweep that starts after this call has ended."""
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO procrastinate_jobs (queue_name, task_name, args)
            VALUES (%s, %s, '{"timestamp": 0}') RETURNING id""",
            [Job.SWEEP.value, Job.SWEEP.value],
        )
        [identity] = cursor.fetchone()
    wait_until("a sweep", lambda: identity not in jobs(Job.SWEEP, "todo") + jobs(Job.SWEEP, "doing"))
    assert identity not in jobs(Job.SWEEP, "failed")


def _last_run(job: Job) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(max(defer_timestamp), extract(epoch FROM now())::bigint)"
            " FROM procrastinate_periodic_defers WHERE task_name = %s",
            [job.value],
        )
        return int(cursor.fetchone()[0])


@contextmanager
def submissions_held(account: UpstreamAccount) -> Iterator[None]:
    """Within the block, workers can take submit jobs of the account but cannot proceed."""
    UpstreamBudget.objects.get_or_create(account=account, action=UpstreamCall.CREATE.value)
    with transaction.atomic():
        UpstreamBudget.objects.select_for_update().get(account=account, action=UpstreamCall.CREATE.value)
        yield


# Tasks


def ask(caller: Caller, prompt: str = "a cat runs", **body: Any) -> Task:
    """Create a task through the API."""
    answer = caller.post("/v1/videos", {**GOOD_BODY, "prompt": prompt, **body})
    assert answer.status_code == 200, answer.content
    return Task.objects.latest("id")


def learn_quick_generations() -> None:
    """Set the learned generation time to a second, so that the first poll comes early."""
    GenerationStat.objects.update_or_create(
        model=GOOD_BODY["model"],
        defaults={"usual": 1.0, "spread": 2.0, "samples": 100, "updated_at": timezone.now()},
    )


def wait_for(task: Task, *wanted: Status) -> Task:
    """Wait until the task is in one of the states, and return it."""

    def reached() -> Task | None:
        task.refresh_from_db()
        return task if task.state in wanted else None

    try:
        return wait_until(f"{' or '.join(wanted)}", reached)
    except pytest.fail.Exception:
        print(f"--- {task.public_id}: {task.status}, due {task.due_at}, {verbs(task)}")  # noqa: T201
        raise


def verbs(task: Task) -> list[str]:
    """The verbs of the task's events, in order."""
    return [event.verb for event in task.events.all()]


def closings(task: Task) -> int:
    """The number of events with a final state."""
    return task.events.filter(status__in=list(FINAL)).count()


# A slow link


class SlowLink:
    """A web server that sends half of its file, and the rest once `finish` is set."""

    def __init__(self) -> None:
        self.begun = 0
        self.finish = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}/result.mp4"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def close(self) -> None:
        self.finish.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        link = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Length", str(len(DOWNLOAD)))
                self.end_headers()
                half = len(DOWNLOAD) // 2
                self.wfile.write(DOWNLOAD[:half])
                self.wfile.flush()
                link.begun += 1
                link.finish.wait(TOO_LONG)
                try:
                    self.wfile.write(DOWNLOAD[half:])
                except OSError:
                    self.close_connection = True  # the client is gone

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
                pass

        return Handler


@pytest.fixture
def slow_link() -> Iterator[SlowLink]:
    link = SlowLink()
    try:
        yield link
    finally:
        link.close()
