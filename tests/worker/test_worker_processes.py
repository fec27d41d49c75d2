"""Worker processes: they stop in order, share budgets and queue, and survive database outages."""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import psycopg
import pytest
from django.db import connection, transaction
from django.utils import timezone
from procrastinate.contrib.django import app
from procrastinate.contrib.django.django_connector import DjangoConnector

from tests.conftest import GOOD_BODY, Caller, MakeTask, Sandbox, order_video, payload_of
from tests.support import worker_process
from tests.support.fork_server import ForkServer
from tests.support.worker_process import (
    DOWNLOAD,
    TOO_LONG,
    SlowLink,
    Workers,
    age_heartbeats,
    ask,
    child_environment,
    closings,
    jobs,
    silent_database,
    submissions_held,
    verbs,
    wait_for,
    wait_for_sweep,
    wait_for_ticks,
    wait_until,
)
from videos.models import Task, UpstreamAccount, UpstreamBudget
from videos.queueing import Job, enqueue
from videos.routing.rate_limits import HORIZON, UpstreamCall, reserve
from videos.states import Status

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.processes
workers, slow_link = worker_process.workers, worker_process.slow_link  # the fixtures


# SIGTERM


def test_sigterm_waits_for_the_answer_to_a_submission(
    workers: Workers, sandbox_account: UpstreamAccount, sandbox: Sandbox, owner: Caller
) -> None:
    sandbox.script("create", "delay", seconds=0.7)
    worker = workers.start(UPSTREAM_CREATE_TIMEOUT="5")
    task = wait_for(ask(owner), Status.SUBMITTING)
    worker.terminate()
    assert worker.ended() == 0
    task.refresh_from_db()
    assert (task.state, len(sandbox.tasks())) == (Status.RUNNING, 1)
    assert jobs(Job.SUBMIT, "doing") == []


def test_sigterm_waits_for_a_download(
    workers: Workers,
    sandbox_account: UpstreamAccount,
    make_task: MakeTask,
    slow_link: SlowLink,
    results_folder: Path,
) -> None:
    task = make_task(Status.STORING, now=timezone.now(), result_link=slow_link.url)
    worker = workers.start()
    wait_until("a download", lambda: slow_link.begun == 1)
    worker.terminate()
    with pytest.raises(subprocess.TimeoutExpired):
        worker.ended(0.5)
    slow_link.finish.set()
    assert worker.ended() == 0
    task.refresh_from_db()
    assert task.state is Status.SUCCEEDED
    assert (results_folder / task.media_name).read_bytes() == DOWNLOAD


def test_a_worker_stopped_while_it_connects_exits(transactional_db: None, tmp_path: Path) -> None:
    """No step is running, so it does not use the grace period."""
    checked_at_the_start = 1
    with silent_database(tmp_path, connections=checked_at_the_start) as (url, silent):
        settings = child_environment(DATABASE_URL=url, SHUTDOWN_SECONDS="3600")
        with subprocess.Popen([sys.executable, "manage.py", "worker"], env=settings, cwd=ROOT) as worker:
            try:
                assert silent.wait(TOO_LONG)
                worker.terminate()
                assert worker.wait(TOO_LONG) == 0
            finally:
                worker.kill()


def test_a_submission_longer_than_the_grace_period_is_in_doubt_at_once(
    workers: Workers, sandbox_account: UpstreamAccount, sandbox: Sandbox, owner: Caller
) -> None:
    sandbox.script("create", "delay", seconds=30)
    worker = workers.start("--shutdown-graceful-timeout", "0.2", UPSTREAM_CREATE_TIMEOUT="40")
    task = wait_for(ask(owner), Status.SUBMITTING)
    wait_until("the call", lambda: sandbox.tasks())
    worker.terminate()
    assert worker.ended(25) == 0  # long before the answer
    task.refresh_from_db()
    assert task.state is Status.IN_DOUBT
    assert "cut off" in task.events.get(verb="in_doubt").detail["message"]


def test_a_download_longer_than_the_grace_period_is_taken_over_at_once(
    workers: Workers, sandbox_account: UpstreamAccount, make_task: MakeTask, slow_link: SlowLink
) -> None:
    task = make_task(Status.STORING, now=timezone.now(), result_link=slow_link.url)
    worker = workers.start("--shutdown-graceful-timeout", "0.2")
    wait_until("a download", lambda: slow_link.begun == 1)
    worker.terminate()
    assert worker.ended(25) == 0  # long before the answer
    task.refresh_from_db()
    assert task.state is Status.STORING
    assert task.due_at <= timezone.now()
    slow_link.finish.set()
    workers.start()
    wait_for(task, Status.SUCCEEDED)
    assert (slow_link.begun, closings(task)) == (2, 1)


# Queueing


@contextmanager
def a_task_that_rolls_back(queue: Callable[[], object]) -> Iterator[None]:
    """A job in the test's own queue that queues another job in a transaction and then fails."""

    def roll_back() -> None:
        try:
            with transaction.atomic():
                queue()
                raise RuntimeError("rolled back")
        finally:
            connection.close()  # of this thread

    app.task(name="roll_back", queue="rolled_back")(roll_back)
    try:
        yield
    finally:
        del app.tasks["roll_back"]


def run_worker_until_idle() -> None:
    """Run a worker in this process, for the test's own queue."""

    async def run() -> None:
        async with app.open_async():
            await app.configure_task("roll_back", queue="rolled_back").defer_async()
            await app.run_worker_async(
                queues=["rolled_back"], wait=False, install_signal_handlers=False, listen_notify=False
            )

    with app.replace_connector(DjangoConnector().get_worker_connector()):
        asyncio.run(run())


@pytest.mark.usefixtures("workers")
def test_a_job_queued_in_a_transaction_inside_a_worker_is_rolled_back_with_it() -> None:
    with a_task_that_rolls_back(lambda: enqueue(Job.STORE, task_id="of a rolled back row")):
        run_worker_until_idle()
    assert jobs(Job("store"), "todo") == []


@pytest.mark.usefixtures("workers")
def test_procrastinates_own_defer_would_keep_the_job() -> None:
    """The reason for `queueing.enqueue`, which is not needed any more if this fails."""
    with a_task_that_rolls_back(lambda: app.configure_task("store", queue="store").defer(task_id="a row")):
        run_worker_until_idle()
    assert len(jobs(Job.STORE, "todo")) == 1


# Budgets

RESERVING = """
import json, time
from django.db import connection, transaction
from videos.routing import rate_limits
from videos.models import UpstreamAccount, UpstreamBudget
account = UpstreamAccount.objects.get()
gap, grants = 1 / account.creates_per_second, []
print("ready", flush=True)
connection.cursor().execute("SELECT pg_advisory_lock_shared(1)")
while len(grants) < 4:
    with transaction.atomic():
        slots = rate_limits.reserve(account, rate_limits.UpstreamCall.CREATE, 3)
        row = UpstreamBudget.objects.get(account=account, action="create")
    ahead, first = time.time() - time.monotonic(), row.next_at.timestamp() - len(slots) * gap
    grants += [[first + gap * place, ahead + slot] for place, slot in enumerate(slots)]
    time.sleep(0.01)
print(json.dumps(grants), flush=True)
"""


@pytest.mark.usefixtures("transactional_db")
def test_a_budget_shared_by_processes_is_never_exceeded(
    account: UpstreamAccount, fork_server: ForkServer, tmp_path: Path
) -> None:
    command = ["manage.py", "shell", "--no-imports", "-c", RESERVING]
    logs = [tmp_path / f"{number}.log" for number in range(4)]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(1)")  # so that all of them begin at the same moment
        processes = [fork_server.start(command, child_environment(), log) for log in logs]
        wait_until("all are ready", lambda: all(log.exists() and "ready" in log.read_text() for log in logs))
        cursor.execute("SELECT pg_advisory_unlock(1)")
    assert [process.wait(TOO_LONG) for process in processes] == [0] * 4
    answers = [json.loads(log.read_text().splitlines()[-1]) for log in logs]
    grants = sorted(grant for answer in answers for grant in answer)
    for reserved, returned in grants:
        assert returned - reserved >= -0.001, "later than reserved only by the latency of the answer"
    slots = [reserved for reserved, _ in grants]
    gap = 1 / account.creates_per_second
    assert min(after - before for before, after in pairwise(slots)) >= gap - 0.001
    assert max(sum(0 <= slot - start < 1 for slot in slots) for start in slots) <= 9 + 1


def test_an_idle_budget_gives_no_slot_twice(account: UpstreamAccount) -> None:
    """The clock advances while the database computes how many slots fit."""
    gap = 1 / account.creates_per_second

    def reserved(wanted: int, horizon: timedelta) -> list[float]:
        # From the row: the returned times include the latency of the answer.
        count = len(reserve(account, UpstreamCall.CREATE, wanted, horizon))
        end = UpstreamBudget.objects.get().next_at.timestamp()
        return [end - gap * ahead for ahead in range(count, 0, -1)]

    for _ in range(50):
        UpstreamBudget.objects.update(next_at=timezone.now() - timedelta(seconds=5))
        slots = reserved(20, HORIZON) + reserved(2, timedelta(seconds=2))
        assert len(slots) >= 12
        assert min(after - before for before, after in pairwise(slots)) >= gap - 0.0001


# Several workers


def test_two_workers_share_the_queue_and_tenants_take_turns(
    workers: Workers, sandbox_account: UpstreamAccount, sandbox: Sandbox, owner: Caller, stranger: Caller
) -> None:
    asked = [order_video(owner, {**GOOD_BODY, "prompt": f"owner {number}"}) for number in range(27)]
    asked += [order_video(stranger, {**GOOD_BODY, "prompt": f"stranger {number}"}) for number in range(3)]
    workers.start()
    workers.start()
    wait_until("30 videos", lambda: Task.objects.filter(status=Status.SUCCEEDED).count() == len(asked))
    prompts = [made["prompt"] for made in sandbox.tasks()]
    assert sorted(prompts) == sorted(payload_of(task)["Prompt"] for task in asked)
    assert sandbox.state()["refused_for_limits"] == 0
    # Workers of a busy machine may send a task later than one that they took after it.
    assert {f"stranger {number}" for number in range(3)} <= set(prompts[:15])
    assert all(closings(task) == 1 for task in asked)


# Jobs of dead workers


def test_a_job_of_a_dead_worker_is_taken_over(
    workers: Workers, sandbox_account: UpstreamAccount, sandbox: Sandbox, owner: Caller
) -> None:
    task = ask(owner)
    worker = workers.start()
    with submissions_held(sandbox_account):
        [stalled] = wait_until("a job to submit in hand", lambda: jobs(Job.SUBMIT, "doing"))[:1]
        worker.kill()
    assert stalled in jobs(Job.SUBMIT, "doing")
    age_heartbeats()
    workers.start()
    wait_until("the job is gone", lambda: stalled not in jobs(Job.SUBMIT, "doing"))
    wait_for(task, Status.SUCCEEDED)
    assert len(sandbox.tasks()) == 1


def test_many_jobs_of_a_dead_worker_do_not_stop_the_sweep(
    workers: Workers, sandbox_account: UpstreamAccount, sandbox: Sandbox, owner: Caller
) -> None:
    """Each tick queued a job for the same account and all were taken, but only one can be requeued."""
    task = ask(owner)
    worker = workers.start()
    with submissions_held(sandbox_account):
        wait_until("jobs to submit in hand", lambda: len(jobs(Job.SUBMIT, "doing")) >= 3)
        worker.kill()
    age_heartbeats()
    stalled = set(jobs(Job.SUBMIT, "doing"))
    workers.start()
    wait_for_sweep()
    wait_until("the jobs are gone", lambda: not stalled & set(jobs(Job.SUBMIT, "doing")))
    assert jobs(Job.SWEEP, "failed") == []
    wait_for(task, Status.SUCCEEDED)
    assert len(sandbox.tasks()) == 1


# Database outages


def end_connections(server: psycopg.Connection) -> None:
    """End all other connections to the test database."""
    server.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> %s",
        [connection.settings_dict["NAME"], connection.connection.info.backend_pid],
    )


@pytest.fixture
def server(transactional_db: None) -> Iterator["psycopg.Connection[tuple[object, ...]]"]:
    """A connection to the server outside the test database."""
    connection.ensure_connection()
    parameters = connection.get_connection_params()
    wanted = {name: parameters[name] for name in ("host", "port", "user", "password") if parameters.get(name)}
    with psycopg.connect(dbname="postgres", autocommit=True, **wanted) as opened:
        yield opened


def test_a_worker_survives_lost_connections(
    workers: Workers,
    sandbox_account: UpstreamAccount,
    sandbox: Sandbox,
    owner: Caller,
    server: "psycopg.Connection[tuple[object, ...]]",
) -> None:
    worker = workers.start()
    tasks = [ask(owner)]
    wait_for(tasks[0], Status.RUNNING)
    for _ in range(2):
        end_connections(server)
        tasks.append(ask(owner))
        wait_for_ticks(1)
    for task in tasks:
        wait_for(task, Status.SUCCEEDED)
    assert worker.process.poll() is None
    assert len(sandbox.tasks()) == len(tasks)


def test_an_answer_received_while_the_database_is_down_is_recorded_later(
    workers: Workers,
    sandbox_account: UpstreamAccount,
    sandbox: Sandbox,
    owner: Caller,
    server: "psycopg.Connection[tuple[object, ...]]",
) -> None:
    sandbox.script("create", "delay", seconds=0.5)
    worker = workers.start(UPSTREAM_CREATE_TIMEOUT="5")
    task = wait_for(ask(owner), Status.SUBMITTING)
    wait_until("the call", lambda: sandbox.tasks())
    name = connection.settings_dict["NAME"]
    server.execute(f'ALTER DATABASE "{name}" WITH ALLOW_CONNECTIONS false')
    try:
        end_connections(server)
        back = time.monotonic() + 0.8
        wait_until("a while", lambda: time.monotonic() > back)
        task.refresh_from_db()
        assert task.state is Status.SUBMITTING
    finally:
        server.execute(f'ALTER DATABASE "{name}" WITH ALLOW_CONNECTIONS true')
    wait_for(task, Status.SUCCEEDED)
    assert "in_doubt" not in verbs(task)
    assert len(sandbox.tasks()) == 1
    assert worker.is_alive
