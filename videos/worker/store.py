"""Store: take custody of a result before upstream's link to it expires.

A result in the tenant's own bucket is read there, if the tenant lets us; otherwise it is fetched by
upstream's link. Only what plays is captured. A result in the tenant's bucket that may not be read is the
tenant's all the same: its task is completed with the place of the video.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO
from uuid import UUID

import structlog

from accounts import bucket_access
from accounts.models import CosBucket
from config import disk, stores
from config.stores.base import Denied, Full, Missing
from videos.media.process import decoder
from videos.models import Task, UpstreamAccount
from videos.products import Product
from videos.results import bucket
from videos.results.files import VIDEO, media_name
from videos.routing.clients import downloader, result_hosts
from videos.states import LOST, Attention, Status
from videos.tasks import failures, lifecycle
from videos.tasks.failures import FailureCode
from videos.tasks.lifecycle import STORE_LEASE, StoredMedia
from videos.upstream import link_life
from videos.upstream.download_errors import LinkRefused, StorageFull
from videos.upstream.received import Fetched
from videos.upstream.redaction import redacted
from videos.worker import fetching, links
from videos.worker.threads import in_database, in_database_with_retries

SHORTEST_RETRY = timedelta(seconds=5)
LONGEST_RETRY = timedelta(minutes=15)
WHILE_FULL = timedelta(seconds=30)
"""Until a result is tried again that found no room."""
RENEW_EVERY = STORE_LEASE / 3
ALARM_AFTER = 0.8
"""The share of the life of upstream's link after which staff are alarmed."""

log = structlog.get_logger(__name__)


class GivenUp(Exception):
    """The task ended while its result was fetched."""


class InBucketOnly(Exception):
    """The result is in the tenant's bucket, where it cannot be read; the message says why."""


async def store(task_id: UUID, clock: Callable[[], datetime]) -> None:
    """Take custody of the result of one task and finish the task; what failed is tried again later."""
    task = await in_database(_hold, task_id, clock())
    if task is None:
        return
    try:
        media = await _taken(task, clock)
    except GivenUp:
        return
    except Exception as error:
        reason = redacted(str(error))
        log.warning("a result is not stored", task=task.public_id, reason=reason)
        record = next(record for kind, record in _AFTER.items() if isinstance(error, kind))
        await in_database_with_retries(record, task, reason, clock())
    except BaseException:
        await in_database_with_retries(_release, task, clock())
        raise
    else:
        await _finish(task, media, clock)


async def _finish(task: Task, media: StoredMedia, clock: Callable[[], datetime]) -> None:
    if await in_database_with_retries(lifecycle.succeed, task, media, clock()):
        return
    # If it succeeded meanwhile, the file is in use.
    if bool(media.name) and await in_database(_ended_badly, task):
        await asyncio.to_thread(stores.results().delete, media.name)


async def _taken(task: Task, clock: Callable[[], datetime]) -> StoredMedia:
    """The result, read and where it is to stay. Raises the exceptions that `store` handles."""
    lease = Lease(task, clock)
    await asyncio.to_thread(_check_room)
    async with lease.kept():
        with fetching.file() as (file, path):
            async with fetching.place(task.tenant_id, lease.renew) as progress:
                media = await _read(task, file, lease, progress, clock)
            await asyncio.to_thread(_check, file, path)
            if not media.bucket_key or await in_database(_keeps_copy, task):
                media = await asyncio.to_thread(_kept, task, file, media)
    return media


async def _read(
    task: Task,
    file: IO[bytes],
    lease: "Lease",
    progress: fetching.Progress,
    clock: Callable[[], datetime],
) -> StoredMedia:
    """Write the result to `file`."""

    async def alive() -> None:
        progress.moved(file.tell())
        await lease.renew()

    if task.destination is not None and await in_database(bucket.is_open, task):
        return await _read_in_bucket(task, file, alive)
    try:
        fetched = await _fetched(task, file, alive, clock)
    except LinkRefused as error:
        if task.destination is None:
            raise
        raise InBucketOnly(f"the bucket is private: {error}") from None
    return StoredMedia(size=fetched.size, sha256=fetched.sha256)


async def _fetched(
    task: Task, file: IO[bytes], alive: fetching.Alive, clock: Callable[[], datetime]
) -> Fetched:
    """Fetch by upstream's link; if it is refused, once more by a new one. Raises `DownloadFailed`."""
    try:
        return await _download(task, file, alive)
    except LinkRefused:
        if not await links.renewed(task, clock):
            raise
        file.seek(0)
        file.truncate()
        return await _download(task, file, alive)


async def _download(task: Task, file: IO[bytes], alive: fetching.Alive) -> Fetched:
    client = await downloader(await in_database(_proxy_of, task))
    return await client.fetch(task.result_link, file, alive, hosts=result_hosts(task))


async def _read_in_bucket(task: Task, file: IO[bytes], alive: fetching.Alive) -> StoredMedia:
    """Read the object that upstream wrote. Raises `StoreError`, and `InBucketOnly` if we may not read it."""
    assert task.destination is not None  # noqa: S101 - for the type checker
    try:
        own = await in_database(bucket_access.settings_of, task.tenant_id)
        store = await asyncio.to_thread(bucket.opened, task, own)
        if store is None:
            raise InBucketOnly("the tenant has removed the credentials of the bucket")
        found = await asyncio.to_thread(bucket.find, store, task.destination, bucket.key_of(task))
        if found is None:
            raise Missing(f"{store.place} has no video under {task.destination.path}/")
        saved = await fetching.copied(store, found.key, file, alive)
    except Denied as error:
        raise InBucketOnly(str(error)) from None
    return StoredMedia(bucket_key=found.key, size=saved.size, sha256=saved.sha256)


def _check_room() -> None:
    if disk.is_short():
        raise Full("too little space is free")


def _check(file: IO[bytes], path: Path) -> None:
    """Raise `Unplayable` unless the file's first picture can be read."""
    file.flush()
    decoder().inspect(path)


def _kept(task: Task, file: IO[bytes], media: StoredMedia) -> StoredMedia:
    """Write the video to the platform's store. Raises `StoreError`."""
    file.seek(0)
    name = media_name(task)
    saved = stores.results().put(name, file, VIDEO)
    return StoredMedia(name, saved.size, saved.sha256, media.bucket_key)


class Lease:
    """The lease of a task whose result is fetched, renewed while that goes on."""

    def __init__(self, task: Task, clock: Callable[[], datetime]) -> None:
        self._task, self._clock = task, clock
        self._renewed = clock()
        self._is_over = False

    async def renew(self) -> None:
        """Renew it if a third has passed. Raises `GivenUp` if the task has ended meanwhile."""
        now = self._clock()
        if now - self._renewed > RENEW_EVERY:
            self._renewed = now
            self._is_over |= not await in_database(_renew, self._task.pk, now)
        if self._is_over:
            raise GivenUp

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Renew it also while the source is silent, and until the video is checked and kept."""
        beating = asyncio.create_task(self._beat())
        try:
            yield
        finally:
            beating.cancel()
            await asyncio.wait([beating])

    async def _beat(self) -> None:
        with suppress(GivenUp):  # the fetch ends with it when its source sends something
            while True:
                await asyncio.sleep(RENEW_EVERY.total_seconds())
                await self.renew()


def _ended_badly(task: Task) -> bool:
    return Task.objects.filter(pk=task.pk, status__in=LOST).exists()


# --- what is recorded


def _hold(task_id: UUID, now: datetime) -> Task | None:
    _renew(task_id, now)
    stored = Task.objects.select_related("account").defer("account__secret_key", "account__proxy_url")
    return stored.filter(pk=task_id, status=Status.STORING).first()


def _renew(task_id: UUID, now: datetime) -> int:
    return lifecycle.lease([task_id], Status.STORING, now + STORE_LEASE)


def _release(task: Task, now: datetime) -> None:
    lifecycle.lease([task.pk], Status.STORING, now)


def _wait_for_room(task: Task, reason: str, now: datetime) -> None:
    """Room is our affair: it never fails a task, since upstream gives new links for days."""
    if lifecycle.lease([task.pk], Status.STORING, now + WHILE_FULL):
        lifecycle.flag(task, Attention.STORE_FULL.about(reason), now)


def _complete_in_bucket(task: Task, reason: str, now: datetime) -> None:
    """Upstream's work is paid for, and the tenant has its video: captured, though we could not read it."""
    media = StoredMedia(bucket_key=bucket.key_of(task))
    lifecycle.succeed(task, media, now, not_read=reason)


def _not_fetched(task: Task, reason: str, now: datetime) -> None:
    waited = now - (task.done_at or now)
    life = link_life(Product(task.account.product) if task.account else Product.MPS)
    if waited >= life:
        _give_up(task, reason, now)
        return
    # Half the time passed so far: an exponential backoff that needs no stored count of attempts.
    delay = min(LONGEST_RETRY, max(SHORTEST_RETRY, waited / 2))
    attention = Attention.LINK_ENDS if waited >= ALARM_AFTER * life else Attention.NOT_FETCHED
    if lifecycle.lease([task.pk], Status.STORING, now + delay):
        if attention is Attention.LINK_ENDS:
            log.error("a result is about to be lost", task=task.public_id, reason=reason)
        lifecycle.flag(task, attention.about(reason), now)


def _give_up(task: Task, reason: str, now: datetime) -> None:
    if task.destination is None:
        lifecycle.fail(task, FailureCode.RESULT_LOST, failures.RESULT_LOST, now, reason=reason)
        return
    media = StoredMedia(bucket_key=bucket.key_of(task))
    lifecycle.succeed(task, media, now, attention=Attention.NOT_READ.about(reason), not_read=reason)


_AFTER: dict[type[Exception], Callable[[Task, str, datetime], None]] = {
    Full: _wait_for_room,
    StorageFull: _wait_for_room,
    InBucketOnly: _complete_in_bucket,
    Exception: _not_fetched,
}
"""What is recorded after each kind of failure, with its reason; the first that fits counts."""

# --- what it depends on


def _keeps_copy(task: Task) -> bool:
    return CosBucket.objects.filter(tenant=task.tenant_id, keep_copy=True).exists()


def _proxy_of(task: Task) -> str:
    """Raises `UndecryptableError`."""
    account = UpstreamAccount.objects.only("proxy_url").filter(tasks=task.pk).first()
    return (account and account.proxy_url) or ""
