"""Handles authenticated calls. No HTTP here; times are passed in."""

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from videos.sandbox.clip import clip_size
from videos.sandbox.fields import check_create, check_describe
from videos.sandbox.limits import CallLimits
from videos.sandbox.protocol import CREATE, DESCRIBE, ApiError
from videos.sandbox.scripts import Behaviour, ScriptError, ScriptQueue, behaviours_in
from videos.sandbox.tasks import GenerationTimes, SandboxTask, TaskStore

PER_SECOND = {CREATE: 10, DESCRIBE: 50}
ARRIVALS_KEPT = 200_000


@dataclass(frozen=True)
class Instant:
    """A moment on both clocks, in seconds: `unix` for reports, `monotonic` for limits."""

    unix: float
    monotonic: float


@dataclass(frozen=True)
class Call:
    """An authenticated call."""

    action: str
    secret_id: str
    payload: Mapping[str, Any]
    arrived: Instant


@dataclass
class Record:
    """Statistics of all calls since the start or the last reset."""

    arrivals: deque[tuple[float, str, str]] = field(default_factory=lambda: deque(maxlen=ARRIVALS_KEPT))
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    refused_for_limits: int = 0

    def note(self, arrived: Instant, action: str, word: str, *, refused: bool) -> None:
        """Count a call and record its arrival and outcome."""
        self.arrivals.append((arrived.unix, action, word))
        self.outcomes[action, "refused" if refused else "let in"] += 1

    def clear(self) -> None:
        self.arrivals.clear()
        self.outcomes.clear()
        self.refused_for_limits = 0


class SandboxUpstream:
    """The state of the simulated MPS: rate limits, tasks, scripts and statistics."""

    def __init__(self, times: GenerationTimes) -> None:
        self.limits = CallLimits(PER_SECOND)
        self.scripts = ScriptQueue()
        self.tasks = TaskStore(times)
        self.record = Record()

    def behaviours(self, call: Call) -> list[Behaviour]:
        """Return the call's behaviours, from scripts and prompt. Raises `ApiError` for a bad directive."""
        prompt = self._prompt(call)
        scripted = self.scripts.match(call.action, prompt)
        try:
            written = behaviours_in(prompt) if call.action == CREATE else []
        except ScriptError as error:
            raise ApiError("InvalidParameterValue", f"Sandbox directive in `Prompt`: {error}.") from None
        return ([scripted] if scripted else []) + written

    def check_limit(self, call: Call) -> None:
        """Raise `ApiError` if the account has reached its rate limit."""
        if self.limits.window(call.secret_id, call.action).full(call.arrived.monotonic):
            self.record.refused_for_limits += 1
            raise limit_error(call.action)

    def count(self, call: Call) -> None:
        """Count the call towards the account's rate limit."""
        self.limits.window(call.secret_id, call.action).take(call.arrived.monotonic)

    def create(self, call: Call, behaviours: list[Behaviour]) -> SandboxTask:
        check_create(call.payload)
        task = self.tasks.accept(call.secret_id, call.payload, call.arrived.unix)
        for behaviour in behaviours:
            task.shape(behaviour)
        return task

    def describe(self, call: Call, behaviours: list[Behaviour]) -> tuple[SandboxTask, dict[str, Any]]:
        """Return the task and upstream's report on it, without links. Raises `ApiError`."""
        task = self.tasks.find(check_describe(call.payload), call.secret_id)
        task.describes += 1
        word = task.status(call.arrived.unix)
        for behaviour in behaviours:
            if behaviour.verb == "status_word":
                word = behaviour.arguments["word"]
            else:
                task.shape(behaviour)
        return task, _report(task, word)

    def clear(self) -> None:
        for part in (self.limits, self.scripts, self.tasks, self.record):
            part.clear()

    def _prompt(self, call: Call) -> str:
        if call.action == CREATE:
            prompt = call.payload.get("Prompt")
            return prompt if isinstance(prompt, str) else ""
        task = self.tasks.get(str(call.payload.get("TaskId")))
        return task.prompt if task else ""


def limit_error(action: str) -> ApiError:
    """Return upstream's error for a call beyond the rate limit."""
    return ApiError(
        "RequestLimitExceeded", f"The frequency limit of `{action}` ({PER_SECOND[action]}/s) is exceeded."
    )


def _report(task: SandboxTask, word: str) -> dict[str, Any]:
    resolution = "x".join(str(side) for side in clip_size(task.payload)) if word == "DONE" else ""
    message = {"DONE": "ok", "FAIL": task.failure}.get(word, "")
    return {"Status": word, "VideoUrls": [], "Resolution": resolution, "Message": message}
