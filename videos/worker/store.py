"""Store: copy a result into our own storage before upstream's link to it expires."""

import asyncio
import tempfile
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from config import stores
from videos.models import Task, UpstreamAccount
from videos.products import Product
from videos.results.files import VIDEO, media_name
from videos.routing.clients import downloader, result_hosts
from videos.states import LOST, Attention, Status
from videos.tasks import failures, lifecycle
from videos.tasks.failures import FailureCode
from videos.tasks.lifecycle import STORE_LEASE, StoredMedia
from videos.upstream import link_life
from videos.upstream.redaction import redacted
from videos.worker.threads import in_database, in_database_with_retries

SHORTEST_RETRY = timedelta(seconds=5)
LONGEST_RETRY = timedelta(minutes=15)
RENEW_EVERY = STORE_LEASE / 3

log = structlog.get_logger(__name__)


async def store(task_id: UUID, clock: Callable[[], datetime]) -> None:
    """Fetch the result of one task and finish the task; failures are retried later, with backoff."""
    task = await in_database(_hold, task_id, clock())
    if task is None:
        return
    try:
        media = await _fetch(task, clock)
    except Exception as error:
        log.warning("a result could not be fetched", task=task.public_id, reason=redacted(str(error)))
        await in_database_with_retries(_not_fetched, task, redacted(str(error)), clock())
    except BaseException:
        await in_database_with_retries(_release, task, clock())
        raise
    else:
        if not await in_database_with_retries(lifecycle.succeed, task, media, clock()):
            await _discard(task, media)


async def _discard(task: Task, media: StoredMedia) -> None:
    """Delete the result of a task that failed meanwhile; if it succeeded meanwhile, the file is in use."""
    ended_badly = Task.objects.filter(pk=task.pk, status__in=LOST)
    if await in_database(ended_badly.exists):
        await asyncio.to_thread(stores.results().delete, media.name)


def _hold(task_id: UUID, now: datetime) -> Task | None:
    _renew(task_id, now)
    stored = Task.objects.select_related("account").defer("account__secret_key", "account__proxy_url")
    return stored.filter(pk=task_id, status=Status.STORING).first()


def _renew(task_id: UUID, now: datetime) -> None:
    lifecycle.lease([task_id], Status.STORING, now + STORE_LEASE)


def _release(task: Task, now: datetime) -> None:
    lifecycle.lease([task.pk], Status.STORING, now)


def _not_fetched(task: Task, reason: str, now: datetime) -> None:
    waited = now - (task.done_at or now)
    if waited >= link_life(Product(task.account.product) if task.account else Product.MPS):
        lifecycle.fail(task, FailureCode.RESULT_LOST, failures.RESULT_LOST, now, reason=reason)
        return
    # Half the time passed so far: an exponential backoff that needs no stored count of attempts.
    delay = min(LONGEST_RETRY, max(SHORTEST_RETRY, waited / 2))
    if lifecycle.lease([task.pk], Status.STORING, now + delay):
        lifecycle.flag(task, Attention.NOT_FETCHED.about(reason), now)


def _proxy_of(task: Task) -> str:
    """Raises `UndecryptableError`."""
    account = UpstreamAccount.objects.only("proxy_url").filter(tasks=task.pk).first()
    return (account and account.proxy_url) or ""


async def _fetch(task: Task, clock: Callable[[], datetime]) -> StoredMedia:
    renewed = clock()

    async def renew_lease() -> None:
        nonlocal renewed
        if clock() - renewed > RENEW_EVERY:
            renewed = clock()
            await in_database(_renew, task.pk, renewed)

    with tempfile.TemporaryFile() as file:
        await (await downloader(await in_database(_proxy_of, task))).fetch(
            task.result_link, file, renew_lease, hosts=result_hosts(task)
        )
        # Not in a database thread: those must not wait for anything but the database.
        saved = await asyncio.to_thread(stores.results().put, media_name(task), file, VIDEO)
    return StoredMedia(media_name(task), saved.size)
