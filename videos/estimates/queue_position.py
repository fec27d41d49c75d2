"""Positions in a tenant's own queue: tasks above its concurrency limit wait in order of creation."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from accounts.quotas.in_force import default_limits
from videos.estimates import generation_times
from videos.models import Task
from videos.states import Status

UNLIMITED = 2**31 - 1
"""Stands for a quota without a limit, as NULL means that there is no quota."""

_WAITS = f"task.status = '{Status.WAITING}'"
_LIMIT = f"""CASE WHEN {_WAITS} THEN (SELECT coalesce(concurrent_tasks, {UNLIMITED})
    FROM accounts_quota quota WHERE quota.tenant_id = task.tenant_id) END"""  # noqa: S608 - made of the constants above
_USUAL = f"""CASE WHEN {_WAITS} THEN
    (SELECT usual FROM videos_generationstat known WHERE known.model = task.model) END"""  # noqa: S608 - likewise
COLUMNS = (
    f"""CASE WHEN {_WAITS} THEN (SELECT count(*) FROM videos_task ahead WHERE ahead.tenant_id = task.tenant_id
        AND ahead.status = '{Status.WAITING}' AND ahead.id <= task.id) END""",  # noqa: S608 - likewise
    _LIMIT,
    _USUAL,
)
"""SQL for the arguments of `QueuePosition.of`, given `task`: position, limit, usual time."""
WAITING = f"""(SELECT ARRAY(SELECT id FROM videos_task WHERE tenant_id = asked.tenant
    AND status = '{Status.WAITING}' ORDER BY id) AS ids) waiting"""  # noqa: S608 - likewise
"""SQL for the queue of the tenant `asked.tenant`, to be joined once for a list of its tasks."""
OF_LISTED = {
    "position": f"CASE WHEN {_WAITS} THEN array_position(waiting.ids, task.id) END",
    "queue_limit": _LIMIT,
    "usual": _USUAL,
}
"""The same as COLUMNS for a list, given `task` and `waiting`."""


@dataclass(frozen=True)
class QueuePosition:
    """A task's position in its tenant's queue, from 1."""

    position: int
    estimated_start: datetime | None
    """None if the tenant's limit is 0."""

    @classmethod
    def at(cls, position: int, limit: int | None, usual: float, now: datetime) -> "QueuePosition":
        """Assumes `limit` tasks at work that take `usual` seconds each and end evenly spread."""
        if limit == 0:
            return cls(position, None)
        return cls(position, now + timedelta(seconds=position * usual / limit if limit else 0))

    @classmethod
    def of(
        cls, model: str, position: int | None, limit: int | None, usual: float | None, now: datetime
    ) -> "QueuePosition | None":
        """From the values of `COLUMNS` for a task of the model; None if it does not wait.

        `limit` is None without a quota, `usual` (seconds) if no time is known.
        """
        if position is None:
            return None
        limit = default_limits().concurrent_tasks if limit is None else limit
        return cls.at(position, limit, usual or generation_times.guess(model).usual, now)


def counted(task: Task, limit: int | None, now: datetime) -> QueuePosition | None:
    """The position of one task, given its tenant's concurrency limit; None if it does not wait."""
    if task.state is not Status.WAITING:
        return None
    ahead = Task.objects.filter(tenant=task.tenant_id, status=Status.WAITING, id__lte=task.pk).count()
    return QueuePosition.at(ahead, limit, generation_times.expected(task.model), now)
