"""Removing a video at its tenant's wish: what waits is cancelled, what ended deleted, the rest let be."""

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
LOOKS = 3
"""How often a task that moves in the same moment is looked at again; it hardly moves twice."""
CANCELLABLE = sources(Status.CANCELLED)
IN_PROGRESS = (
    "The video is in progress: it can be cancelled while it is queued, and deleted once it has ended"
)


def is_removable(task: Task) -> bool:
    """Whether it can be cancelled or deleted as it is."""
    return task.state in CANCELLABLE | FINAL


def remove(find: Callable[[], Task], now: datetime, by: str = "") -> Task:
    """Cancel a task that waits, or hide one that has ended and remove its media; returns it.

    `find` looks it up among those of the tenant, and may raise; `by` is the person who wishes it, if it is
    one. Raises `VideoInProgress` where the task is anything between.
    """
    for _ in range(LOOKS):
        task = find()
        if _removed(task, now, by):
            # Hidden first: were it the other way round, a video could be shown that is not there.
            if task.hidden_at is not None and task.has_media:
                delete_media(task, now)
            return task
    raise VideoInProgress(IN_PROGRESS)


def delete_media(task: Task, now: datetime) -> bool:
    """Remove the files of a task, and note that they are gone; says whether that was noted.

    Where the storage is in trouble, or a still was added meanwhile, nothing is noted: the next sweep tries
    again. The files come first: should we be cut off in between, it deletes nothing and goes on.
    """
    try:
        files.delete(task)
    except Exception:  # whatever the storage in use raises; it must not stop the caller
        log.exception("media could not be removed", task=task.public_id)
        return False
    return lifecycle.remove_media(task, now)


def _removed(task: Task, now: datetime, by: str) -> bool:
    """Whether it worked; False where the task moved after it was looked at."""
    if not is_removable(task):
        raise VideoInProgress(IN_PROGRESS)
    verb = lifecycle.cancel if task.state in CANCELLABLE else lifecycle.hide
    with transaction.atomic():
        removed = verb(task, now)
        if removed and by:
            lifecycle.note(task, Verb.REMOVED, now, by=by)
    return removed
