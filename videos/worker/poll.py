"""Poll: ask upstream about running tasks, each when it is likely to have ended."""

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
from videos.routing import rate_limits
from videos.routing.clients import client_for
from videos.routing.rate_limits import UpstreamCall
from videos.states import Attention, Status
from videos.tasks import failures, lifecycle
from videos.tasks.failures import FailureCode
from videos.upstream.base import Phase, Progress, Refused, UpstreamError
from videos.upstream.redaction import exchange
from videos.worker.pacing import PREPARATION, BudgetSpent, Gate
from videos.worker.threads import in_database

MOST_AT_ONCE = 100
"""Looks one job prepares for; the budget allows fewer."""
TICK_AND_A_BIT = timedelta(seconds=1.25)
"""Slots are taken for this long, so that none is lost where the next tick comes late."""
WAIT_FOR_LINK = timedelta(minutes=15)
"""A task that is done but has no link is asked again this long."""
log = structlog.get_logger(__name__)
_RELATIVE_LATENESS = """EXTRACT(EPOCH FROM %s - looked_at)
    / GREATEST(0.001, EXTRACT(EPOCH FROM due_at - looked_at))"""


def claim_due(account: UpstreamAccount, now: datetime) -> tuple[list[float], list[Task]]:
    """Take tasks that are due, the relatively latest first, as many as the budget allows.

    Returns the slots for the calls and the tasks. Each task's next look is set at once: a task whose
    worker dies is simply looked at again then.
    """
    due = Task.objects.filter(account=account, status=Status.RUNNING, due_at__lte=now)
    wanted = due[:MOST_AT_ONCE].count()
    slots = _slots(account, wanted) if wanted else []
    with transaction.atomic():
        lateness = RawSQL(_RELATIVE_LATENESS, [now], output_field=FloatField())  # noqa: S611 - no input in it
        ordered = due.order_by(OrderBy(lateness, descending=True))
        tasks = list(ordered.select_for_update(skip_locked=True, of=("self",))[: len(slots)])
        _set_next_looks(tasks, now)
    return slots, tasks


def _slots(account: UpstreamAccount, wanted: int) -> list[float]:
    return rate_limits.reserve(account, UpstreamCall.DESCRIBE, wanted, TICK_AND_A_BIT, lead=PREPARATION)


async def look(account: UpstreamAccount, task: Task, gate: Gate, clock: Callable[[], datetime]) -> None:
    """Ask about one task when the gate opens, and act on the answer; no answer is no news."""
    client = await client_for(account)
    try:
        await gate.opens()
        sent = clock()
        progress = await client.describe(task.upstream_task_id or "")
    except Refused as error:
        attention = Attention.NOT_TOLD.about(str(error))
        told = exchange(UpstreamCall.DESCRIBE, error, (clock() - sent).total_seconds())
        await in_database(lifecycle.flag, task, attention, clock(), **told)
    except (UpstreamError, BudgetSpent) as error:
        log.info("no news of a task", task=task.public_id, account=account.name, error=type(error).__name__)
    else:
        if progress.word != task.upstream_status or progress.phase in (Phase.DONE, Phase.FAILED):
            told = exchange(UpstreamCall.DESCRIBE, progress, (clock() - sent).total_seconds())
            await in_database(_apply, task, progress, clock(), told)


def _set_next_looks(tasks: list[Task], now: datetime) -> None:
    learned = generation_times.known() if tasks else {}
    lifecycle.looked_at({task: now + _until_next_look(task, now, learned) for task in tasks}, now)


def _until_next_look(task: Task, now: datetime, learned: dict[str, GenerationTime]) -> timedelta:
    if task.done_at is not None:
        return timedelta(seconds=poll_schedule.BEFORE_THE_WINDOW)  # done, only its link is missing
    age = (now - (task.accepted_at or now)).total_seconds()
    return generation_times.next_look(task.model, age, learned)


def _apply(task: Task, progress: Progress, now: datetime, told: dict[str, Any]) -> None:
    if progress.phase is Phase.DONE and progress.urls:
        lifecycle.produced(task, progress.urls[0], progress.frame_size, now, **told)
    elif progress.phase is Phase.DONE:
        _without_link(task, now, told)
    elif progress.phase is Phase.FAILED:
        _failed(task, progress, now, told)
    else:
        is_known = progress.phase is not Phase.UNKNOWN
        lifecycle.progressed(task, progress.word, now, is_known=is_known, **told)


def _without_link(task: Task, now: datetime, told: dict[str, Any]) -> None:
    if task.done_at is None:
        lifecycle.done_without_link(task, now, **told)
    elif now - task.done_at >= WAIT_FOR_LINK:
        lifecycle.fail(task, FailureCode.RESULT_LOST, failures.RESULT_LOST, now, **told)


def _failed(task: Task, progress: Progress, now: datetime, told: dict[str, Any]) -> None:
    why = failures.failure(progress.message, progress.reason, FailureCode.GENERATION_FAILED)
    shown = {"attention": why.attention, "upstream": progress.message}
    lifecycle.fail(task, why.code, why.message, now, **shown, **told)
