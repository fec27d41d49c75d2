"""A worker killed at any transition loses no task and never pays twice."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from tests.conftest import Caller, MakeTask, Sandbox
from tests.support import worker_process
from tests.support.worker_process import (
    DOWNLOAD,
    SlowLink,
    Workers,
    ask,
    closings,
    jobs,
    submissions_held,
    verbs,
    wait_for,
    wait_for_sweep,
    wait_for_ticks,
    wait_until,
)
from videos.local.processes import free_port
from videos.models import Task, UpstreamAccount
from videos.queueing import Job
from videos.states import Status

pytestmark = pytest.mark.processes
workers, slow_link = worker_process.workers, worker_process.slow_link  # the fixtures


def wait_for_call(sandbox: Sandbox, action: str) -> None:
    """Wait until upstream is processing a call."""
    name = {"create": "CreateAigcVideoTask", "describe": "DescribeAigcVideoTask"}[action]
    wait_until(f"a {action}", lambda: any(name in arrival for arrival in sandbox.state()["arrivals"]))


def wait_until_given_up(task: Task) -> None:
    task.refresh_from_db()
    wait_until("the end of the lease", lambda: timezone.now() > task.due_at)


def creates(sandbox: Sandbox) -> int:
    """The number of create calls upstream received."""
    return sum(arrival[1] == "CreateAigcVideoTask" for arrival in sandbox.state()["arrivals"])


def assert_done_once(task: Task, sandbox: Sandbox, results: Path) -> None:
    """Check that our task succeeded, upstream made one task, and the video is stored."""
    assert task.state is Status.SUCCEEDED
    assert [made["task_id"] for made in sandbox.tasks()] == [task.upstream_task_id]
    assert closings(task) == 1
    assert (results / task.media_name).stat().st_size == task.media_bytes


def assert_in_doubt_for_good(task: Task, sandbox: Sandbox) -> None:
    """Check that neither a tick nor a sweep submits it again."""
    wait_for_ticks(2)
    wait_for_sweep()
    task.refresh_from_db()
    assert (task.state, task.attempts, creates(sandbox)) == (Status.IN_DOUBT, 1, 1)
    assert verbs(task).count("in_doubt") == 1
    assert "in doubt" in task.attention_label


def test_a_task_created_without_workers_is_made_once_a_worker_starts(
    workers: Workers, sandbox_account: UpstreamAccount, sandbox: Sandbox, owner: Caller, results_folder: Path
) -> None:
    task = ask(owner)
    workers.start()
    assert_done_once(wait_for(task, Status.SUCCEEDED), sandbox, results_folder)


def test_a_worker_killed_before_it_claims_the_task_loses_nothing(
    workers: Workers, sandbox_account: UpstreamAccount, sandbox: Sandbox, owner: Caller, results_folder: Path
) -> None:
    task = ask(owner)
    worker = workers.start()
    with submissions_held(sandbox_account):
        wait_until("a job to submit in hand", lambda: jobs(Job.SUBMIT, "doing"))
        worker.kill()
    task.refresh_from_db()
    assert (task.state, task.attempts, creates(sandbox)) == (Status.QUEUED, 0, 0)
    workers.start()
    assert_done_once(wait_for(task, Status.SUCCEEDED), sandbox, results_folder)


@pytest.mark.parametrize("accepted", [False, True])
def test_a_submission_interrupted_is_in_doubt_whether_upstream_received_it_or_not(
    accepted: bool, workers: Workers, sandbox_account: UpstreamAccount, sandbox: Sandbox, owner: Caller
) -> None:
    sandbox.script("create", "hang", accepted=accepted, seconds=5)
    worker = workers.start()
    task = ask(owner)
    wait_for_call(sandbox, "create")
    worker.kill()
    task.refresh_from_db()
    assert task.state is Status.SUBMITTING
    workers.start()
    wait_until_given_up(task)
    wait_for_sweep()
    assert_in_doubt_for_good(task, sandbox)
    assert len(sandbox.tasks()) == (1 if accepted else 0)


def test_an_answer_under_way_when_the_worker_dies_is_not_requested_again(
    workers: Workers, sandbox_account: UpstreamAccount, sandbox: Sandbox, owner: Caller
) -> None:
    sandbox.script("create", "delay", seconds=0.5)
    worker = workers.start()
    task = ask(owner)
    wait_for_call(sandbox, "create")
    worker.kill()
    workers.start()
    wait_until_given_up(task)
    wait_for_sweep()
    assert_in_doubt_for_good(task, sandbox)
    assert len(sandbox.tasks()) == 1


def test_a_running_task_is_polled_by_the_next_worker(
    workers: Workers, sandbox_account: UpstreamAccount, sandbox: Sandbox, owner: Caller, results_folder: Path
) -> None:
    sandbox.script("create", "never_end")
    worker = workers.start()
    task = wait_for(ask(owner), Status.RUNNING)
    worker.kill()
    looks = sandbox.tasks()[0]["describes"]
    workers.start()
    wait_until("another look", lambda: sandbox.tasks()[0]["describes"] > looks)
    assert wait_for(task, Status.RUNNING)
    sandbox.finish()
    assert_done_once(wait_for(task, Status.SUCCEEDED), sandbox, results_folder)


def test_an_interrupted_poll_is_repeated(
    workers: Workers, sandbox_account: UpstreamAccount, sandbox: Sandbox, owner: Caller, results_folder: Path
) -> None:
    sandbox.script("describe", "hang", seconds=5)
    worker = workers.start()
    task = ask(owner)
    wait_for_call(sandbox, "describe")
    worker.kill()
    task.refresh_from_db()
    assert task.state is Status.RUNNING
    workers.start()
    assert_done_once(wait_for(task, Status.SUCCEEDED), sandbox, results_folder)


def test_an_interrupted_download_starts_again_and_the_file_is_complete(
    workers: Workers,
    sandbox_account: UpstreamAccount,
    make_task: MakeTask,
    slow_link: SlowLink,
    results_folder: Path,
) -> None:
    task = make_task(Status.STORING, now=timezone.now(), result_link=slow_link.url)
    worker = workers.start()
    wait_until("a download", lambda: slow_link.begun == 1)
    worker.kill()
    task.refresh_from_db()
    assert task.state is Status.STORING
    Task.objects.update(due_at=timezone.now())  # its lease of 30 seconds has expired
    slow_link.finish.set()
    workers.start()
    wait_for(task, Status.SUCCEEDED)
    assert [file.read_bytes() for file in results_folder.rglob("*") if file.is_file()] == [DOWNLOAD]
    assert (results_folder / task.media_name).is_file()
    assert closings(task) == 1


@pytest.mark.parametrize("reason", ["not reached", "throttled"])
def test_a_task_waiting_for_a_retry_gets_it_from_the_next_worker(
    reason: str,
    workers: Workers,
    sandbox_account: UpstreamAccount,
    sandbox: Sandbox,
    owner: Caller,
    results_folder: Path,
) -> None:
    if reason == "throttled":
        sandbox.script("create", "throttle")
    else:
        UpstreamAccount.objects.update(endpoint=f"http://127.0.0.1:{free_port(0)}")
    worker = workers.start()
    task = ask(owner)
    wait_until("an attempt in vain", lambda: "requeue" in verbs(task))
    worker.kill()
    UpstreamAccount.objects.update(endpoint=sandbox.url)
    requeued = task.events.get(verb="requeue")
    task.refresh_from_db()
    assert (task.state, task.attempts) == (Status.QUEUED, 1)
    assert task.due_at - requeued.at == timedelta(seconds=1)
    workers.start()
    assert_done_once(wait_for(task, Status.SUCCEEDED), sandbox, results_folder)
    assert task.attempts == 2


@pytest.mark.parametrize(
    ("script", "code", "message"),
    [
        (
            {"do": "refuse", "code": "InvalidParameterValue", "message": "Prompt is too long."},
            "upstream_rejected",
            "Prompt is too long.",
        ),
        ({"do": "fail", "message": "Generation failed."}, "generation_failed", "Generation failed."),
    ],
)
def test_a_failure_is_final(
    script: dict[str, Any],
    code: str,
    message: str,
    workers: Workers,
    sandbox_account: UpstreamAccount,
    sandbox: Sandbox,
    owner: Caller,
) -> None:
    sandbox.script("create", **script)
    worker = workers.start()
    task = wait_for(ask(owner), Status.FAILED)
    worker.kill()
    assert (task.failure_code, task.failure_message) == (code, message)
    happened, asked = verbs(task), creates(sandbox)
    workers.start()
    wait_for_sweep()
    wait_for_ticks(2)
    assert verbs(task) == happened
    assert (closings(task), creates(sandbox)) == (1, asked)


@pytest.mark.parametrize(("verb", "made"), [("drop_after_accept", 1), ("drop_before", 0)])
def test_a_connection_lost_before_the_answer_leaves_the_task_in_doubt(
    verb: str, made: int, workers: Workers, sandbox_account: UpstreamAccount, sandbox: Sandbox, owner: Caller
) -> None:
    sandbox.script("create", verb)
    workers.start()
    task = wait_for(ask(owner), Status.IN_DOUBT)
    assert_in_doubt_for_good(task, sandbox)
    assert len(sandbox.tasks()) == made
