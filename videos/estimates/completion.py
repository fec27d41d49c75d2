"""A task's progress and expected end, estimated from the usual generation time of its model."""

from datetime import datetime, timedelta

from videos.estimates import generation_times, poll_schedule
from videos.models import Task
from videos.states import FINAL, Status


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


def done_at(task: Task, start: datetime | None, now: datetime) -> datetime | None:
    """When a task should have its video; None if unknown, or if the task has ended.

    `start` is the expected submission time of a task that is not accepted yet.
    """
    if task.state in FINAL or task.state is Status.IN_DOUBT:
        return None
    if task.accepted_at is not None:
        expected = task.expected_seconds or generation_times.expected(task.model)
        return max(now, task.accepted_at + timedelta(seconds=expected))
    return start and start + timedelta(seconds=generation_times.expected(task.model))
