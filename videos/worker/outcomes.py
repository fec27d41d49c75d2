"""What the end of a create call means for its task, however the end became known."""

from datetime import datetime
from typing import Any

from videos.estimates import generation_times
from videos.models import Task
from videos.states import Attention
from videos.tasks import failures, lifecycle
from videos.tasks.failures import FailureCode
from videos.upstream.base import Refused, UpstreamError


def accept(task: Task, upstream_task_id: str, now: datetime, **detail: Any) -> None:
    """Upstream has the task under this id. If it was given up meanwhile, staff are told."""
    moved = lifecycle.accepted(
        task,
        upstream_task_id,
        now,
        generation_times.time_to_next_poll(task.model, 0, generation_times.known()),
        generation_times.expected(task.model),
        **detail,
    )
    if not moved and not Task.objects.filter(pk=task.pk, upstream_task_id=upstream_task_id).exists():
        lifecycle.flag(task, Attention.ACCEPTED_LATE, now, upstream_task_id=upstream_task_id, **detail)


def give_up(task: Task, error: UpstreamError, now: datetime, **detail: Any) -> None:
    """Upstream failed again and again without saying why; nothing was made."""
    why = failures.failure(error.message, error.reason, FailureCode.GENERATION_FAILED)
    lifecycle.fail(task, why.code, why.message, now, attention=Attention.OUR_ACCOUNT, **detail)


def refuse(task: Task, error: Refused, now: datetime, **detail: Any) -> None:
    """Upstream refused the request: the task fails."""
    why = failures.failure(error.message, error.reason, FailureCode.UPSTREAM_REJECTED)
    lifecycle.fail(task, why.code, why.message, now, attention=why.attention, **detail)
