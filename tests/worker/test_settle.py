"""What became of submissions whose answer was lost, settled by evidence against the sandbox."""

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.utils import timezone

from accounts.models import CosBucket
from config import stores
from config.stores.base import StoredObject, Unreachable
from config.stores.folder import FolderStore
from tests.conftest import Caller, MakeTask, Sandbox, claim_next
from tests.worker.test_steps import jobs, now_gate, reread, submit_one, verbs
from videos.models import AccountState, Task, UpstreamAccount
from videos.routing.breaker import Condition
from videos.routing.rate_limits import UpstreamCall
from videos.states import Status
from videos.tasks import submission
from videos.worker import poll, settle, sweep, tick

pytestmark = pytest.mark.usefixtures("database_threads")

APPLICATION = 1_500_000_001


@pytest.fixture
def vod(sandbox_account: UpstreamAccount) -> UpstreamAccount:
    """The sandbox's account, of VOD."""
    sandbox_account.product, sandbox_account.sub_app_id = "vod", APPLICATION
    sandbox_account.save()
    return sandbox_account


@pytest.fixture
def now() -> datetime:
    """The real time, as upstream's clock is, which looks back three days."""
    return timezone.now()


def doubtful(account: UpstreamAccount, make_task: MakeTask, now: datetime, **fields: Any) -> Task:
    """A task whose submission ended in doubt."""
    task = make_task(now=now, **fields)
    submit_one(account, now)
    task = reread(task)
    assert task.state is Status.IN_DOUBT
    return task


def settled(task: Task, now: datetime) -> Task:
    asyncio.run(settle.settle(task.pk, lambda: now))
    return reread(task)


def test_a_lost_answer_is_looked_for_soon(
    sandbox: Sandbox, vod: UpstreamAccount, make_task: MakeTask, now: datetime
) -> None:
    sandbox.script("create", "drop_after_accept", product="vod")
    task = doubtful(vod, make_task, now)
    assert task.due_at == now + settle.SOONEST_LOOK
    tick.start_due_work(task.due_at)
    assert ("settle", {"task_id": str(task.pk)}) in jobs()
    assert reread(task).due_at > task.due_at  # leased


def test_a_task_that_upstream_has_is_found_by_its_session(
    sandbox: Sandbox, vod: UpstreamAccount, make_task: MakeTask, now: datetime
) -> None:
    sandbox.script("create", "drop_after_accept", product="vod")
    task = settled(doubtful(vod, make_task, now), now)
    [upstream] = sandbox.tasks()
    assert (task.state, task.upstream_task_id, task.attention) == (Status.RUNNING, upstream["task_id"], "")
    assert upstream["session"] == task.public_id
    found = task.events.last()
    assert found is not None
    assert (found.verb, found.detail["found_by"]) == ("accepted", "upstream's list of tasks")
    assert sandbox.state()["accounts"][vod.secret_id]["creates"] == 1


def test_one_that_upstream_does_not_have_is_sent_again_under_its_session(
    sandbox: Sandbox, vod: UpstreamAccount, make_task: MakeTask, now: datetime
) -> None:
    sandbox.script("create", "http_status", product="vod")  # not accepted
    task = settled(doubtful(vod, make_task, now), now)
    assert (task.state, len(sandbox.tasks())) == (Status.RUNNING, 1)
    found = task.events.last()
    assert found is not None
    assert found.detail["found_by"] == "the same session, sent again"


def test_a_twin_is_refused_and_nothing_is_made_twice(
    sandbox: Sandbox, vod: UpstreamAccount, make_task: MakeTask, now: datetime
) -> None:
    """The list does not show the first yet: the second is refused, and a later look finds the first."""
    sandbox.script("create", "drop_after_accept", product="vod")
    task = doubtful(vod, make_task, now)
    Task.objects.filter(pk=task.pk).update(submitted_at=now + timedelta(hours=1))  # so the list holds nothing
    task = settled(task, now)
    assert (task.state, len(sandbox.tasks())) == (Status.IN_DOUBT, 1)
    assert task.events.last().detail["error"] == "Duplicate"  # type: ignore[union-attr]  # it has some
    assert task.due_at > now
    Task.objects.filter(pk=task.pk).update(submitted_at=now)
    task = settled(task, now)
    assert (task.state, len(sandbox.tasks())) == (Status.RUNNING, 1)


def test_a_twin_of_a_task_that_was_forgotten_is_found_too(
    sandbox: Sandbox, vod: UpstreamAccount, make_task: MakeTask, now: datetime
) -> None:
    """As after the database was put back to an earlier state."""
    task = make_task(now=now)
    submit_one(vod, now)
    known = reread(task).upstream_task_id
    again = {"status": "queued", "attempts": 0, "upstream_task_id": None, "accepted_at": None}
    Task.objects.filter(pk=task.pk).update(**again, account=None, due_at=now)
    sandbox.finish()
    submit_one(vod, now)
    assert reread(task).state is Status.IN_DOUBT
    task = settled(task, now)
    assert (task.state, task.upstream_task_id, len(sandbox.tasks())) == (Status.RUNNING, known, 1)


def test_a_request_that_is_refused_when_sent_again_fails(
    sandbox: Sandbox, vod: UpstreamAccount, make_task: MakeTask, now: datetime
) -> None:
    sandbox.script("create", "http_status", product="vod")
    task = doubtful(vod, make_task, now, price=4)
    sandbox.script("create", "refuse", product="vod", code="InvalidParameterValue", message="Too odd.")
    assert settled(task, now).state is Status.IN_DOUBT  # the first may have been accepted
    sandbox.script("create", "refuse", product="vod", code="InvalidParameterValue", message="Too odd.")
    task = settled(task, now + settle.LISTED_AFTER)
    assert (task.state, task.failure_message) == (Status.FAILED, "Too odd.")
    assert sandbox.tasks() == []


@pytest.mark.parametrize("do", ["throttle", "drop_before", "malformed"])
def test_trouble_while_it_is_settled_only_delays_it(
    do: str, sandbox: Sandbox, vod: UpstreamAccount, make_task: MakeTask, now: datetime
) -> None:
    sandbox.script("create", "http_status", product="vod")
    task = doubtful(vod, make_task, now)
    sandbox.script("create", do, product="vod")
    task = settled(task, now)
    assert (task.state, verbs(task)[-1]) == (Status.IN_DOUBT, "looked_for")
    assert now < task.due_at <= now + settle.LATEST_LOOK
    AccountState.objects.update(condition=Condition.WORKING, retry_at=None)
    assert settled(task, task.due_at).state is Status.RUNNING
    assert len(sandbox.tasks()) == 1


def test_a_session_that_upstream_may_have_forgotten_is_not_sent_again(
    sandbox: Sandbox, vod: UpstreamAccount, make_task: MakeTask, now: datetime
) -> None:
    sandbox.script("create", "http_status", product="vod")
    task = doubtful(vod, make_task, now)
    later = now + settle.REPEATABLE_FOR
    task = settled(task, later)
    assert (task.state, sandbox.tasks()) == (Status.IN_DOUBT, [])


def test_one_whose_account_was_moved_is_not_sent_to_another_place(
    sandbox: Sandbox, vod: UpstreamAccount, make_task: MakeTask, now: datetime
) -> None:
    sandbox.script("create", "http_status", product="vod")
    task = doubtful(vod, make_task, now)
    UpstreamAccount.objects.update(sub_app_id=APPLICATION + 1)
    assert settled(task, now).state is Status.IN_DOUBT
    assert sandbox.tasks() == []


def test_on_trial_a_doubt_may_be_what_is_tried(
    sandbox: Sandbox, vod: UpstreamAccount, make_task: MakeTask, now: datetime
) -> None:
    """Otherwise an account without queued tasks would stay on trial, and its doubts in doubt."""
    sandbox.script("create", "http_status", product="vod")
    task = doubtful(vod, make_task, now)
    AccountState.objects.update(condition=Condition.TRIAL)
    assert settled(task, now).state is Status.RUNNING
    assert AccountState.objects.get().condition == Condition.WORKING


def test_nothing_is_asked_while_the_account_is_out_of_service(
    sandbox: Sandbox, vod: UpstreamAccount, make_task: MakeTask, now: datetime
) -> None:
    sandbox.script("create", "http_status", product="vod")
    task = doubtful(vod, make_task, now)
    arrivals = len(sandbox.state()["arrivals"])
    AccountState.objects.update(condition=Condition.OPEN, retry_at=now)
    assert settled(task, now).state is Status.IN_DOUBT
    assert len(sandbox.state()["arrivals"]) == arrivals


def test_a_settled_task_is_left_alone(
    sandbox: Sandbox, vod: UpstreamAccount, make_task: MakeTask, now: datetime
) -> None:
    task = make_task(now=now)
    submit_one(vod, now)
    before = len(sandbox.state()["arrivals"])
    assert settled(task, now).state is Status.RUNNING
    assert len(sandbox.state()["arrivals"]) == before


def test_a_submission_cut_off_with_its_worker_is_settled_too(
    sandbox: Sandbox, vod: UpstreamAccount, make_task: MakeTask, now: datetime
) -> None:
    task = make_task(now=now)
    claimed = claim_next(vod, now)
    assert claimed is not None
    later = now + timedelta(minutes=5)
    sweep.sweep(later)
    task = reread(task)
    assert (task.state, task.due_at) == (Status.IN_DOUBT, later + settle.SOONEST_LOOK)
    assert settled(task, later).state is Status.RUNNING


# --- MPS: evidence in the bucket

BUCKET = {
    "store_bucket": "films-1250000000",
    "store_region": "ap-guangzhou",
    "store_path": "reelay/alice/1",
}


class AwayStore(FolderStore):
    """A bucket that cannot be reached."""

    def list(self, prefix: str = "") -> Iterator[StoredObject]:
        raise Unreachable("the bucket does not answer")


def away(bucket: str, path: str, *_: object) -> AwayStore:
    return AwayStore(Path(path))


@pytest.fixture
def bucket(owner: Caller, settings: LazySettings, tmp_path: Path) -> FolderStore:
    """The tenant's bucket, which it lets us read."""
    settings.BUCKET_URL = f"{tmp_path.as_uri()}/{{bucket}}"
    CosBucket.objects.create(
        tenant=owner.tenant,
        bucket=BUCKET["store_bucket"],
        region=BUCKET["store_region"],
        secret_id="AKIDtenant",
        secret_key="secret",
    )
    return FolderStore(tmp_path / BUCKET["store_bucket"])


def test_an_object_under_its_prefix_proves_a_task_of_a_bucket(
    sandbox: Sandbox,
    sandbox_account: UpstreamAccount,
    make_task: MakeTask,
    bucket: FolderStore,
    now: datetime,
) -> None:
    sandbox.script("create", "drop_after_accept")
    task = doubtful(sandbox_account, make_task, now, **BUCKET)
    assert task.due_at == now + settle.SOONEST_LOOK
    bucket.put("reelay/bob/1/2.mp4", BytesIO(b"bob"), "video/mp4")
    task = settled(task, now)
    assert (task.state, verbs(task)[-1]) == (Status.IN_DOUBT, "looked_for")
    bucket.put("reelay/alice/1/2.mp4", BytesIO(b"alice"), "video/mp4")
    task = settled(task, now)
    link = "https://films-1250000000.cos.ap-guangzhou.myqcloud.com/reelay/alice/1/2.mp4"
    assert (task.state, task.result_link) == (Status.STORING, link)
    assert task.upstream_task_id == "object:reelay/alice/1/2.mp4"
    accepted = task.events.filter(verb="accepted").get()
    assert accepted.detail["found_by"] == "its object in the bucket"


def test_a_bucket_that_cannot_be_read_only_delays_it(
    sandbox: Sandbox,
    sandbox_account: UpstreamAccount,
    make_task: MakeTask,
    bucket: FolderStore,
    settings: LazySettings,
    monkeypatch: pytest.MonkeyPatch,
    now: datetime,
) -> None:
    monkeypatch.setitem(stores.KINDS, "away", stores.Kind(f"{__name__}.away"))
    settings.BUCKET_URL = "away://{bucket}/"
    sandbox.script("create", "drop_after_accept")
    task = settled(doubtful(sandbox_account, make_task, now, **BUCKET), now)
    assert (task.state, task.due_at > now) == (Status.IN_DOUBT, True)


@pytest.mark.parametrize("is_open", [True, False])
def test_without_evidence_a_doubt_waits_for_staff_or_its_release(
    is_open: bool,
    sandbox: Sandbox,
    sandbox_account: UpstreamAccount,
    make_task: MakeTask,
    bucket: FolderStore,
    settings: LazySettings,
    now: datetime,
) -> None:
    if not is_open:
        CosBucket.objects.update(secret_id="", secret_key=None)
    sandbox.script("create", "drop_after_accept")
    task = doubtful(sandbox_account, make_task, now, **({} if is_open else BUCKET))
    assert task.due_at == now + timedelta(hours=settings.IN_DOUBT_RELEASE_HOURS)


# --- a VOD account that is full


def test_a_task_that_never_ran_is_queued_again_unpaid_under_a_new_session(
    sandbox: Sandbox, vod: UpstreamAccount, make_task: MakeTask, now: datetime
) -> None:
    sandbox.script("create", "never_end", product="vod")
    make_task(now=now)
    submit_one(vod, now)
    task = make_task(now=now, price=4)
    submit_one(vod, now)
    later = now + timedelta(seconds=30)
    running = reread(task)
    assert running.account is not None
    gate = now_gate(running.account, UpstreamCall.DESCRIBE)
    asyncio.run(poll.look(running.account, running, gate, lambda: later))
    task = reread(task)
    assert (task.state, task.upstream_task_id, task.failure_code) == (Status.QUEUED, None, "")
    assert (task.accepted_at is not None, verbs(task)[-1]) == (True, "never_ran")
    assert later < task.due_at <= later + timedelta(minutes=1)
    assert AccountState.objects.get().condition == Condition.PAUSED
    assert submission.session_of(task, task.attempts + 1) == f"{task.public_id}-2"
    sandbox.finish()
    submit_one(vod, later + timedelta(minutes=2))
    assert reread(task).state is Status.RUNNING
    assert sandbox.state()["accounts"][vod.secret_id]["overflowed"] == 1
