"""Removes a video for its tenant: cancels a task that is queued, deletes one that has ended."""

from collections.abc import Callable
from datetime import datetime

import structlog
from django.db import transaction

from videos.errors import VideoInProgress
from videos.models import Task
from videos.results import files
from videos.states import FINAL, Status, Verb, sources
from videos.tasks import lifecycle

log = structlog.get_logger(__name__)
MAX_ATTEMPTS = 3
"""Attempts at a task that changes state at the same moment; it is unlikely to change twice."""
CANCELLABLE = sources(Status.CANCELLED)
IN_PROGRESS = (
    "The video is in progress: it can be cancelled while it is queued, and deleted once it has ended"
)


def is_removable(task: Task) -> bool:
    """Whether the task can be cancelled or deleted in its current state."""
    return task.state in CANCELLABLE | FINAL


def remove(find: Callable[[], Task], now: datetime, by: str = "") -> Task:
    """Cancel a queued task, or hide one that has ended and delete its media; returns the task.

    `find` loads it from the tenant's tasks, and may raise; `by` names the person who asks, empty for an API
    key. Raises `VideoInProgress` in any other state.
    """
    for _ in range(MAX_ATTEMPTS):
        task = find()
        if _removed(task, now, by):
            # After hiding it, so that no visible task lacks its video.
            if task.hidden_at is not None and task.has_copy:
                delete_media(task, now)
            return task
    raise VideoInProgress(IN_PROGRESS)


def delete_media(task: Task, now: datetime) -> bool:
    """Delete the files of a task, then record that they are gone; returns whether that was recorded.

    If the storage fails, or pictures were added meanwhile, the next sweep tries again, as it does after an
    interruption: deleting missing files is fine.
    """
    try:
        files.delete(task)
    except Exception:  # a storage may raise anything; it must not stop the caller
        log.exception("media could not be removed", task=task.public_id)
        return False
    return lifecycle.remove_media(task, now)


def _removed(task: Task, now: datetime, by: str) -> bool:
    """False if the task has changed state since it was loaded."""
    if not is_removable(task):
        raise VideoInProgress(IN_PROGRESS)
    verb = lifecycle.cancel if task.state in CANCELLABLE else lifecycle.hide
    with transaction.atomic():
        removed = verb(task, now)
        if removed and by:
            lifecycle.record_event(task, Verb.REMOVED, now, by=by)
    return removed
