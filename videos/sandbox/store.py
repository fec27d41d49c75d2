"""All tasks since the start or the last reset, and which of them are open. Pure: the clock is passed in."""

import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from videos.sandbox.protocol import MPS, VOD, ApiError
from videos.sandbox.tasks import REMEMBERED, GenerationTimes, Owner, SandboxTask

NEW_ID: dict[str, Callable[[Owner], str]] = {
    MPS: lambda owner: f"4-AigcVideo-{uuid.uuid4().hex}",
    VOD: lambda owner: f"{owner.sub_app_id}-AigcVideoTask-{uuid.uuid4().hex}t",
}
NOT_FOUND = {MPS: "ResourceNotFound.TaskNotFound", VOD: "InvalidParameterValue.TaskId"}


class TaskStore:
    """All tasks since the start or the last reset."""

    def __init__(self, times: GenerationTimes) -> None:
        self._times = times
        self._tasks: dict[str, SandboxTask] = {}
        self._open: defaultdict[tuple[str, str], list[SandboxTask]] = defaultdict(list)
        self._sessions: dict[tuple[Owner, str], SandboxTask] = {}

    def __iter__(self) -> Iterator[SandboxTask]:
        return iter(self._tasks.values())

    def accept(
        self, owner: Owner, payload: Mapping[str, Any], now: float, *, most_open: int | None = None
    ) -> SandboxTask:
        """Accept a task; it overflows if the account has `most_open` open ones of the product already."""
        task = SandboxTask(NEW_ID[owner.product](owner), owner, payload, now, now, now)
        task.take(self._times.draw())
        self._tasks[task.task_id] = task
        if task.session:
            self._sessions[owner, task.session] = task
        if most_open is not None and self.count_open(owner.product, owner.secret_id, now) >= most_open:
            task.overflow()
        else:
            self._open[owner.product, owner.secret_id].append(task)
        return task

    def get(self, task_id: str) -> SandboxTask | None:
        """Return a task of any account."""
        return self._tasks.get(task_id)

    def find(self, task_id: str, owner: Owner, now: float) -> SandboxTask:
        """Return a task of this owner. Raises `ApiError` for any other, and on VOD for old ones."""
        task = self._tasks.get(task_id)
        if task is None or task.owner != owner or (owner.product == VOD and _is_forgotten(task, now)):
            raise ApiError(NOT_FOUND[owner.product], f"The task `{task_id[:100]}` is not found.")
        return task

    def recent(self, owner: Owner, now: float) -> list[SandboxTask]:
        """Return the owner's tasks of the last three days, the oldest first."""
        return [task for task in self if task.owner == owner and not _is_forgotten(task, now)]

    def has_session(self, owner: Owner, session: str, now: float) -> bool:
        """Whether the owner created a task under this session in the last three days."""
        task = self._sessions.get((owner, session)) if session else None
        return task is not None and not _is_forgotten(task, now)

    def count_open(self, product: str, secret_id: str, now: float) -> int:
        """Return how many tasks of an account have not ended; those that overflowed never count."""
        still = [task for task in self._open[product, secret_id] if not task.has_ended(now)]
        self._open[product, secret_id] = still  # what has ended never runs again
        return len(still)

    def clear(self) -> None:
        for part in (self._tasks, self._open, self._sessions):
            part.clear()


def _is_forgotten(task: SandboxTask, now: float) -> bool:
    return now - task.created_at >= REMEMBERED
