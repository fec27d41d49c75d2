"""Accepted tasks and their progress. Pure: the clock is passed in, in Unix seconds."""

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from videos.sandbox.protocol import MPS, VOD
from videos.sandbox.verbs import Behaviour

WAITING_SHARE = 0.1  # of the generation time
DAY = 86_400  # seconds
REMEMBERED = 3 * DAY  # how long VOD tells of a task and refuses a second one of its session
OVERFLOW_ENDS_AFTER = 0.5  # seconds


class Words(NamedTuple):
    """What a product calls the states of a task."""

    waiting: str
    running: str
    done: str
    failed: str


WORDS = {
    MPS: Words("WAIT", "RUN", "DONE", "FAIL"),
    VOD: Words("WAITING", "PROCESSING", "FINISH", "FINISH"),
}


class Owner(NamedTuple):
    """Whom a task belongs to: an account of a product, on VOD an application of the account."""

    product: str
    secret_id: str
    sub_app_id: int | None = None


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
    owner: Owner
    payload: Mapping[str, Any]
    created_at: float
    run_at: float
    due_at: float
    failure: str = ""
    failure_code: str = "ModelGenerateFailed"  # both codes are told by VOD only
    failure_number: int = 70000
    overflowed: bool = False  # refused for the limit of tasks at once, after it was accepted
    file: Path | None = None
    file_ready_at: float = math.inf
    describes: int = 0
    status_word: str = ""
    urls_withheld: int | None = 0  # remaining responses that it is done without a link; None: all
    result_fault: ResultFault | None = None

    @property
    def prompt(self) -> str:
        return self.payload.get("Prompt") or ""

    @property
    def session(self) -> str:
        return self.payload.get("SessionId") or ""

    @property
    def ended_at(self) -> float:
        """When it is done or has failed; infinite while unknown."""
        return self.due_at if self.failure else max(self.due_at, self.file_ready_at)

    def has_ended(self, now: float) -> bool:
        return now >= self.ended_at

    def has_succeeded(self, now: float) -> bool:
        return self.has_ended(now) and not self.failure

    def status(self, now: float) -> str:
        """Return its state in the words of its product."""
        words = WORDS[self.owner.product]
        if self.has_ended(now):
            return words.failed if self.failure else words.done
        return self.status_word or (words.waiting if now < self.run_at else words.running)

    def take(self, seconds: float) -> None:
        """Set how many seconds the generation takes, from the task's creation."""
        self.run_at = self.created_at + seconds * WAITING_SHARE
        self.due_at = self.created_at + seconds

    def finish(self, now: float) -> None:
        """End the generation now; the task is done once its file exists too."""
        self.run_at, self.due_at = min(self.run_at, now), min(self.due_at, now)

    def deliver(self, file: Path, now: float) -> None:
        self.file, self.file_ready_at = file, now

    def fail(self, message: str, now: float) -> None:
        self.failure = message
        self.finish(now)

    def overflow(self) -> None:
        """Fail soon, without having run, because the account runs as many tasks as it may."""
        self.overflowed = True
        self.failure = "The task reached the maximum concurrency."
        self.failure_code = "RequestLimitExceeded"
        self.due_at = min(self.due_at, self.created_at + OVERFLOW_ENDS_AFTER)
        self.run_at = self.due_at

    def withhold_url(self) -> bool:
        """Whether this response that it is done comes without a link; counts it."""
        if self.urls_withheld is None:
            return True
        withheld, self.urls_withheld = self.urls_withheld > 0, max(0, self.urls_withheld - 1)
        return withheld

    def shape(self, behaviour: Behaviour) -> None:
        """Apply a script's verb of kind `task`."""
        match behaviour.verb, behaviour.arguments:
            case "generation_seconds", {"seconds": seconds}:
                self.take(max(0, seconds))
            case "fail", {"message": message, "code": code, "err_code": number}:
                self.failure, self.failure_code, self.failure_number = message, code, number
            case "never_end", _:
                self.due_at = math.inf
            case "done_without_url", {"describes": describes}:
                self.urls_withheld = describes
            case "broken_result", {"kind": kind, "times": times}:
                self.result_fault = ResultFault(kind, times)
            case "status_word", {"word": word}:
                self.status_word = word


@dataclass(frozen=True)
class View:
    """A task as one answer shows it: with this status word, and a link if the answer has one."""

    task: SandboxTask
    word: str
    now: float
    url: str = ""
    url_expires_at: float = math.inf

    @property
    def has_succeeded(self) -> bool:
        """Whether the answer says so, too; a script may call the state otherwise."""
        return self._tells_the_truth and self.task.has_succeeded(self.now)

    @property
    def has_failed(self) -> bool:
        """Whether the answer says so, too."""
        return self._tells_the_truth and self.task.has_ended(self.now) and bool(self.task.failure)

    @property
    def _tells_the_truth(self) -> bool:
        return self.word == self.task.status(self.now)


class GenerationTimes:
    """Random generation times: normally distributed seconds, never negative."""

    def __init__(self, mean: float, sigma: float = 0.0, seed: int | None = None) -> None:
        self._mean, self._sigma = mean, sigma
        self._random = random.Random(seed)  # noqa: S311 - simulated durations, nothing secret

    def draw(self) -> float:
        return max(0.0, self._random.gauss(self._mean, self._sigma)) if self._sigma else self._mean
