"""Results in tenants' buckets, links that end, and files that do not play: each task ends as it should."""

import asyncio
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.conf import LazySettings

from accounts.models import CosBucket
from config import stores
from config.stores.base import Denied, StoredObject
from config.stores.folder import FileWindow, FolderStore
from tests.conftest import NOW, Caller, MakeTask, Sandbox
from tests.support.kept import content_of, kept
from tests.support.playable import TINY, padded
from tests.worker.test_steps import LATER, _done, accept, fetch, reread, serving, verbs
from videos.models import LedgerEntry, Task, UpstreamAccount
from videos.states import Status
from videos.upstream.tencent import mps
from videos.worker import fetching, store

pytestmark = pytest.mark.usefixtures("database_threads")

BUCKET, REGION, FOLDER = "films-1250000000", "ap-guangzhou", "reelay/task_1"
KEY = f"{FOLDER}/123_456_1.mp4"
LINK = f"https://{BUCKET}.cos.{REGION}.myqcloud.com/{KEY}"
TO_BUCKET = {"store_bucket": BUCKET, "store_region": REGION, "store_path": FOLDER}


class RevokedStore(FolderStore):
    """A bucket whose credentials have been revoked."""

    def list(self, prefix: str = "") -> Any:
        raise Denied("cos://films: InvalidAccessKeyId")

    def stat(self, key: str) -> StoredObject:
        raise Denied("cos://films: InvalidAccessKeyId")

    def open(self, key: str, start: int = 0, stop: int | None = None) -> FileWindow:
        raise Denied("cos://films: InvalidAccessKeyId")


def revoked(bucket: str, path: str, *_: object) -> RevokedStore:
    return RevokedStore(Path(path))


@pytest.fixture
def bucket(owner: Caller, settings: LazySettings, tmp_path: Path) -> FolderStore:
    """The tenant's private bucket, which it lets us read."""
    settings.BUCKET_URL = f"{tmp_path.as_uri()}/{{bucket}}"
    keys = {"secret_id": "AKIDtenant", "secret_key": "secret"}
    CosBucket.objects.create(tenant=owner.tenant, bucket=BUCKET, region=REGION, **keys)
    return FolderStore(tmp_path / BUCKET)


@pytest.fixture
def done(make_task: MakeTask) -> Callable[..., Task]:
    """Makes a task that upstream has finished and put into the tenant's bucket."""

    def make(**fields: Any) -> Task:
        return make_task(Status.STORING, **({"done_at": NOW, "result_link": LINK} | TO_BUCKET | fields))

    return make


def captured(task: Task) -> bool:
    return LedgerEntry.objects.filter(task=task, kind="capture").exists()


def content(caller: Caller, task: Task, **extra: str) -> Any:
    return caller.get(f"/v1/videos/{task.public_id}/content", **extra)


# --- the tenant's bucket


def test_a_video_in_the_tenants_bucket_is_read_there_and_served(
    bucket: FolderStore, done: Callable[..., Task], owner: Caller
) -> None:
    bucket.put(KEY, BytesIO(TINY), "video/mp4")
    task = fetch(done())
    assert (task.state, task.bucket_key, task.media_name) == (Status.SUCCEEDED, KEY, "")
    assert (task.media_bytes, len(task.media_sha256)) == (len(TINY), 64)
    assert captured(task)
    shown = owner.get(f"/v1/videos/{task.public_id}").json()
    assert shown["expires_at"] is None
    assert shown["metadata"]["result"] == {"bucket": BUCKET, "region": REGION, "key": KEY}
    assert "myqcloud" not in shown["metadata"]["url"]
    answer = content(owner, task)
    assert b"".join(answer.streaming_content) == TINY
    part = content(owner, task, HTTP_RANGE="bytes=4-7")
    assert (part.status_code, b"".join(part.streaming_content)) == (206, b"ftyp")
    assert not [key for key in kept() if key.endswith(".mp4")]


def test_the_platform_keeps_a_copy_if_the_tenant_wants_one(
    bucket: FolderStore, done: Callable[..., Task], owner: Caller
) -> None:
    CosBucket.objects.update(keep_copy=True)
    bucket.put(KEY, BytesIO(TINY), "video/mp4")
    task = fetch(done())
    assert content_of(task.media_name) == TINY
    assert (task.bucket_key, task.expires_at is not None) == (KEY, True)
    bucket.delete(KEY)
    assert b"".join(content(owner, task).streaming_content) == TINY


def test_revoked_credentials_are_told_by_name_and_the_task_stays_completed(
    bucket: FolderStore,
    done: Callable[..., Task],
    owner: Caller,
    settings: LazySettings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bucket.put(KEY, BytesIO(TINY), "video/mp4")
    task = fetch(done())
    monkeypatch.setitem(stores.KINDS, "revoked", stores.Kind(f"{__name__}.revoked"))
    settings.BUCKET_URL = "revoked://{bucket}/x"
    answer = content(owner, task)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (409, "video_in_your_bucket")
    assert all(word in error["message"] for word in (BUCKET, REGION, KEY, "InvalidAccessKeyId"))
    assert owner.get(f"/v1/videos/{task.public_id}").json()["status"] == "completed"


def test_a_bucket_that_may_not_be_read_gives_no_free_videos(
    bucket: FolderStore,
    done: Callable[..., Task],
    owner: Caller,
    settings: LazySettings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(stores.KINDS, "revoked", stores.Kind(f"{__name__}.revoked"))
    settings.BUCKET_URL = "revoked://{bucket}/x"
    task = fetch(done())
    assert (task.state, task.bucket_key, task.media_bytes) == (Status.SUCCEEDED, KEY, None)
    assert captured(task)
    assert "InvalidAccessKeyId" in task.events.get(verb="succeed").detail["not_read"]
    shown = owner.get(f"/v1/videos/{task.public_id}").json()
    assert (shown["status"], shown["metadata"]["url"], shown["metadata"]["result"]["key"]) == (
        *("completed", None),
        KEY,
    )
    assert content(owner, task).json()["error"]["code"] == "video_in_your_bucket"


async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
    await writer.drain()
    writer.close()


def test_a_private_bucket_without_credentials_is_named_and_never_a_lost_result(
    done: Callable[..., Task], owner: Caller
) -> None:
    with serving(refuse) as url:
        task = fetch(done(result_link=f"{url}/{KEY}"))
    assert (task.state, task.bucket_key) == (Status.SUCCEEDED, KEY)
    assert captured(task)
    answer = content(owner, task)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "video_in_your_bucket")


def test_a_video_missing_in_the_bucket_is_looked_for_and_captured_in_the_end(
    bucket: FolderStore, done: Callable[..., Task]
) -> None:
    bucket.put("reelay/task_2/1.mp4", BytesIO(TINY), "video/mp4")  # another task's
    task = fetch(done())
    assert (task.state, task.attention.split(":")[0]) == (Status.STORING, "not_fetched")
    nearly = NOW + 0.9 * mps.LINK_LIFE
    assert fetch(task, nearly).attention.split(":")[0] == "link_ends"
    task = fetch(task, NOW + mps.LINK_LIFE)
    assert (task.state, task.attention.split(":")[0], captured(task)) == (Status.SUCCEEDED, "not_read", True)


def test_the_largest_video_in_the_folder_is_taken_if_the_link_names_none(
    bucket: FolderStore, done: Callable[..., Task]
) -> None:
    bucket.put(f"{FOLDER}/cover.jpg", BytesIO(padded(9000)), "image/jpeg")
    bucket.put(f"{FOLDER}/a.mp4", BytesIO(TINY), "video/mp4")
    bucket.put(f"{FOLDER}/b.mp4", BytesIO(padded(5000)), "video/mp4")
    assert fetch(done(result_link="https://elsewhere.example/x")).bucket_key == f"{FOLDER}/b.mp4"


def test_a_broken_file_in_the_bucket_is_not_captured(bucket: FolderStore, done: Callable[..., Task]) -> None:
    bucket.put(KEY, BytesIO(TINY[: len(TINY) // 3]), "video/mp4")
    task = fetch(done())
    assert (task.state, captured(task)) == (Status.STORING, False)
    bucket.put(KEY, BytesIO(TINY), "video/mp4")
    assert fetch(task).state is Status.SUCCEEDED


# --- links


@pytest.fixture
def storing(sandbox: Sandbox, sandbox_account: UpstreamAccount, make_task: MakeTask) -> Task:
    """A task whose link has ended, though upstream still has the result."""
    task = _done(accept(sandbox, make_task()))
    good = task.result_link
    Task.objects.filter(pk=task.pk).update(result_link=f"{good.partition('?')[0]}?sign=old&expires=1")
    return reread(task)


def test_an_ended_link_is_replaced_by_a_new_one_from_upstream(storing: Task) -> None:
    task = fetch(storing)
    assert task.state is Status.SUCCEEDED
    assert "new_link" in verbs(task)


def test_without_a_new_link_upstream_is_asked_again_later(storing: Task, sandbox: Sandbox) -> None:
    sandbox.script("describe", "http_status", status=502)
    task = fetch(storing)
    assert (task.state, task.due_at) == (Status.STORING, LATER + store.SHORTEST_RETRY)
    assert "403" in task.attention
    assert fetch(task, task.due_at).state is Status.SUCCEEDED


def test_a_full_store_fails_no_task_however_long_it_lasts(storing: Task, settings: LazySettings) -> None:
    settings.LEAST_FREE_DISK_MB = 10**9
    late = NOW + timedelta(days=5)
    task = fetch(storing, late)
    assert (task.state, task.due_at) == (Status.STORING, late + store.WHILE_FULL)
    assert task.attention.startswith("store_full")
    settings.LEAST_FREE_DISK_MB = 0
    assert fetch(task, task.due_at).state is Status.SUCCEEDED


@pytest.mark.parametrize(
    "file",
    [
        pytest.param(b"\0\0\0\x18ftypisom" + bytes(12), id="ftyp alone"),
        pytest.param(TINY[: len(TINY) // 3], id="a third"),
        pytest.param(b"", id="empty"),
        pytest.param(b"<html>Sign in", id="a page"),
    ],
)
def test_only_what_plays_is_captured(file: bytes, make_task: MakeTask) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(file) + file)
        await writer.drain()
        writer.close()

    with serving(serve) as url:
        task = fetch(make_task(Status.STORING, done_at=NOW, result_link=f"{url}/1.mp4"))
    assert (task.state, captured(task)) == (Status.STORING, False)
    assert task.attention.startswith("not_fetched: ")
    assert kept() == []


# --- slow sources


def test_slow_sources_do_not_hold_up_a_good_one(make_task: MakeTask, settings: LazySettings) -> None:
    settings.RESULT_FETCHES = 4
    over = threading.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(TINY))
        if b"/good" in head:
            writer.write(TINY)
        else:
            writer.write(TINY[:1])
            while not over.is_set():  # noqa: ASYNC110 - of another loop
                await asyncio.sleep(0.02)
        writer.close()

    async def fetch_all(slow: list[Task], task: Task) -> None:
        waiting = [asyncio.create_task(store.store(each.pk, lambda: LATER)) for each in slow]
        await asyncio.sleep(0)
        await asyncio.wait_for(store.store(task.pk, lambda: LATER), 20)
        for each in waiting:
            each.cancel()
        await asyncio.wait(waiting)

    with serving(serve) as url:
        fields = {"done_at": NOW}
        slow = [make_task(Status.STORING, result_link=f"{url}/{n}.mp4", **fields) for n in range(12)]
        task = make_task(Status.STORING, result_link=f"{url}/good.mp4", **fields)
        asyncio.run(fetch_all(slow, task))
        over.set()
        time.sleep(0.1)  # until the sources have noticed
    assert reread(task).state is Status.SUCCEEDED
    assert {reread(each).state for each in slow} == {Status.STORING}


def test_a_place_is_given_back_whatever_happens(settings: LazySettings) -> None:
    settings.RESULT_FETCHES = 1
    tenant_id = uuid4()

    async def nothing() -> None:
        """Nobody waits."""

    async def take_many() -> None:
        for _ in range(5):
            with pytest.raises(ZeroDivisionError):
                async with fetching.place(tenant_id, nothing):
                    raise ZeroDivisionError
        async with fetching.place(tenant_id, nothing):
            await asyncio.sleep(0)
        async with fetching.place(tenant_id, nothing) as progress:
            progress.moved(0)
            await asyncio.sleep(1.2 * fetching.SLOW_AFTER)  # its source is slow
            async with fetching.place(tenant_id, nothing):
                pass

    asyncio.run(asyncio.wait_for(take_many(), 10))


def test_retention_is_the_tenants_own_or_the_deployments(
    make_task: MakeTask, sandbox: Sandbox, sandbox_account: UpstreamAccount, owner: Caller
) -> None:
    def kept() -> timedelta:
        task = fetch(_done(accept(sandbox, make_task())))
        assert task.expires_at
        assert task.finished_at
        return task.expires_at - task.finished_at

    assert kept() == timedelta(days=30)
    owner.tenant.retention_days = 2
    owner.tenant.save()
    assert kept() == timedelta(days=2)
