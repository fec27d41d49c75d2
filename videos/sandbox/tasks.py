"""Accepted tasks and their progress. Pure: the clock is passed in, in Unix seconds."""

import math
import random
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from videos.sandbox.protocol import ApiError
from videos.sandbox.scripts import Behaviour

WAITING_SHARE = 0.1  # of the generation time


@dataclass
class ResultFault:
    """How a result link misbehaves, and for how many more downloads (None: unlimited)."""

    kind: str
    left: int | None

    def use(self) -> str:
        """Return the kind of this download's fault, empty if none is left."""
        if self.left == 0:
            return ""
        if self.left is not None:
            self.left -= 1
        return self.kind


@dataclass
class SandboxTask:
    """An accepted create call. It ends when its time is over and its file exists, or when it fails."""

    task_id: str
    secret_id: str
    payload: Mapping[str, Any]
    created_at: float
    run_at: float
    due_at: float
    failure: str = ""
    file: Path | None = None
    file_ready_at: float = math.inf
    describes: int = 0
    status_word: str = ""
    urls_withheld: int | None = 0  # remaining DONE responses without a link; None: all
    result_fault: ResultFault | None = None

    @property
    def prompt(self) -> str:
        return self.payload.get("Prompt") or ""

    @property
    def ended_at(self) -> float:
        """When it becomes DONE or FAIL; infinite while unknown."""
        return self.due_at if self.failure else max(self.due_at, self.file_ready_at)

    def status(self, now: float) -> str:
        if now >= self.ended_at:
            return "FAIL" if self.failure else "DONE"
        return self.status_word or ("WAIT" if now < self.run_at else "RUN")

    def take(self, seconds: float) -> None:
        """Set how many seconds the generation takes, from the task's creation."""
        self.run_at = self.created_at + seconds * WAITING_SHARE
        self.due_at = self.created_at + seconds

    def finish(self, now: float) -> None:
        """End the generation now; the task is DONE once its file exists too."""
        self.run_at, self.due_at = min(self.run_at, now), min(self.due_at, now)

    def deliver(self, file: Path, now: float) -> None:
        self.file, self.file_ready_at = file, now

    def fail(self, message: str, now: float) -> None:
        self.failure = message
        self.finish(now)

    def withhold_url(self) -> bool:
        """Whether this DONE response comes without a link; counts it."""
        if self.urls_withheld is None:
            return True
        withheld, self.urls_withheld = self.urls_withheld > 0, max(0, self.urls_withheld - 1)
        return withheld

    def shape(self, behaviour: Behaviour) -> None:
        """Apply a script's verb of kind `task`."""
        match behaviour.verb, behaviour.arguments:
            case "generation_seconds", {"seconds": seconds}:
                self.take(max(0, seconds))
            case "fail", {"message": message}:
                self.failure = message
            case "never_end", _:
                self.due_at = math.inf
            case "done_without_url", {"describes": describes}:
                self.urls_withheld = describes
            case "broken_result", {"kind": kind, "times": times}:
                self.result_fault = ResultFault(kind, times)
            case "status_word", {"word": word}:
                self.status_word = word


class GenerationTimes:
    """Random generation times: normally distributed seconds, never negative."""

    def __init__(self, mean: float, sigma: float = 0.0, seed: int | None = None) -> None:
        self._mean, self._sigma = mean, sigma
        self._random = random.Random(seed)  # noqa: S311 - simulated durations, nothing secret

    def draw(self) -> float:
        return max(0.0, self._random.gauss(self._mean, self._sigma)) if self._sigma else self._mean


class TaskStore:
    """All tasks since the start or the last reset."""

    def __init__(self, times: GenerationTimes) -> None:
        self._times = times
        self._tasks: dict[str, SandboxTask] = {}

    def __iter__(self) -> Iterator[SandboxTask]:
        return iter(self._tasks.values())

    def accept(self, secret_id: str, payload: Mapping[str, Any], now: float) -> SandboxTask:
        task = SandboxTask(f"4-AigcVideo-{uuid.uuid4().hex}", secret_id, payload, now, now, now)
        task.take(self._times.draw())
        self._tasks[task.task_id] = task
        return task

    def get(self, task_id: str) -> SandboxTask | None:
        """Return a task of any account."""
        return self._tasks.get(task_id)

    def find(self, task_id: str, secret_id: str) -> SandboxTask:
        """Return a task of this account. Raises `ApiError` for any other."""
        task = self._tasks.get(task_id)
        if task is None or task.secret_id != secret_id:
            raise ApiError("ResourceNotFound.TaskNotFound", f"The task `{task_id}` is not found.")
        return task

    def clear(self) -> None:
        self._tasks.clear()
