"""Handles authenticated calls. No HTTP here; times are passed in."""

from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from videos.sandbox import mps, vod, vod_reports
from videos.sandbox.accounts import Accounts
from videos.sandbox.limits import CallLimits
from videos.sandbox.protocol import (
    CREATE,
    DESCRIBE,
    DESCRIBE_DETAIL,
    LIST,
    MPS,
    PER_SECOND,
    VOD,
    Action,
    ApiError,
)
from videos.sandbox.scripts import ScriptQueue, behaviours_in
from videos.sandbox.store import TaskStore
from videos.sandbox.tasks import GenerationTimes, Owner, SandboxTask, View
from videos.sandbox.verbs import Behaviour, ScriptError

ARRIVALS_KEPT = 200_000
CHECKS: dict[Action, Callable[[Mapping[str, Any]], None]] = {
    Action(MPS, CREATE): mps.check_create,
    Action(MPS, DESCRIBE): mps.check_describe,
    Action(VOD, CREATE): vod.check_create,
    Action(VOD, DESCRIBE_DETAIL): vod.check_describe,
    Action(VOD, LIST): vod.check_list,
}
REPORTS: dict[str, Callable[[View], dict[str, Any]]] = {MPS: mps.report, VOD: vod_reports.detail}


@dataclass(frozen=True)
class Instant:
    """A moment on both clocks, in seconds: `unix` for reports, `monotonic` for limits."""

    unix: float
    monotonic: float


@dataclass(frozen=True)
class Call:
    """An authenticated call."""

    action: Action
    secret_id: str
    payload: Mapping[str, Any]
    arrived: Instant

    @property
    def owner(self) -> Owner:
        """Whose tasks it is about. Only for checked payloads."""
        return Owner(self.action.product, self.secret_id, self.payload.get("SubAppId"))


@dataclass
class Record:
    """Statistics of all calls since the start or the last reset."""

    arrivals: deque[tuple[float, str, str, str]] = field(default_factory=lambda: deque(maxlen=ARRIVALS_KEPT))
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    refused_for_limits: int = 0

    def note(self, arrived: Instant, action: str, word: str, secret_id: str, *, refused: bool) -> None:
        """Count a call and record its arrival, outcome and account."""
        self.arrivals.append((arrived.unix, action, word, secret_id))
        self.outcomes[action, "refused" if refused else "let in"] += 1

    def clear(self) -> None:
        self.arrivals.clear()
        self.outcomes.clear()
        self.refused_for_limits = 0


class SandboxUpstream:
    """The state of the simulated products: rate limits, accounts, tasks, scripts and statistics."""

    def __init__(self, times: GenerationTimes, accounts: Accounts) -> None:
        self.accounts = accounts
        self.limits = CallLimits(PER_SECOND)
        self.scripts = ScriptQueue()
        self.tasks = TaskStore(times)
        self.record = Record()

    def note(self, arrived: Instant, action: str, word: str, secret_id: str, *, refused: bool) -> None:
        """Count a call in all statistics; `secret_id` is the claimed one, empty if it claims none."""
        self.record.note(arrived, action, word, secret_id, refused=refused)
        if secret_id and (refused or action == CREATE):
            self.accounts.figures[secret_id]["refused" if refused else "creates"] += 1

    def behaviours(self, call: Call) -> list[Behaviour]:
        """Return the call's behaviours, from scripts and prompt. Raises `ApiError` for a bad directive."""
        prompt = self._prompt(call)
        scripted = self.scripts.match(call.action, call.secret_id, prompt)
        try:
            written = behaviours_in(prompt) if call.action.name == CREATE else []
        except ScriptError as error:
            raise ApiError("InvalidParameterValue", f"Sandbox directive in `Prompt`: {error}.") from None
        return ([scripted] if scripted else []) + written

    def check_limit(self, call: Call) -> None:
        """Raise `ApiError` if the account has reached its rate limit."""
        if self.limits.window(call.secret_id, call.action).full(call.arrived.monotonic):
            self.record.refused_for_limits += 1
            self.accounts.figures[call.secret_id]["refused_for_limits"] += 1
            raise limit_error(call.action)

    def count(self, call: Call) -> None:
        """Count the call towards the account's rate limit."""
        self.limits.window(call.secret_id, call.action).take(call.arrived.monotonic)

    def create(self, call: Call, behaviours: list[Behaviour]) -> SandboxTask:
        """Accept a task. Raises `ApiError`; a task above the account's limit of open ones fails soon."""
        CHECKS[call.action](call.payload)
        now = call.arrived.unix
        if self.tasks.has_session(call.owner, call.payload.get("SessionId") or "", now):
            raise ApiError("InvalidParameterValue.SessionId", "The `SessionId` was used before.")
        most_open = self.accounts.concurrency(call.secret_id) if call.action.product == VOD else None
        task = self.tasks.accept(call.owner, call.payload, now, most_open=most_open)
        if not task.overflowed:  # otherwise it never runs, so nothing can happen to it
            for behaviour in behaviours:
                task.shape(behaviour)
        self._count_open(task, now)
        return task

    def describe(self, call: Call, behaviours: list[Behaviour]) -> View:
        """Return the task as the answer shows it, still without a link. Raises `ApiError`."""
        CHECKS[call.action](call.payload)
        task = self.tasks.find(call.payload["TaskId"], call.owner, call.arrived.unix)
        task.describes += 1
        for behaviour in behaviours:
            if behaviour.verb != "status_word":
                task.shape(behaviour)
        word = _scripted_word(behaviours) or task.status(call.arrived.unix)
        return View(task, word, call.arrived.unix)

    def list_tasks(self, call: Call, behaviours: list[Behaviour]) -> Mapping[str, Any]:
        """Return the answer to a call that lists tasks. Raises `ApiError`."""
        CHECKS[call.action](call.payload)
        now = call.arrived.unix
        recent = self.tasks.recent(call.owner, now)
        return vod_reports.listing(recent, call.payload, now, _scripted_word(behaviours))

    def count_open(self, secret_id: str, now: float) -> int:
        """Return how many tasks of an account have not ended, on both products."""
        return sum(self.tasks.count_open(product, secret_id, now) for product in REPORTS)

    def clear(self) -> None:
        self.accounts.restore()
        for part in (self.limits, self.scripts, self.tasks, self.record):
            part.clear()

    def _count_open(self, task: SandboxTask, now: float) -> None:
        secret_id = task.owner.secret_id
        figures = self.accounts.figures[secret_id]
        figures["overflowed"] += task.overflowed
        figures["most_open"] = max(figures["most_open"], self.count_open(secret_id, now))

    def _prompt(self, call: Call) -> str:
        if call.action.name == CREATE:
            prompt = call.payload.get("Prompt")
            return prompt if isinstance(prompt, str) else ""
        task = self.tasks.get(str(call.payload.get("TaskId")))
        return task.prompt if task else ""


def limit_error(action: Action) -> ApiError:
    """Return upstream's error for a call beyond the rate limit."""
    limit = f"{PER_SECOND[action]}/s"
    return ApiError("RequestLimitExceeded", f"The frequency limit of `{action.name}` ({limit}) is exceeded.")


def _scripted_word(behaviours: list[Behaviour]) -> str:
    words = [behaviour.arguments["word"] for behaviour in behaviours if behaviour.verb == "status_word"]
    return words[-1] if words else ""
