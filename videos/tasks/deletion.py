"""Removes a video for its tenant: cancels a task that is queued, deletes one that has ended."""

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum

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


class Removal(StrEnum):
    """What removing a video means in its state."""

    CANCEL = "cancel"
    DELETE = "delete"


class OtherRemoval(Exception):
    """Nothing was done: in the state that `task` has by now, another removal fits than the wanted one."""

    def __init__(self, task: Task) -> None:
        self.task = task
        super().__init__(task.public_id)


def removal_of(task: Task) -> Removal | None:
    """What is possible in the task's current state; None while it is in progress."""
    if task.state in CANCELLABLE:
        return Removal.CANCEL
    return Removal.DELETE if task.state in FINAL else None


def remove(
    find: Callable[[], Task], now: datetime, by: str = "", wanted: frozenset[Removal] = frozenset(Removal)
) -> Task:
    """Cancel a queued task, or hide one that has ended and delete its media; returns the task.

    `find` loads it from the tenant's tasks, and may raise; `by` names the person who asks, empty for an API
    key. A person wants what the page said; the API takes what fits. Raises `VideoInProgress` while neither is
    possible, and `OtherRemoval` if what is possible is not wanted.
    """
    for _ in range(MAX_ATTEMPTS):
        task = find()
        if _removed(task, now, by, wanted):
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


def _removed(task: Task, now: datetime, by: str, wanted: frozenset[Removal]) -> bool:
    """False if the task has changed state since it was loaded."""
    removal = removal_of(task)
    if removal is None:
        raise VideoInProgress(IN_PROGRESS)
    if removal not in wanted:
        raise OtherRemoval(task)
    with transaction.atomic():
        removed = _VERBS[removal](task, now)
        if removed and by:
            lifecycle.record_event(task, Verb.REMOVED, now, by=by)
    return removed


_VERBS = {Removal.CANCEL: lifecycle.cancel, Removal.DELETE: lifecycle.hide}
