"""Submit: the paid create call, never repeated unless upstream surely did not receive it."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import transaction

from config import disk
from videos.estimates import generation_times
from videos.models import Task, UpstreamAccount
from videos.requests import InvalidRequestError
from videos.routing import rate_limits
from videos.routing.clients import client_for
from videos.routing.offers import Offers
from videos.routing.rate_limits import UpstreamCall
from videos.states import Attention, Status
from videos.tasks import failures, lifecycle, turns
from videos.tasks.failures import FailureCode
from videos.tasks.submission import payload_of
from videos.upstream.base import (
    AccountRefused,
    NotSent,
    OutcomeUnknown,
    Refused,
    Submitted,
    Throttled,
    Unavailable,
    Upstream,
    UpstreamError,
)
from videos.upstream.redaction import call_detail
from videos.worker.pacing import PREPARATION, Gate, RateLimitSpent
from videos.worker.threads import in_database, in_database_with_retries

MOST_AT_ONCE = 20
"""Submissions of one job; the rate limit allows fewer."""
MOST_IN_FLIGHT = 60
"""Unanswered calls per account; more would only wait for an account that hangs."""
REQUEUE_DELAYS = (1, 2, 4, 8, 15, 30, 60)
"""Backoff in seconds by the number of attempts so far; the last value repeats."""
POSTPONEMENT = timedelta(minutes=5)
"""How long a task whose payload could not be built waits for its next try."""
log = structlog.get_logger(__name__)


def reserve_slots(account: UpstreamAccount, now: datetime) -> list[float]:
    """Reserve a slot for each queued task, as far as the rate limit allows; none if the account is disabled.

    None while the disk is nearly full, as a paid task might be neither recorded nor stored.
    """
    if not account.is_enabled:
        return []
    if disk.is_short():
        log.warning("nothing is submitted while so little space is free", free=disk.free())
        return []
    with transaction.atomic():
        models = Offers.current().served_by(account.pk)
        waiting = Task.objects.filter(model__in=models, status=Status.QUEUED, due_at__lte=now)
        sending = Task.objects.filter(account=account, status=Status.SUBMITTING)[:MOST_IN_FLIGHT].count()
        wanted = min(waiting[:MOST_AT_ONCE].count(), MOST_IN_FLIGHT - sending)
        return (
            rate_limits.reserve(account, UpstreamCall.CREATE, wanted, lead=PREPARATION) if wanted > 0 else []
        )


async def submit_next(account: UpstreamAccount, gate: Gate, clock: Callable[[], datetime]) -> None:
    """Submit the next task in turn, if there is one, when the gate opens."""
    client = await client_for(account)
    await gate.nears()
    task = await in_database(claim_next, account, clock())
    if task is None:
        return
    try:
        await gate.opens()
    except BaseException as error:
        await in_database_with_retries(_not_sent, task, error, clock())
        if isinstance(error, RateLimitSpent):
            return
        raise
    await _send(client, task, clock)


def claim_next(account: UpstreamAccount, now: datetime) -> Task | None:
    """Claim the next task in turn of those that the account serves, and store its payload."""
    with transaction.atomic():
        task = turns.next_in_turn(Offers.current().served_by(account.pk), now)
        if task is None:
            return None
        try:
            payload, problems = _translated(task)
        except Exception as error:  # a bug of ours must not keep the account's other tasks from their turn
            log.exception("a payload could not be built", task=task.public_id)
            _postpone(task, error, now)
            return None
        lifecycle.claim(task, account, payload, now)
    if problems:
        lifecycle.fail(task, FailureCode.UPSTREAM_REJECTED, problems[0], now, violations=problems)
        return None
    return task


def _postpone(task: Task, error: Exception, now: datetime) -> None:
    lifecycle.lease([task.pk], Status.QUEUED, now + POSTPONEMENT)
    lifecycle.flag(task, Attention.NOT_BUILT.about(type(error).__name__), now)


def _translated(task: Task) -> tuple[dict[str, Any], list[str]]:
    """The payload, or what is wrong with the request, if the rules changed since it was created."""
    try:
        return payload_of(task), []
    except InvalidRequestError as error:
        return {}, [violation.message for violation in error.violations]


async def _send(client: Upstream, task: Task, clock: Callable[[], datetime]) -> None:
    sent = clock()
    try:
        submitted = await client.create(task.payload)
    except UpstreamError as error:
        await in_database_with_retries(_not_accepted, task, error, sent, clock())
    except BaseException as error:
        # Interrupted during the call, or a bug of ours: whether it was sent is unknown.
        unknown = OutcomeUnknown(f"cut off ({type(error).__name__})")
        await in_database_with_retries(_not_accepted, task, unknown, sent, clock())
        raise
    else:
        # Already paid for: if the database stays away, the log still has the upstream id.
        log.info("accepted", task=task.public_id, upstream_task_id=submitted.task_id)
        await in_database_with_retries(_accepted, task, submitted, sent, clock())


def _not_sent(task: Task, error: BaseException, now: datetime) -> None:
    lifecycle.requeue(task, {"error": type(error).__name__}, now, now)


def _accepted(task: Task, submitted: Submitted, sent: datetime, now: datetime) -> None:
    detail = call_detail(UpstreamCall.CREATE, submitted, (now - sent).total_seconds())
    moved = lifecycle.accepted(
        task,
        submitted.task_id,
        now,
        generation_times.time_to_next_poll(task.model, 0, generation_times.known()),
        generation_times.expected(task.model),
        **detail,
    )
    if not moved and not Task.objects.filter(pk=task.pk, upstream_task_id=submitted.task_id).exists():
        lifecycle.flag(task, Attention.ACCEPTED_LATE, now, upstream_task_id=submitted.task_id, **detail)


def _attention_for(task: Task, error: UpstreamError) -> str:
    """Staff must mend an account that is refused, or whose credentials cannot be sent; its tasks wait."""
    if not isinstance(error, AccountRefused | NotSent):
        return ""
    log.error("an upstream account does not work", account=task.account_id, code=error.code)
    return Attention.OUR_ACCOUNT


def _not_accepted(task: Task, error: UpstreamError, sent: datetime, now: datetime) -> None:
    detail = call_detail(UpstreamCall.CREATE, error, (now - sent).total_seconds())
    if isinstance(error, Throttled | Unavailable):
        delay = REQUEUE_DELAYS[min(task.attempts, len(REQUEUE_DELAYS)) - 1]
        lifecycle.requeue(task, detail, now + timedelta(seconds=delay), now, _attention_for(task, error))
    elif isinstance(error, Refused):
        why = failures.failure(error.message, error.reason, FailureCode.UPSTREAM_REJECTED)
        lifecycle.fail(task, why.code, why.message, now, attention=why.attention, upstream=detail)
    else:
        lifecycle.in_doubt(task, detail, now)
