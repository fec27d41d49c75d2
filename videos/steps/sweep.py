"""Sweep: whatever is not moving is moved, failed, or shown to staff. It, too, begins at the task rows."""

from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.core.files.storage import storages

from videos import lifecycle
from videos.errors import FailureCode
from videos.models import Task
from videos.states import Status

log = structlog.get_logger(__name__)
BATCH = 200
"""Rows of one kind that one sweep sees to."""
_UNKNOWN = "The upstream provider never confirmed this request; it was not charged."


def sweep(now: datetime) -> None:
    """See to every kind of task that may have stopped moving; trouble with one spares the others."""
    for part in (_cut_off_submissions, _release_doubts, _show_overdue, _remove_expired_media):
        try:
            part(now)
        except Exception:
            log.exception("a part of the sweep broke", part=part.__name__)


def _cut_off_submissions(now: datetime) -> None:
    """The worker died in the middle of the call, or before it: nobody knows."""
    for task in Task.objects.filter(status=Status.SUBMITTING, due_at__lte=now)[:BATCH]:
        lifecycle.in_doubt(task, {"error": "the worker was cut off during the submission"}, now)


def _release_doubts(now: datetime) -> None:
    """The documented release: nothing was heard for `IN_DOUBT_RELEASE_HOURS`, nobody decided."""
    for task in Task.objects.filter(status=Status.IN_DOUBT, due_at__lte=now)[:BATCH]:
        lifecycle.fail(task, FailureCode.SUBMISSION_UNKNOWN, _UNKNOWN, now, released="by time")


def _show_overdue(now: datetime) -> None:
    """A deadline is not a verdict: the task stays open until upstream says so or a person decides."""
    limit = now - timedelta(hours=settings.TASK_DEADLINE_HOURS)
    unfinished = Task.objects.filter(status__in=[Status.QUEUED, Status.RUNNING], attention="")
    for task in unfinished.filter(created_at__lte=limit)[:BATCH]:
        lifecycle.flag(task, f"still {task.status} after {settings.TASK_DEADLINE_HOURS:g} hours", now)


def _remove_expired_media(now: datetime) -> None:
    kept = Task.objects.filter(status=Status.SUCCEEDED, media_removed_at=None)
    for task in kept.filter(expires_at__lte=now)[:BATCH]:
        # The file first: should we be cut off in between, the next sweep deletes nothing and goes on.
        storages["results"].delete(task.media_name)
        lifecycle.remove_media(task, now)
