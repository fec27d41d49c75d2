"""The steps of the worker against the sandbox and against misbehaving servers."""

import asyncio
import io
import json
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from django.conf import LazySettings
from django.db import DatabaseError, connection, connections

from config import stores
from config.stores.base import Full, Readable, Saved
from config.stores.folder import FolderStore
from tests.conftest import NOW, MakeTask, Sandbox, claim_next, round_of, wanted
from tests.support.kept import content_of, kept
from tests.support.playable import padded
from videos.files import storing
from videos.local.processes import free_port
from videos.models import AccountState, Task, UpstreamAccount
from videos.results.files import VIDEO, media_name
from videos.routing import health
from videos.routing.breaker import Condition
from videos.routing.rate_limits import UpstreamCall
from videos.states import Status
from videos.tasks import lifecycle
from videos.tasks.failures import FailureCode
from videos.tasks.lifecycle import STORE_LEASE
from videos.upstream.base import AccountRefused
from videos.worker import poll, store, submit, sweep, tick
from videos.worker.pacing import Gate

LATER = NOW + timedelta(seconds=10)
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture(autouse=True)
def _no_jobs(db: None) -> None:
    """Delete jobs of committing tests, which Django's flush leaves."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")


def jobs() -> list[tuple[str, dict[str, Any]]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT task_name, args::text FROM procrastinate_jobs ORDER BY id")
        return [(name, json.loads(arguments)) for name, arguments in cursor.fetchall()]


def now_gate(account: UpstreamAccount, action: UpstreamCall) -> Gate:
    return Gate(account, action, time.monotonic())


def submit_one(account: UpstreamAccount, now: datetime = LATER) -> None:
    asyncio.run(
        submit.submit_next(account, round_of(account), now_gate(account, UpstreamCall.CREATE), lambda: now)
    )


def look_at(task: Task, now: datetime = LATER) -> Task:
    """Poll the task; returns it updated."""
    seen = Task.objects.select_related("account__state").get(pk=task.pk)
    assert seen.account is not None
    gate = now_gate(seen.account, UpstreamCall.DESCRIBE)
    asyncio.run(poll.look(seen.account, seen, gate, lambda: now))
    return reread(task)


def fetch(task: Task, now: datetime = LATER) -> Task:
    asyncio.run(store.store(task.pk, lambda: now))
    return reread(task)


def reread(task: Task) -> Task:
    return Task.objects.select_related("account__state").get(pk=task.pk)


def verbs(task: Task) -> list[str]:
    return list(task.events.values_list("verb", flat=True))


def version(task: Task) -> int:
    """Changes with every UPDATE of the row."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT xmin::text::bigint FROM videos_task WHERE id = %s", [task.pk])
        return int(cursor.fetchone()[0])


def accept(sandbox: Sandbox, task: Task, **script: Any) -> Task:
    """Submit the queued task to the sandbox."""
    if script:
        sandbox.script("create", **script)
    submit_one(UpstreamAccount.objects.get())
    accepted = reread(task)
    assert accepted.status == Status.RUNNING
    return accepted


# --- submit


pytestmark = pytest.mark.usefixtures("database_threads")


def test_an_accepted_task_runs_under_upstreams_id(
    sandbox: Sandbox, sandbox_account: UpstreamAccount, make_task: MakeTask
) -> None:
    task = make_task()
    submit_one(sandbox_account)
    task = reread(task)
    [upstream] = sandbox.tasks()
    assert (task.status, task.upstream_task_id) == (Status.RUNNING, upstream["task_id"])
    assert upstream["payload"] == task.payload
    assert task.accepted_at == LATER
    assert task.due_at > LATER
    assert verbs(task) == ["claim", "accepted"]


def test_with_an_empty_queue_nothing_is_sent(sandbox: Sandbox, sandbox_account: UpstreamAccount) -> None:
    submit_one(sandbox_account)
    assert wanted(sandbox_account, LATER) == 0
    assert sandbox.state()["arrivals"] == []


def test_slots_are_reserved_only_for_queued_tasks_that_are_due(
    account: UpstreamAccount, make_task: MakeTask
) -> None:
    for due_at in (NOW, NOW, LATER + timedelta(seconds=1)):
        make_task(due_at=due_at)
    make_task(Status.RUNNING)
    assert wanted(account, LATER) == 2


REFUSALS = [
    ("InvalidParameter.ModelNotSupported", "No such model.", FailureCode.UPSTREAM_REJECTED),
    ("InvalidParameter.InvalidUrl", "A bad link.", FailureCode.UPSTREAM_REJECTED),
    ("InvalidParameterValue.DurationTooLong", "Too long.", FailureCode.UPSTREAM_REJECTED),
    ("InvalidParameterValue.Resolution", "Too large.", FailureCode.UPSTREAM_REJECTED),
    ("ResourceNotFound.DownloadError", "No picture there.", FailureCode.UPSTREAM_REJECTED),
    ("ResourceNotFound.CosBucketNotExist", "No bucket.", FailureCode.UPSTREAM_REJECTED),
    ("UnknownParameter", "No such field.", FailureCode.UPSTREAM_REJECTED),
    ("RequestSizeLimitExceeded", "Too much.", FailureCode.UPSTREAM_REJECTED),
    ("InvalidParameter.ViolationContent", "Not this.", FailureCode.CONTENT_POLICY_VIOLATION),
    ("InvalidParameterValue", "Input Prompt violates policy", FailureCode.CONTENT_POLICY_VIOLATION),
    ("FailedOperation", "输入内容违规", FailureCode.CONTENT_POLICY_VIOLATION),
]


ABOUT_THE_REQUEST = ("InvalidParameter", "MissingParameter", "ResourceNotFound.DownloadError")
"""Codes whose messages tenants may see; others are about our account."""


@pytest.mark.parametrize(("code", "message", "failure"), REFUSALS, ids=[code for code, _, _ in REFUSALS])
def test_a_refused_task_fails_with_the_reason(
    code: str,
    message: str,
    failure: FailureCode,
    sandbox: Sandbox,
    sandbox_account: UpstreamAccount,
    make_task: MakeTask,
) -> None:
    sandbox.script("create", "refuse", code=code, message=message)
    task = make_task()
    submit_one(sandbox_account)
    task = reread(task)
    is_theirs = code.startswith(ABOUT_THE_REQUEST)
    is_theirs |= failure is FailureCode.CONTENT_POLICY_VIOLATION
    shown = message if is_theirs else "The upstream provider did not accept this request."
    assert bool(task.attention) is not is_theirs
    assert (task.status, task.failure_code, task.failure_message) == (Status.FAILED, failure, shown)
    detail = task.events.last().detail["upstream"]  # type: ignore[union-attr]  # it has two
    assert (detail["code"], detail["message"]) == (code, message)
    assert detail["request_id"]


ACCOUNT_CODES = [
    "AuthFailure.SecretIdNotFound",
    "AuthFailure.SignatureExpire",
    "AuthFailure.SignatureFailure",
    "AuthFailure.UnauthorizedOperation",
    "FailedOperation.InvalidMpsUser",
    "FailedOperation.InvalidVodUser",
    "FailedOperation.NoPrivileges",
    "FailedOperation.UserArrears",
    "InvalidParameterValue.UserUnRegister",
    "IpInBlacklist",
    "IpNotInWhitelist",
    "ResourceNotFound.UserUnregister",
    "UnauthorizedOperation",
    "UnsupportedRegion",
]
"""Codes about our account with upstream, whatever was requested."""


@pytest.mark.parametrize("code", ACCOUNT_CODES)
def test_a_task_waits_while_upstream_refuses_our_account(
    code: str, sandbox: Sandbox, sandbox_account: UpstreamAccount, make_task: MakeTask
) -> None:
    sandbox.script("create", "refuse", code=code, message="Account 100012345678 is not welcome.", times=1)
    task = make_task(turn=4)
    submit_one(sandbox_account)
    task = reread(task)
    assert (task.status, task.turn, task.failure_code) == (Status.QUEUED, 4, "")
    assert (task.due_at, task.attention) == (LATER, "")
    assert task.events.last().detail["code"] == code  # type: ignore[union-attr]  # it has two
    state = AccountState.objects.get()
    assert (state.condition, state.reason) == (Condition.OPEN, code)
    assert "100012345678" in state.message
    assert wanted(sandbox_account, LATER + timedelta(days=1)) == 0
    health.close(sandbox_account.pk)
    submit_one(sandbox_account)
    assert reread(task).status == Status.RUNNING
    assert len(sandbox.tasks()) == 1


def test_a_failure_message_contains_no_private_data(
    sandbox: Sandbox, sandbox_account: UpstreamAccount, make_task: MakeTask
) -> None:
    sandbox.script("create", "refuse", code="InvalidParameter", message="Object 100012345678 is no picture.")
    task = make_task()
    submit_one(sandbox_account)
    assert reread(task).failure_message == "Object … is no picture."


def test_an_error_about_our_balance_is_not_shown_to_the_tenant(
    sandbox: Sandbox, sandbox_account: UpstreamAccount, make_task: MakeTask
) -> None:
    sandbox.script("create", "refuse", code="InvalidParameter", message="Account 100012345678 owes.")
    task = make_task()
    submit_one(sandbox_account)
    task = reread(task)
    assert task.failure_message == "The upstream provider did not accept this request."
    assert "because of the account" in task.attention_label


def test_credentials_that_cannot_be_sent_cause_no_doubt(
    sandbox: Sandbox, sandbox_account: UpstreamAccount, make_task: MakeTask
) -> None:
    UpstreamAccount.objects.filter(pk=sandbox_account.pk).update(secret_id="AKID\u2014copied")
    task = make_task()
    submit_one(UpstreamAccount.objects.get(pk=sandbox_account.pk))
    task = reread(task)
    assert task.status == Status.QUEUED
    assert task.events.last().detail["error"] == "NotSent"  # type: ignore[union-attr]  # it has some
    assert AccountState.objects.get().condition == Condition.OPEN
    assert sandbox.state()["arrivals"] == []


def test_a_disabled_account_does_not_submit(account: UpstreamAccount, make_task: MakeTask) -> None:
    make_task()
    make_task(Status.RUNNING)
    UpstreamAccount.objects.filter(pk=account.pk).update(is_enabled=False)
    tick.start_due_work(LATER)
    assert {name for name, _ in jobs()} == {"poll", "submit"}
    account.refresh_from_db()
    assert wanted(account, LATER) == 0
    UpstreamAccount.objects.filter(pk=account.pk).update(is_enabled=True)
    assert wanted(account, LATER) == 1


LATE_CODES = [
    "RequestLimitExceeded",
    "RequestLimitExceeded.UinLimitExceeded",
    "LimitExceeded.CreateTask",
    "ResourceInsufficient",
    "ResourceUnavailable.X",
]


@pytest.mark.parametrize("code", LATE_CODES)
def test_a_throttled_task_keeps_its_turn(
    code: str, sandbox: Sandbox, sandbox_account: UpstreamAccount, make_task: MakeTask
) -> None:
    sandbox.script("create", "refuse", code=code)
    task = make_task(turn=4)
    submit_one(sandbox_account)
    task = reread(task)
    assert (task.status, task.turn, task.due_at) == (Status.QUEUED, 4, LATER + timedelta(seconds=1))
    assert task.events.last().detail["code"] == code  # type: ignore[union-attr]  # it has two
    assert sandbox.tasks() == []


@pytest.mark.parametrize(
    ("attempts", "seconds"), [(0, 1), (1, 2), (2, 4), (3, 8), (4, 15), (6, 60), (500, 60)]
)
def test_each_retry_waits_longer(
    attempts: int, seconds: int, sandbox: Sandbox, sandbox_account: UpstreamAccount, make_task: MakeTask
) -> None:
    sandbox.script("create", "throttle")
    task = make_task(attempts=attempts)
    submit_one(sandbox_account)
    assert reread(task).due_at == LATER + timedelta(seconds=seconds)


@pytest.mark.parametrize("host", ["127.0.0.1", "nowhere.invalid"])
def test_a_task_that_was_not_received_is_retried(
    host: str, account: UpstreamAccount, make_task: MakeTask
) -> None:
    account.endpoint = f"http://{host}:{free_port(0)}"
    account.save()
    task = make_task()
    submit_one(account)
    task = reread(task)
    assert (task.status, task.attempts) == (Status.QUEUED, 1)
    assert task.events.last().detail["error"] == "Unavailable"  # type: ignore[union-attr]  # it has two


DOUBTS: list[tuple[str, dict[str, Any]]] = [
    ("drop_before", {}),
    ("drop_after_accept", {}),
    ("hang", {"seconds": 0.6}),
    ("malformed", {}),
    ("http_status", {"status": 502}),
    ("http_status", {"status": 502, "accepted": True}),
    ("http_status", {"status": 200, "body": '{"Response": {"RequestId": "r"}}'}),
    ("http_status", {"status": 200, "body": '{"Response": {"TaskId": "", "RequestId": "r"}}'}),
    ("http_status", {"status": 200, "body": '{"Response": {"TaskId": null}}'}),
    ("http_status", {"status": 200, "body": "[]"}),
    ("http_status", {"status": 302, "body": ""}),
    ("refuse", {"code": "InternalError"}),
    ("refuse", {"code": "InternalError.DBError"}),
    ("refuse", {"code": "ServiceUnavailable"}),
    ("refuse", {"code": "NeverHeardOf.It"}),
]


@pytest.mark.parametrize(("do", "arguments"), DOUBTS, ids=[f"{do} {arguments}" for do, arguments in DOUBTS])
def test_a_task_whose_answer_is_lost_is_in_doubt_and_never_sent_again(
    do: str,
    arguments: dict[str, Any],
    sandbox: Sandbox,
    sandbox_account: UpstreamAccount,
    make_task: MakeTask,
    settings: LazySettings,
) -> None:
    settings.UPSTREAM_CREATE_TIMEOUT = 0.8
    sandbox.script("create", do, **arguments)
    task = make_task()
    submit_one(sandbox_account)
    task = reread(task)
    assert (task.status, bool(task.attention)) == (Status.IN_DOUBT, True)
    assert task.events.last().detail["error"] == "OutcomeUnknown"  # type: ignore[union-attr]  # it has two
    submit_one(sandbox_account, LATER + timedelta(days=1))
    assert len(sandbox.state()["arrivals"]) == 1


class ClosedGate(Gate):
    """A gate that never opens: the process ends before its slot."""

    def __init__(self, account: UpstreamAccount) -> None:
        super().__init__(account, UpstreamCall.CREATE, time.monotonic())
        self.reached = asyncio.Event()

    async def opens(self) -> None:
        self.reached.set()
        await asyncio.Event().wait()


def test_a_submission_interrupted_during_the_call_is_in_doubt(
    account: UpstreamAccount, make_task: MakeTask
) -> None:
    task, port = make_task(), free_port(0)
    account.endpoint = f"http://127.0.0.1:{port}"
    account.save()

    async def work() -> None:
        received = asyncio.Event()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            received.set()
            await reader.read()
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", port)
        await _cut_off(
            submit.submit_next(
                account, round_of(account), now_gate(account, UpstreamCall.CREATE), lambda: LATER
            ),
            received,
        )
        server.close()

    asyncio.run(work())
    assert reread(task).status == Status.IN_DOUBT


def test_a_submission_interrupted_before_its_slot_is_requeued(
    account: UpstreamAccount, make_task: MakeTask
) -> None:
    # Not received: nothing was sent yet.
    task = make_task()

    async def work() -> None:
        gate = ClosedGate(account)
        await _cut_off(submit.submit_next(account, round_of(account), gate, lambda: LATER), gate.reached)

    asyncio.run(work())
    assert reread(task).status == Status.QUEUED


async def _cut_off(step: Coroutine[Any, Any, None], moment: asyncio.Event) -> None:
    running = asyncio.create_task(step)
    await moment.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


def _accept_late(account: UpstreamAccount, meanwhile: Callable[[], object]) -> None:
    """Run something while the answer of an acceptance is under way."""

    async def work() -> None:
        step = asyncio.create_task(
            submit.submit_next(
                account, round_of(account), now_gate(account, UpstreamCall.CREATE), lambda: LATER
            )
        )
        await asyncio.sleep(0.3)
        await asyncio.to_thread(_in_thread, meanwhile)
        await step

    asyncio.run(work())


def _in_thread(function: Callable[[], object]) -> None:
    try:
        function()
    finally:
        connection.close()


def test_a_late_acceptance_resolves_a_doubt(
    sandbox: Sandbox, sandbox_account: UpstreamAccount, make_task: MakeTask
) -> None:
    sandbox.script("create", "delay", seconds=0.6)
    task = make_task()
    _accept_late(sandbox_account, lambda: sweep.sweep(LATER + timedelta(hours=1)))
    task = reread(task)
    assert (task.status, task.attention) == (Status.RUNNING, "")
    assert task.upstream_task_id == sandbox.tasks()[0]["task_id"]
    assert verbs(task) == ["claim", "in_doubt", "accepted"]


def test_an_acceptance_after_the_release_needs_attention(
    sandbox: Sandbox, sandbox_account: UpstreamAccount, make_task: MakeTask
) -> None:
    sandbox.script("create", "delay", seconds=0.6)
    task = make_task()

    def give_up() -> None:
        sweep.sweep(LATER + timedelta(hours=1))
        sweep.sweep(LATER + timedelta(days=30))

    _accept_late(sandbox_account, give_up)
    task = reread(task)
    assert (task.status, task.failure_code) == (Status.FAILED, FailureCode.SUBMISSION_UNKNOWN)
    assert "marked as failed" in task.attention_label
    detail = task.events.last().detail  # type: ignore[union-attr]  # it has four
    assert detail["upstream_task_id"] == sandbox.tasks()[0]["task_id"]


ODD_TEXTS = ["with a \x00 in it", "with half a \ud800 character"]


@pytest.mark.parametrize("text", ODD_TEXTS, ids=["nul", "surrogate"])
def test_a_refusal_with_unusual_characters_is_handled(
    text: str,
    sandbox: Sandbox,
    sandbox_account: UpstreamAccount,
    make_task: MakeTask,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("videos.worker.threads.RETRY_DELAYS", ())
    sandbox.script("create", "refuse", code="InvalidParameter", message=text)
    task = make_task()
    with suppress(DatabaseError, ValueError):  # xdist could not serialise the report of a failure
        submit_one(sandbox_account)
    assert reread(task).status == Status.FAILED


# --- poll


def test_the_task_most_overdue_relative_to_the_root_of_its_interval_is_polled_first(
    account: UpstreamAccount, make_task: MakeTask
) -> None:
    def looked_at(waited: int, interval: int) -> Task:
        moment = LATER - timedelta(seconds=waited)
        return make_task(Status.RUNNING, looked_at=moment, due_at=moment + timedelta(seconds=interval))

    usual, eager, patient = looked_at(12, interval=4), looked_at(7, interval=1), looked_at(40, interval=25)
    make_task(Status.RUNNING, due_at=LATER + timedelta(seconds=1))
    make_task(Status.STORING, upstream_task_id="4-stored")
    moments, tasks = poll.claim_due(account, LATER)
    assert tasks == [patient, eager, usual]
    assert len(moments) == 3
    assert poll.claim_due(account, LATER) == ([], [])
    for task in tasks:
        assert (reread(task).looked_at, reread(task).due_at > LATER) == (LATER, True)


def test_no_more_tasks_are_claimed_than_the_budget_allows(
    account: UpstreamAccount, make_task: MakeTask
) -> None:
    UpstreamAccount.objects.update(describes_per_second=1)
    account.describes_per_second = 1
    for _ in range(5):
        make_task(Status.RUNNING)
    moments, tasks = poll.claim_due(account, LATER)
    assert len(tasks) == len(moments) <= 2


def test_upstreams_status_is_written_only_when_it_changes(
    sandbox: Sandbox, sandbox_account: UpstreamAccount, make_task: MakeTask
) -> None:
    task = accept(sandbox, make_task(), do="never_end")
    sandbox.script("describe", "status_word", word="WAIT")
    assert look_at(task).upstream_status == "WAIT"
    assert look_at(task).upstream_status == "RUN"
    written, events = version(task), verbs(task)
    look_at(task)
    assert (version(task), verbs(task)) == (written, events)
    assert events == ["claim", "accepted", "progressed", "progressed"]


def test_an_unknown_status_counts_as_running_and_needs_attention(
    sandbox: Sandbox, sandbox_account: UpstreamAccount, make_task: MakeTask
) -> None:
    task = accept(sandbox, make_task(), do="never_end")
    sandbox.script("describe", "status_word", word="PAUSED")
    task = look_at(task)
    assert (task.status, task.upstream_status) == (Status.RUNNING, "PAUSED")
    assert "PAUSED" in task.attention_label


def test_an_unknown_status_is_cut_to_the_column(
    sandbox: Sandbox, sandbox_account: UpstreamAccount, make_task: MakeTask
) -> None:
    task = accept(sandbox, make_task(), do="never_end")
    sandbox.script("describe", "status_word", word="WAITING_" * 10)
    assert look_at(task).attention


def test_a_finished_task_moves_to_storing(
    sandbox: Sandbox, sandbox_account: UpstreamAccount, make_task: MakeTask
) -> None:
    task = accept(sandbox, make_task())
    task = _done(task)
    assert task.status == Status.STORING
    assert task.result_link.startswith(sandbox.url)
    assert "x" in task.frame_size
    assert (task.done_at, task.due_at) == (LATER, LATER + STORE_LEASE)
    assert ("store", {"task_id": str(task.pk)}) in jobs()


def _done(task: Task, now: datetime = LATER) -> Task:
    """Poll until upstream has rendered the file."""
    for _ in range(200):
        if (task := look_at(task, now)).status != Status.RUNNING or task.done_at:
            break
        time.sleep(0.01)  # a process renders the clip meanwhile
    return task


def test_done_without_a_link_is_polled_for_15_minutes_and_then_lost(
    sandbox: Sandbox, sandbox_account: UpstreamAccount, make_task: MakeTask
) -> None:
    task = _done(accept(sandbox, make_task(), do="done_without_url", describes=None))
    assert (task.status, task.done_at) == (Status.RUNNING, LATER)
    assert task.attention
    task = look_at(task, LATER + timedelta(minutes=14, seconds=59))
    assert task.status == Status.RUNNING
    assert verbs(task).count("done_without_link") == 1
    task = look_at(task, LATER + timedelta(minutes=15))
    assert (task.status, task.failure_code) == (Status.FAILED, FailureCode.RESULT_LOST)


def test_a_link_that_arrives_late_is_used(
    sandbox: Sandbox, sandbox_account: UpstreamAccount, make_task: MakeTask
) -> None:
    task = _done(accept(sandbox, make_task(), do="done_without_url", describes=1))
    assert task.status == Status.RUNNING
    task = look_at(task, LATER + timedelta(minutes=1))
    assert (task.status, task.done_at, task.attention) == (Status.STORING, LATER, "")


@pytest.mark.parametrize(
    ("message", "code", "shown"),
    [
        ("Generation failed.", FailureCode.GENERATION_FAILED, "Generation failed."),
        ("", FailureCode.GENERATION_FAILED, "The upstream provider could not generate this video."),
        (
            "Input Prompt violates policy",
            FailureCode.CONTENT_POLICY_VIOLATION,
            "Input Prompt violates policy",
        ),
        ("输出内容违规", FailureCode.CONTENT_POLICY_VIOLATION, "输出内容违规"),
        ("text moderation failed", FailureCode.CONTENT_POLICY_VIOLATION, "text moderation failed"),
        (
            "Task 4-AigcVideo-abc failed at https://x.example/y",
            FailureCode.GENERATION_FAILED,
            "Task … failed at …",
        ),
    ],
)
def test_a_failed_generation_gives_the_reason(
    message: str,
    code: FailureCode,
    shown: str,
    sandbox: Sandbox,
    sandbox_account: UpstreamAccount,
    make_task: MakeTask,
) -> None:
    task = accept(sandbox, make_task(), do="fail", message=message or " ")
    task = look_at(task)
    assert (task.status, task.failure_code, task.failure_message) == (Status.FAILED, code, shown)
    assert task.events.last().detail["upstream"].strip() == message  # type: ignore[union-attr]  # it has three


def test_a_task_unknown_upstream_needs_attention_once_and_stays_open(
    sandbox: Sandbox, sandbox_account: UpstreamAccount, make_task: MakeTask
) -> None:
    task = make_task(Status.RUNNING)
    for _ in range(2):
        task = look_at(task)
    assert task.status == Status.RUNNING
    assert "TaskNotFound" in task.attention_label
    assert verbs(task) == ["flag"]


TROUBLES: list[tuple[str, dict[str, Any]]] = [
    ("throttle", {}),
    ("drop_before", {}),
    ("malformed", {}),
    ("hang", {"seconds": 0.5}),
    ("http_status", {"status": 502}),
    ("refuse", {"code": "InternalError"}),
    ("refuse", {"code": "NeverHeardOf"}),
]


@pytest.mark.parametrize(
    ("do", "arguments"), TROUBLES, ids=[f"{do} {arguments}" for do, arguments in TROUBLES]
)
def test_a_failed_poll_changes_nothing(
    do: str,
    arguments: dict[str, Any],
    sandbox: Sandbox,
    sandbox_account: UpstreamAccount,
    make_task: MakeTask,
    settings: LazySettings,
) -> None:
    settings.UPSTREAM_DESCRIBE_TIMEOUT = 0.2
    task = accept(sandbox, make_task(), do="never_end")
    before, events = version(task), verbs(task)
    sandbox.script("describe", do, **arguments)
    look_at(task)
    assert (version(task), verbs(task)) == (before, events)


def test_no_query_is_sent_once_the_account_is_known_to_be_out_of_service(
    sandbox: Sandbox, sandbox_account: UpstreamAccount, make_task: MakeTask
) -> None:
    task = accept(sandbox, make_task())
    refused = AccountRefused("No.", code="AuthFailure.SignatureFailure")
    health.record_create(sandbox_account.pk, refused, LATER)
    assert look_at(task).state is Status.RUNNING
    assert [arrival[1] for arrival in sandbox.state()["arrivals"]] == ["CreateAigcVideoTask"]


# --- store


@pytest.fixture
def stored(sandbox: Sandbox, sandbox_account: UpstreamAccount, make_task: MakeTask) -> Callable[..., Task]:
    def make(**script: Any) -> Task:
        return _done(accept(sandbox, make_task(), **script))

    return make


def test_a_result_is_stored_unchanged(stored: Callable[..., Task]) -> None:
    task = stored()
    with urlopen(task.result_link, timeout=5) as answer:
        expected = answer.read()
    task = fetch(task)
    assert (task.status, task.media_bytes) == (Status.SUCCEEDED, len(expected))
    assert content_of(task.media_name) == expected
    assert task.media_name == f"{task.tenant_id.hex}/{NOW:%Y/%m}/{task.id.hex}.mp4"
    assert verbs(task)[-1] == "succeed"


def test_storing_twice_replaces_the_file_and_writes_one_event(stored: Callable[..., Task]) -> None:
    task = stored()
    name = media_name(task)
    stores.results().put(name, io.BytesIO(b"half of an earlier attempt"), VIDEO)
    task = fetch(task)
    fetch(task)
    assert task.media_bytes == stores.results().stat(name).size > 100
    assert kept() == [name]
    assert verbs(task).count("succeed") == 1


class GiveUpWhileSaving(FolderStore):
    """A store that gives up the task while its video is saved."""

    def put(self, key: str, content: Readable, content_type: str = "") -> Saved:
        try:
            task = Task.objects.get(status=Status.STORING)
            assert lifecycle.fail(task, FailureCode.GENERATION_FAILED, "It was marked as failed.", LATER)
        finally:
            connections.close_all()
        return super().put(key, content, content_type)


class FullStore(FolderStore):
    def put(self, key: str, content: Readable, content_type: str = "") -> Saved:
        raise Full(f"{self.place}: No space left on device")


def giving_up(bucket: str, path: str, *_: object) -> FolderStore:
    return GiveUpWhileSaving(Path(path))


def full(bucket: str, path: str, *_: object) -> FolderStore:
    return FullStore(Path(path))


@pytest.fixture
def other_stores(monkeypatch: pytest.MonkeyPatch) -> None:
    for make in (giving_up, full):
        monkeypatch.setitem(
            stores.KINDS, make.__name__.replace("_", "-"), stores.Kind(f"{__name__}.{make.__name__}")
        )


def test_a_video_of_a_task_given_up_meanwhile_is_not_kept(
    stored: Callable[..., Task], results_folder: Path, settings: LazySettings, other_stores: None
) -> None:
    task = stored()
    settings.RESULTS_URL = f"giving-up://bucket{results_folder}"
    task = fetch(task)
    assert (task.status, task.media_name) == (Status.FAILED, "")
    assert kept() == []


def test_a_result_is_fetched_again_later_if_the_disk_is_full(
    stored: Callable[..., Task], results_folder: Path, settings: LazySettings, other_stores: None
) -> None:
    has_room = settings.RESULTS_URL
    settings.RESULTS_URL = f"full://bucket{results_folder}"
    task = fetch(stored())
    assert (task.status, task.due_at) == (Status.STORING, LATER + store.WHILE_FULL)
    assert "No space left on device" in task.attention_label
    settings.RESULTS_URL = has_room
    task = fetch(task, task.due_at)
    assert (task.status, task.attention) == (Status.SUCCEEDED, "")


def test_nothing_is_submitted_while_the_disk_is_nearly_full(
    make_task: MakeTask, account: UpstreamAccount, settings: LazySettings
) -> None:
    make_task(Status.QUEUED, account=account)
    settings.LEAST_FREE_DISK_MB = 10**9
    assert wanted(account, LATER) == 0
    settings.LEAST_FREE_DISK_MB = 0
    assert wanted(account, LATER) == 1


@pytest.mark.parametrize("kind", ["404", "truncated", "not_video"])
def test_a_broken_result_is_fetched_again_later(kind: str, stored: Callable[..., Task]) -> None:
    task = fetch(stored(do="broken_result", kind=kind))
    assert task.status == Status.STORING
    assert "could not be downloaded" in task.attention_label
    assert task.result_link not in task.attention
    assert task.due_at == LATER + store.SHORTEST_RETRY
    assert kept() == []
    task = fetch(task, task.due_at)
    assert (task.status, task.attention) == (Status.SUCCEEDED, "")


@pytest.mark.parametrize(
    ("waited", "delay"),
    [
        (timedelta(0), timedelta(seconds=5)),
        (timedelta(seconds=20), timedelta(seconds=10)),
        (timedelta(minutes=10), timedelta(minutes=5)),
        (timedelta(hours=3), timedelta(minutes=15)),
        (timedelta(hours=12) - timedelta(seconds=1), timedelta(minutes=15)),
    ],
)
def test_the_retry_interval_of_a_result_grows(
    waited: timedelta, delay: timedelta, make_task: MakeTask
) -> None:
    task = make_task(
        Status.STORING, done_at=LATER - waited, result_link=f"http://127.0.0.1:{free_port(0)}/1.mp4"
    )
    task = fetch(task)
    assert (task.status, task.due_at) == (Status.STORING, LATER + delay)


def test_a_result_not_fetched_before_its_link_expired_is_lost(make_task: MakeTask) -> None:
    task = make_task(
        Status.STORING,
        done_at=LATER - timedelta(hours=12),
        result_link=f"http://127.0.0.1:{free_port(0)}/1.mp4",
    )
    task = fetch(task)
    assert (task.status, task.failure_code) == (Status.FAILED, FailureCode.RESULT_LOST)


@pytest.mark.parametrize("link", ["", "not a link", "ftp://x.example/1.mp4", "http://[broken", "http://"])
def test_an_invalid_link_is_a_failed_attempt(link: str, make_task: MakeTask) -> None:
    task = fetch(make_task(Status.STORING, done_at=NOW, result_link=link))
    assert (task.status, task.due_at) == (Status.STORING, LATER + store.SHORTEST_RETRY)


@pytest.mark.parametrize("status", [Status.RUNNING, Status.SUCCEEDED, Status.FAILED])
def test_only_tasks_in_storing_are_fetched(status: Status, make_task: MakeTask) -> None:
    task = make_task(status, result_link="http://127.0.0.1:9/1.mp4")
    before = version(task)
    fetch(task)
    assert version(task) == before


@contextmanager
def serving(serve: Serve) -> Iterator[str]:
    """A server in its own thread; yields its address."""
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(asyncio.start_server(serve, "127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


MP4 = padded(1024 * 1024)


def test_a_long_download_renews_its_lease(make_task: MakeTask) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(MP4) + MP4)
        await writer.drain()
        writer.close()

    minutes = iter(range(1000))
    leases: list[datetime] = []

    def clock() -> datetime:
        leases.append(Task.objects.get(pk=task.pk).due_at)
        return LATER + timedelta(minutes=next(minutes))

    with serving(serve) as url:
        task = make_task(Status.STORING, done_at=NOW, result_link=f"{url}/1.mp4")
        asyncio.run(store.store(task.pk, lambda: _outside_the_loop(clock)))
    assert reread(task).status == Status.SUCCEEDED
    assert len(set(leases)) > 2


def _outside_the_loop(function: Callable[[], datetime]) -> datetime:
    """Django forbids queries in an event loop's thread; the test's clock needs them to watch the lease."""

    def work() -> datetime:
        try:
            return function()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()


def test_a_store_that_lost_the_race_does_not_flag_the_finished_task(
    stored: Callable[..., Task], sandbox: Sandbox
) -> None:
    late = stored()
    done = fetch(late)
    assert done.status == Status.SUCCEEDED
    store._not_fetched(late, "the link answered 403", LATER)
    assert reread(late).attention == ""


def test_a_result_is_requested_without_compression(make_task: MakeTask) -> None:
    heads: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append((await reader.readuntil(b"\r\n\r\n")).lower())
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(MP4) + MP4)
        await writer.drain()
        writer.close()

    with serving(serve) as url:
        fetch(make_task(Status.STORING, done_at=NOW, result_link=f"{url}/1.mp4"))
    assert b"gzip" not in heads[0]  # a compressed answer would not have the expected length


# --- sweep


def test_an_interrupted_submission_is_in_doubt(make_task: MakeTask) -> None:
    cut, under_way = make_task(Status.SUBMITTING), make_task(Status.SUBMITTING, due_at=LATER + timedelta(1))
    sweep.sweep(LATER)
    assert (reread(cut).status, reread(under_way).status) == (Status.IN_DOUBT, Status.SUBMITTING)


def test_a_doubt_is_released_after_its_time(make_task: MakeTask, settings: LazySettings) -> None:
    old, young = make_task(Status.IN_DOUBT), make_task(Status.IN_DOUBT, looked_at=LATER)
    sweep.sweep(LATER + timedelta(hours=settings.IN_DOUBT_RELEASE_HOURS) - timedelta(seconds=1))
    assert (reread(old).status, reread(old).failure_code) == (Status.FAILED, FailureCode.SUBMISSION_UNKNOWN)
    assert old.events.get().detail["released"] == "by time"
    assert reread(young).status == Status.IN_DOUBT


@pytest.mark.parametrize("status", [Status.QUEUED, Status.RUNNING])
def test_an_overdue_task_needs_attention_once_and_stays_open(
    status: Status, make_task: MakeTask, settings: LazySettings
) -> None:
    settings.TASK_DEADLINE_HOURS = 4
    far = LATER + timedelta(days=2)
    old, young = make_task(status), make_task(status, created_at=far)
    for _ in range(2):
        sweep.sweep(far)
    assert (reread(old).status, reread(young).attention) == (status, "")
    assert "after 4 hours" in reread(old).attention_label
    assert verbs(old) == ["flag"]


@pytest.mark.parametrize(
    ("status", "began"),
    [
        (Status.QUEUED, {"due_at": LATER}),
        (Status.RUNNING, {"accepted_at": LATER, "submitted_at": LATER}),
    ],
)
def test_time_in_the_tenants_own_queue_does_not_count_as_overdue(
    status: Status, began: dict[str, Any], make_task: MakeTask, settings: LazySettings
) -> None:
    settings.TASK_DEADLINE_HOURS = 4
    days_ago = LATER - timedelta(days=2)
    waits = make_task(Status.WAITING, created_at=days_ago)
    started = make_task(status, created_at=days_ago, **(began | {"attempts": int(status is Status.RUNNING)}))
    sweep.sweep(LATER + timedelta(hours=3.9))
    assert [reread(task).attention for task in (waits, started)] == ["", ""]
    sweep.sweep(LATER + timedelta(hours=4.1))
    assert reread(waits).attention == ""
    assert "after 4 hours" in reread(started).attention_label


def test_expired_media_is_removed(make_task: MakeTask) -> None:
    stays, gone = (
        make_task(Status.SUCCEEDED),
        make_task(Status.SUCCEEDED, expires_at=LATER, media_name="a/b.mp4"),
    )
    for task in (stays, gone):
        stores.results().put(task.media_name, io.BytesIO(b"video"), VIDEO)
    for _ in range(2):
        sweep.sweep(LATER)
    assert reread(gone).media_removed_at == LATER
    assert reread(stays).media_removed_at is None
    assert kept() == [stays.media_name]
    assert verbs(gone) == ["remove_media"]


def test_a_store_that_takes_long_is_left_for_the_next_sweep(
    make_task: MakeTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storing, "REMOVAL_SECONDS", 0)  # each removal takes longer
    gone = [make_task(Status.SUCCEEDED, expires_at=LATER, media_name=f"{name}/a.mp4") for name in "abc"]
    left = []
    for _ in gone:
        sweep.sweep(LATER)
        left.append(sum(reread(task).media_removed_at is None for task in gone))
    assert left == [2, 1, 0]


def test_missing_media_is_fine(make_task: MakeTask) -> None:
    gone = make_task(Status.SUCCEEDED, expires_at=LATER, media_name="never/was.mp4")
    sweep.sweep(LATER)
    assert reread(gone).media_removed_at == LATER


# --- tick


def test_a_tick_starts_due_work_once_per_account_and_kind(
    account: UpstreamAccount, make_task: MakeTask
) -> None:
    UpstreamAccount.objects.create(name="idle", secret_id="AKIDx", secret_key="y")
    for _ in range(2):
        make_task()
        make_task(Status.RUNNING)
        make_task(model="GV-3.1-720p")
    make_task(model="GV-3.1-1080p", due_at=LATER + timedelta(1))
    for _ in range(3):
        tick.start_due_work(LATER)
    assert sorted(jobs(), key=str) == [("poll", {"account_id": account.pk}), ("submit", {})]


def test_tasks_of_a_disabled_account_are_still_polled(account: UpstreamAccount, make_task: MakeTask) -> None:
    UpstreamAccount.objects.update(is_enabled=False)
    make_task(Status.RUNNING)
    tick.start_due_work(LATER)
    assert jobs() == [("poll", {"account_id": account.pk})]


def test_a_tick_resumes_results_nobody_fetches(make_task: MakeTask) -> None:
    stale = make_task(Status.STORING, upstream_task_id="4-a")
    make_task(Status.STORING, upstream_task_id="4-b", due_at=LATER + timedelta(seconds=1))
    for _ in range(2):
        tick.start_due_work(LATER)
    assert jobs() == [("store", {"task_id": str(stale.pk)})]
    assert reread(stale).due_at == LATER + STORE_LEASE


def test_an_account_with_an_unreadable_secret_does_not_stop_the_others(
    account: UpstreamAccount, make_task: MakeTask
) -> None:
    broken = UpstreamAccount.objects.create(name="broken", secret_id="AKIDx", secret_key="y")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE videos_upstreamaccount SET secret_key = 'x' WHERE id = %s", [broken.pk])
    make_task()
    tick.start_due_work(LATER)
    assert ("submit", {}) in jobs()
    assert claim_next(account, LATER)


def test_a_payload_that_cannot_be_built_keeps_no_other_task_from_its_turn(
    make_task: MakeTask, account: UpstreamAccount
) -> None:
    broken = make_task(request={"model": "Kling-3.0-720p", "seconds": "5", "prompt": "x", "images": [[[1]]]})
    Task.objects.filter(pk=broken.pk).update(request=["no object"])
    whole = make_task(now=NOW + timedelta(seconds=1))
    assert claim_next(account, LATER) is None
    assert claim_next(account, LATER) == whole
    left = reread(broken)
    assert (left.state, "could not be built" in left.attention_label) == (Status.QUEUED, True)
    assert left.due_at > LATER


def test_a_request_that_breaks_todays_rules_fails_before_it_is_sent(
    make_task: MakeTask, account: UpstreamAccount
) -> None:
    task = make_task(request={"model": "Kling-3.0-720p", "seconds": "77", "prompt": "x"}, price=4)
    assert claim_next(account, LATER) is None
    left = reread(task)
    assert (left.state, left.failure_code) == (Status.FAILED, "upstream_rejected")
    assert "seconds" in left.failure_message


# --- how many tasks an account takes


@pytest.mark.parametrize(
    ("status", "counts"),
    [
        (Status.SUBMITTING, True),
        (Status.RUNNING, True),
        (Status.IN_DOUBT, True),
        (Status.STORING, False),
        (Status.SUCCEEDED, False),
        (Status.FAILED, False),
    ],
)
def test_an_account_with_a_limit_takes_no_more_than_it_may_run(
    status: Status, counts: bool, account: UpstreamAccount, make_task: MakeTask
) -> None:
    account.most_open_tasks = 2
    account.save()
    make_task(status)
    for _ in range(3):
        make_task()
    assert wanted(account, LATER) == 2 - counts
    claimed = [claim_next(account, LATER) for _ in range(3)]
    assert len([task for task in claimed if task]) == 2 - counts


def test_a_doubt_of_long_ago_takes_no_room(
    account: UpstreamAccount, make_task: MakeTask, settings: LazySettings
) -> None:
    UpstreamAccount.objects.update(most_open_tasks=1)
    make_task(Status.IN_DOUBT, submitted_at=NOW)
    make_task()
    assert wanted(account, NOW + timedelta(hours=settings.TASK_DEADLINE_HOURS) - timedelta(seconds=1)) == 0
    assert wanted(account, NOW + timedelta(hours=settings.TASK_DEADLINE_HOURS)) == 1


def test_an_account_that_leaves_calls_unanswered_gets_no_more(
    account: UpstreamAccount, make_task: MakeTask
) -> None:
    make_task()
    for _ in range(submit.MOST_SLOW):
        make_task(Status.SUBMITTING, submitted_at=LATER)
    assert wanted(account, LATER + submit.SLOW) == 1
    assert wanted(account, LATER + submit.SLOW + timedelta(seconds=1)) == 0


def test_one_tenants_bucket_does_not_stop_the_account(
    sandbox: Sandbox, sandbox_account: UpstreamAccount, make_task: MakeTask
) -> None:
    """Upstream says the same if its role may not write to the bucket and if the account may not create."""
    code = "UnauthorizedOperation"
    sandbox.script("create", "refuse", code=code, message="CAM refuses.", prompt_contains="dog", times=None)
    request = {"model": "Kling-3.0-720p", "seconds": "5", "prompt": "a dog"}
    task, now = make_task(request=request, **BUCKET), LATER
    for attempt in range(1, submit.MOST_BUCKET_TRIES + 1):
        submit_one(sandbox_account, now)
        task = reread(task)
        assert (task.state, task.attempts) == (Status.QUEUED, attempt)
        assert AccountState.objects.get().condition == Condition.WORKING
        now = max(now, task.due_at)
    assert "bucket" in task.attention_label
    make_task()  # the account takes others, so it is the bucket
    Task.objects.filter(pk=task.pk).update(due_at=now + timedelta(hours=1))
    submit_one(sandbox_account, now)
    submit_one(sandbox_account, now + timedelta(hours=1))
    task = reread(task)
    assert (task.state, task.failure_code) == (Status.FAILED, "upstream_rejected")
    assert "CAM" not in task.failure_message


BUCKET = {"store_bucket": "films-1250000000", "store_region": "ap-guangzhou", "store_path": "a/"}


def test_a_lost_permission_fails_no_task_with_a_bucket(
    sandbox: Sandbox, sandbox_account: UpstreamAccount, make_task: MakeTask
) -> None:
    for action in ("create", "describe"):
        sandbox.script(action, "refuse", code="UnauthorizedOperation", message="No.", times=None)
    task = make_task(**BUCKET)
    submit_one(sandbox_account)
    assert reread(task).state is Status.QUEUED
    assert AccountState.objects.get().condition == Condition.OPEN


def test_a_failure_without_a_reason_is_repeated_and_then_given_up_by_staff(
    sandbox: Sandbox, sandbox_account: UpstreamAccount, make_task: MakeTask
) -> None:
    code = "FailedOperation.CreateAIGCTaskFailed"
    sandbox.script("create", "refuse", code=code, message="It failed.", times=None)
    task, now = make_task(price=4), LATER
    for attempt in range(1, submit.MOST_FAULTS):
        submit_one(sandbox_account, now)
        task = reread(task)
        assert (task.state, task.attempts) == (Status.QUEUED, attempt)
        now = task.due_at
    assert AccountState.objects.get().condition == Condition.WORKING  # a single tenant's
    submit_one(sandbox_account, now)
    task = reread(task)
    assert (task.state, task.failure_code) == (Status.FAILED, "generation_failed")
    assert "because of the account" in task.attention_label
    assert "It failed." not in task.failure_message


def test_a_claim_that_sends_nothing_leaves_the_trial_to_another(
    account: UpstreamAccount, make_task: MakeTask
) -> None:
    make_task(request={"model": "Kling-3.0-720p", "seconds": "77", "prompt": "x"})
    make_task(now=NOW + timedelta(seconds=1))
    AccountState.objects.update(condition=Condition.TRIAL)
    assert claim_next(account, LATER) is None
    assert claim_next(account, LATER) is not None
    assert claim_next(account, LATER) is None


def test_a_process_forgets_that_an_account_is_out_once_it_was_mended(
    sandbox: Sandbox, sandbox_account: UpstreamAccount, make_task: MakeTask
) -> None:
    refused = AccountRefused("No.", code="AuthFailure.SignatureFailure")
    health.record_create(sandbox_account.pk, refused, LATER)
    AccountState.objects.update(condition=Condition.WORKING, retry_at=None, failures=0, since=None, reason="")
    task = make_task()
    submit_one(sandbox_account)
    assert reread(task).state is Status.RUNNING
