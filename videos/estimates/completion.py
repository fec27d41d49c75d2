"""A task's progress and expected end, estimated from the usual generation time of its model."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from videos.estimates import generation_times, poll_schedule
from videos.models import Task
from videos.states import ACCEPTED, Status

MOST_WAIT = timedelta(minutes=2)
"""A task that is due in the queue for longer waits longer than usual: its start is not estimated any more."""
_MOVING = frozenset({Status.QUEUED, Status.SUBMITTING, Status.RUNNING, Status.STORING})


def progress(task: Task, now: datetime) -> int:
    """Percent, estimated, as upstream reports none; 100 only once the video is stored."""
    if task.state is Status.SUCCEEDED:
        return 100
    if task.accepted_at is None:
        return 0
    if task.done_at is not None:
        return 99
    end = task.finished_at or now
    expected = task.expected_seconds or generation_times.guess(task.model).usual
    return poll_schedule.expected_progress((end - task.accepted_at).total_seconds(), expected)


@dataclass(frozen=True)
class Outlook:
    """What a page may say about the end of an open task without taking it back later."""

    progress: int | None = None
    """Percent; None if nothing moves that could be measured."""
    done_at: datetime | None = None
    """When it should have its video; None if unknown or past."""
    is_late: bool = False
    """That time has passed."""


NO_OUTLOOK = Outlook()


def outlook(task: Task, start: datetime | None, now: datetime) -> Outlook:
    """The outlook of a task; `start` is the expected submission time of one that is queued.

    A task that waits in its tenant's own queue, for evidence or for staff has none: nobody knows its end.
    """
    if task.attention or task.state not in _MOVING:
        return NO_OUTLOOK
    at_provider = task.state in ACCEPTED
    begun = task.accepted_at if at_provider else _start(task, start, now)
    if begun is None:
        return Outlook(is_late=task.state is Status.QUEUED and now - task.due_at > MOST_WAIT)
    expected = (at_provider and task.expected_seconds) or generation_times.expected(task.model)
    end = begun + timedelta(seconds=expected)
    is_late = end < now and task.done_at is None
    return Outlook(progress(task, now) if at_provider else None, end if end >= now else None, is_late)


def _start(task: Task, expected: datetime | None, now: datetime) -> datetime | None:
    """When an unaccepted task was or will be submitted; None if unknown, or if it waits for too long already.

    An expected start that is not ahead is the time at which the task was due, so that it stands still.
    """
    if task.state is Status.SUBMITTING:
        return task.submitted_at
    if expected is None or now - task.due_at > MOST_WAIT:
        return None
    return max(expected, task.due_at) if expected > now else task.due_at
