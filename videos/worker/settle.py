"""Settle: find out what became of a submission whose answer was lost. Each settlement is an event with its
evidence.

Where upstream refuses a second task of one session, the same create is sent again: it is accepted, or refused
as a twin of the first, which upstream's list of tasks then shows. Where upstream stores videos in a bucket
that can be read, an object under the task's own prefix proves that it was accepted. Otherwise staff decide,
or the task is given up after `IN_DOUBT_RELEASE_HOURS`.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction

from accounts import bucket_access
from accounts.models import CosBucket
from config.stores.base import StoredObject, StoreError
from videos.models import Task, UpstreamAccount
from videos.products import Product
from videos.results import bucket
from videos.routing import health, rate_limits
from videos.routing.breaker import Condition
from videos.routing.clients import client_for, with_secrets
from videos.routing.rate_limits import UpstreamCall
from videos.states import Status, Verb
from videos.tasks import lifecycle, submission
from videos.upstream import can_find
from videos.upstream.base import Duplicate, Refused, Submitted, Upstream, UpstreamError
from videos.upstream.redaction import call_detail
from videos.worker import outcomes
from videos.worker.pacing import PREPARATION, Gate, RateLimitSpent
from videos.worker.payloads import payload_of
from videos.worker.threads import in_database, in_database_with_retries

SOONEST_LOOK, LATEST_LOOK = timedelta(seconds=5), timedelta(minutes=15)
"""Between looks; in between, half of the time since the submission."""
REPEATABLE_FOR = timedelta(days=3) - timedelta(hours=6)
"""How long after a submission it may be sent again: upstream remembers a session for three days (VOD)."""
CLOCKS_DIFFER_BY = timedelta(minutes=2)
"""Upstream's times are compared with ours with this tolerance."""
LISTED_AFTER = timedelta(minutes=5)
"""By then upstream's list has every task that it accepted."""
log = structlog.get_logger(__name__)


def first_look(task: Task, product: Product, now: datetime) -> datetime | None:
    """When to look first for evidence of the submission; None if upstream gives none."""
    is_provable = can_find(product) or bucket.is_open(task)
    return now + SOONEST_LOOK if is_provable else None


async def settle(task_id: UUID, clock: Callable[[], datetime]) -> None:
    """Look once for evidence of the task's submission."""
    task = await in_database(_held, task_id, clock())
    if task is None or task.account_id is None:
        return
    try:
        account = await in_database(with_secrets, task.account_id)
        client = await client_for(account)
    except UpstreamError:
        return  # its settings allow no client, which its health tells
    if not account.is_enabled or not health.health_of(account.state).takes_tasks(clock()):
        return  # the lease ends later than most pauses
    if client.can_find:
        await _ask_upstream(client, account, task, clock)
    elif await in_database(bucket.is_open, task):
        await _look_into_bucket(task, clock)


def _held(task_id: UUID, now: datetime) -> Task | None:
    """The task, if it is still in doubt, leased for the time that a look may take."""
    lifecycle.lease([task_id], Status.IN_DOUBT, now + timedelta(seconds=2 * settings.UPSTREAM_CREATE_TIMEOUT))
    return Task.objects.filter(pk=task_id, status=Status.IN_DOUBT).first()


async def _ask_upstream(
    client: Upstream, account: UpstreamAccount, task: Task, clock: Callable[[], datetime]
) -> None:
    """Send it again if that makes no twin; otherwise look into upstream's list."""
    try:
        if await in_database(_is_repeatable, account, task, clock()):
            await _send_again(client, account, task, clock)
        elif not await _find(client, task, clock):
            await in_database(_look_later, task, clock(), looked_into="upstream's list of tasks")
    except UpstreamError as error:
        await in_database(_look_later, task, clock(), **call_detail(UpstreamCall.DESCRIBE, error, 0))
    except RateLimitSpent:
        await in_database(lifecycle.lease, [task.pk], Status.IN_DOUBT, clock() + SOONEST_LOOK)


def _is_repeatable(account: UpstreamAccount, task: Task, now: datetime) -> bool:
    """Whether upstream still remembers the session, and the account is still where the task was sent."""
    began = task.events.filter(verb=Verb.CLAIM).order_by("id").last()
    is_there = began is not None and began.detail.get("sent_to") == lifecycle.place_of(account)
    return is_there and now - (task.submitted_at or task.created_at) < REPEATABLE_FOR


async def _send_again(
    client: Upstream, account: UpstreamAccount, task: Task, clock: Callable[[], datetime]
) -> None:
    """Send the same create under the same session. Raises `UpstreamError` and `RateLimitSpent`."""
    await _wait_for_slot(account)
    if not await in_database(health.takes_trial, account.pk, clock()):
        raise RateLimitSpent
    sent = clock()
    try:
        submitted = await _created(client, account, task, clock)
    except Duplicate as error:
        if not await _find(client, task, clock):  # the list shows it soon
            await in_database(_look_later, task, clock(), **call_detail(UpstreamCall.CREATE, error, 0))
    except Refused as error:
        await _refused_again(client, task, error, sent, clock)
    else:
        await in_database_with_retries(_accepted_again, task, submitted, sent, clock())


async def _created(
    client: Upstream, account: UpstreamAccount, task: Task, clock: Callable[[], datetime]
) -> Submitted:
    """The create call. Raises `UpstreamError`.

    It counts for the account only on trial: otherwise one task would be counted again and again.
    """
    ended: UpstreamError | None = None
    try:
        return await client.create(await payload_of(task, account, clock()))
    except UpstreamError as error:
        ended = error
        raise
    finally:
        if account.state.condition == Condition.TRIAL:
            await in_database_with_retries(health.record_create, account.pk, ended, clock())


async def _refused_again(
    client: Upstream, task: Task, error: Refused, sent: datetime, clock: Callable[[], datetime]
) -> None:
    """The refusal may say nothing of the first create: an image's link may have expired since."""
    if await _find(client, task, clock):
        return
    detail = call_detail(UpstreamCall.CREATE, error, (clock() - sent).total_seconds())
    if clock() - (task.submitted_at or task.created_at) < LISTED_AFTER:
        await in_database(_look_later, task, clock(), **detail)
    else:
        await in_database_with_retries(outcomes.refuse, task, error, clock(), upstream=detail)


async def _find(client: Upstream, task: Task, clock: Callable[[], datetime]) -> bool:
    """Look for the task in upstream's list, and accept it if it is there. Raises `UpstreamError`."""
    session = submission.session_of(task, task.attempts)
    began = task.submitted_at or task.created_at
    # It may have been accepted by the first create, or by one that was sent again until now.
    until = max(began + timedelta(seconds=settings.UPSTREAM_CREATE_TIMEOUT), clock())
    found = await client.find(session, began - CLOCKS_DIFFER_BY, until + CLOCKS_DIFFER_BY)
    if found is not None:
        detail = {"found_by": "upstream's list of tasks", "session": session}
        await in_database_with_retries(outcomes.accept, task, found, clock(), **detail)
    return found is not None


async def _wait_for_slot(account: UpstreamAccount) -> None:
    slots = await in_database(rate_limits.reserve, account, UpstreamCall.CREATE, 1, lead=PREPARATION)
    if not slots:
        raise RateLimitSpent
    await Gate(account, UpstreamCall.CREATE, slots[0]).opens()


def _accepted_again(task: Task, submitted: Submitted, sent: datetime, now: datetime) -> None:
    detail = call_detail(UpstreamCall.CREATE, submitted, (now - sent).total_seconds())
    outcomes.accept(task, submitted.task_id, now, found_by="the same session, sent again", **detail)


async def _look_into_bucket(task: Task, clock: Callable[[], datetime]) -> None:
    try:
        own = await in_database(bucket_access.settings_of, task.tenant_id)
        found = await asyncio.to_thread(_video_in_bucket, task, own)
    except StoreError as error:
        await in_database(_look_later, task, clock(), error=type(error).__name__)
        return
    if found is None:
        await in_database(_look_later, task, clock(), looked_into="the bucket")
    else:
        await in_database_with_retries(_found_in_bucket, task, found, clock())


def _video_in_bucket(task: Task, own: CosBucket | None) -> StoredObject | None:
    store = bucket.opened(task, own)
    return bucket.find(store, task.destination) if store and task.destination else None


def _found_in_bucket(task: Task, found: StoredObject, now: datetime) -> None:
    """Its video is there, so it was accepted, and is done; upstream's id is not known."""
    with transaction.atomic():
        outcomes.accept(task, f"object:{found.key}", now, found_by="its object in the bucket", key=found.key)
        lifecycle.produced(task, bucket.bare_link(task, found.key), "", now)


def _look_later(task: Task, now: datetime, **detail: Any) -> None:
    age = now - (task.submitted_at or now)
    lifecycle.looked_for(task, now + min(LATEST_LOOK, max(SOONEST_LOOK, age / 2)), now, **detail)
