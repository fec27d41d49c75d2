"""Poll: ask upstream about running tasks, each when it is likely to have finished."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import transaction
from django.db.models import FloatField
from django.db.models.expressions import OrderBy, RawSQL

from videos.catalogue import GenerationTime
from videos.estimates import generation_times, poll_schedule
from videos.models import Task, UpstreamAccount
from videos.routing import health, rate_limits
from videos.routing.clients import client_for
from videos.routing.rate_limits import UpstreamCall
from videos.states import Attention, Status
from videos.tasks import failures, lifecycle
from videos.tasks.failures import FailureCode
from videos.upstream.base import Phase, Progress, Refused, Throttled, UpstreamError
from videos.upstream.redaction import call_detail, redacted
from videos.worker.pacing import PREPARATION, Gate, RateLimitSpent, backoff
from videos.worker.threads import in_database

MOST_AT_ONCE = 100
"""Tasks one job considers; the rate limit allows fewer."""
SLOT_HORIZON = timedelta(seconds=1.25)
"""Slots are reserved this far ahead, so that none is wasted if the next tick is late."""
WAIT_FOR_LINK = timedelta(minutes=15)
"""How long a task that is done but has no result link is polled before it fails."""
log = structlog.get_logger(__name__)
_RELATIVE_LATENESS = """EXTRACT(EPOCH FROM %s - looked_at)
    / SQRT(GREATEST(0.001, EXTRACT(EPOCH FROM due_at - looked_at)))"""


def claim_due(account: UpstreamAccount, now: datetime) -> tuple[list[float], list[Task]]:
    """Claim due tasks, the latest relative to the root of their interval first, as many as there are slots.

    Returns the slots for the calls and the tasks. Each task's next poll is scheduled at once, so a task whose
    worker dies is polled again then.
    """
    running = Task.objects.filter(account=account, status=Status.RUNNING)
    next_looks = list(
        running.order_by("due_at").values_list("due_at", flat=True)[: poll_schedule.MOST_COUNTED]
    )
    wanted, slots = min(MOST_AT_ONCE, sum(due_at <= now for due_at in next_looks)), []
    if wanted:
        slots = rate_limits.reserve(account, UpstreamCall.DESCRIBE, wanted, SLOT_HORIZON, lead=PREPARATION)
    with transaction.atomic():
        lateness = RawSQL(_RELATIVE_LATENESS, [now], output_field=FloatField())  # noqa: S611 - no input in it
        ordered = running.filter(due_at__lte=now).order_by(OrderBy(lateness, descending=True))
        tasks = list(ordered.select_for_update(skip_locked=True, of=("self",))[: len(slots)])
        _set_next_looks(tasks, now, poll_schedule.stretch(len(next_looks)))
    return slots, tasks


async def look(account: UpstreamAccount, task: Task, gate: Gate, clock: Callable[[], datetime]) -> None:
    """Poll one task when the gate opens, and apply the answer; without one nothing changes."""
    client = await client_for(account)
    try:
        await _may_ask(account, gate, clock)
        sent = clock()
        progress = await client.describe(task.upstream_task_id or "")
    except Refused as error:
        attention = Attention.NOT_TOLD.about(redacted(str(error)))
        detail = call_detail(UpstreamCall.DESCRIBE, error, (clock() - sent).total_seconds())
        await in_database(lifecycle.flag, task, attention, clock(), **detail)
    except (UpstreamError, RateLimitSpent) as error:
        log.info("no news of a task", task=task.public_id, account=account.name, error=type(error).__name__)
        if isinstance(error, UpstreamError):
            await in_database(health.record_query, account.pk, error, clock(), account.state)
    else:
        if account.state.recent_queries:
            await in_database(health.record_query, account.pk, None, clock(), account.state)
        if progress.word != task.upstream_status or progress.phase in (Phase.DONE, Phase.FAILED):
            detail = call_detail(UpstreamCall.DESCRIBE, progress, (clock() - sent).total_seconds())
            await in_database(_apply, account, task, progress, clock(), detail)


async def _may_ask(account: UpstreamAccount, gate: Gate, clock: Callable[[], datetime]) -> None:
    """Wait for the gate. Raises `RateLimitSpent`, too, if the account went out of service meanwhile."""
    await gate.opens()
    if health.is_out(account.pk, clock()):
        raise RateLimitSpent


def _set_next_looks(tasks: list[Task], now: datetime, stretched: float) -> None:
    learned = generation_times.known() if tasks else {}
    lifecycle.looked_at({task: now + _until_next_look(task, now, learned, stretched) for task in tasks}, now)


def _until_next_look(
    task: Task, now: datetime, learned: dict[str, GenerationTime], stretched: float
) -> timedelta:
    if task.done_at is not None:
        return timedelta(seconds=poll_schedule.BEFORE_THE_WINDOW)  # done, only its link is missing
    age = (now - (task.accepted_at or now)).total_seconds()
    return generation_times.time_to_next_poll(task.model, age, learned, stretched)


def _apply(
    account: UpstreamAccount, task: Task, progress: Progress, now: datetime, detail: dict[str, Any]
) -> None:
    if progress.phase is Phase.DONE and progress.urls:
        lifecycle.produced(task, progress.urls[0], progress.frame_size, now, **detail)
    elif progress.phase is Phase.DONE:
        _without_link(task, now, detail)
    elif progress.never_ran:
        _never_ran(account, task, progress, now, detail)
    elif progress.phase is Phase.FAILED:
        _failed(task, progress, now, detail)
    else:
        is_known = progress.phase is not Phase.UNKNOWN
        lifecycle.progressed(task, progress.word, now, is_known=is_known, **detail)


def _without_link(task: Task, now: datetime, detail: dict[str, Any]) -> None:
    if task.done_at is None:
        lifecycle.done_without_link(task, now, **detail)
    elif now - task.done_at >= WAIT_FOR_LINK:
        lifecycle.fail(task, FailureCode.RESULT_LOST, failures.RESULT_LOST, now, **detail)


def _never_ran(
    account: UpstreamAccount, task: Task, progress: Progress, now: datetime, detail: dict[str, Any]
) -> None:
    """The account was full: it is left alone for a moment, and the task waits longer each time."""
    full = Throttled(progress.message)
    health.record_create(account.pk, full, now)
    lifecycle.never_ran(task, now + backoff(task.attempts), now, **detail)


def _failed(task: Task, progress: Progress, now: datetime, detail: dict[str, Any]) -> None:
    why = failures.failure(progress.message, progress.reason, FailureCode.GENERATION_FAILED)
    shown = {"attention": why.attention, "upstream": redacted(progress.message)}
    lifecycle.fail(task, why.code, why.message, now, **shown, **detail)
