"""Removing a video at its tenant's wish: what waits is cancelled, what ended deleted, the rest let be."""

from collections.abc import Callable
from datetime import datetime

from videos import lifecycle, media
from videos.errors import VideoInProgress
from videos.models import Task
from videos.representation import has_media
from videos.states import FINAL, Status, sources

LOOKS = 3
"""How often a task that moves in the same moment is looked at again; it hardly moves twice."""
CANCELLABLE = sources(Status.CANCELLED)
IN_PROGRESS = (
    "The video is in progress: it can be cancelled while it is queued, and deleted once it has ended"
)


def is_removable(task: Task) -> bool:
    """Whether it can be cancelled or deleted as it is."""
    return task.state in CANCELLABLE | FINAL


def remove(find: Callable[[], Task], now: datetime) -> Task:
    """Cancel a task that waits, or hide one that has ended and remove its media; returns it.

    `find` looks it up among those of the tenant, and may raise. Raises `VideoInProgress` where the task is
    anything between.
    """
    for _ in range(LOOKS):
        task = find()
        if _removed(task, now):
            return task
    raise VideoInProgress(IN_PROGRESS)


def _removed(task: Task, now: datetime) -> bool:
    """Whether it worked; False where the task moved after it was looked at."""
    if task.state in CANCELLABLE:
        return lifecycle.cancel(task, now)
    if task.state not in FINAL:
        raise VideoInProgress(IN_PROGRESS)
    # Hidden first: were it the other way round, a video could be shown that is not there.
    hidden = lifecycle.hide(task, now)
    if hidden and has_media(task):
        media.delete(task, now)
    return hidden
