"""When a task should be done: its place in the queues over their pace, and the usual time of its model."""

from datetime import datetime, timedelta

from accounts.quotas.in_force import limits_of
from videos.estimates import generation_times
from videos.estimates.queue_position import Place
from videos.models import Task
from videos.states import FINAL, Status

MOST_AHEAD = 2000
"""Tasks that are counted; behind more of them, it takes at least as long as that."""


def place_of(task: Task, now: datetime) -> Place | None:
    """Where a task stands in its tenant's own queue; None where it does not wait there."""
    if task.state is not Status.WAITING:
        return None
    ahead = Task.objects.filter(tenant=task.tenant_id, status=Status.WAITING, id__lte=task.pk).count()
    limit = limits_of(task.tenant_id).concurrent_tasks
    return Place.at(ahead, limit, generation_times.expected(task.model), now)


def done_at(task: Task, place: Place | None, now: datetime) -> datetime | None:
    """When a task at that place should have its video; None where nobody can tell, and where it has ended."""
    if task.state in FINAL or task.state is Status.IN_DOUBT:
        return None
    if task.accepted_at is not None:
        expected = task.expected_seconds or generation_times.expected(task.model)
        return max(now, task.accepted_at + timedelta(seconds=expected))
    start = place.estimated_start if place else _start(task, now)
    return start and start + timedelta(seconds=generation_times.expected(task.model))


def _start(task: Task, now: datetime) -> datetime:
    """When it should be submitted, of what waits on its account."""
    before = Task.objects.filter(account=task.account_id, status=Status.QUEUED, turn__lt=task.turn)
    ahead = before[:MOST_AHEAD].count() if task.state is Status.QUEUED else 0
    return now + timedelta(seconds=ahead / task.account.creates_per_second)
