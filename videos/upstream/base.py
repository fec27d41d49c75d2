"""What every upstream can do, and the four ways in which it can say no.

UpstreamError
├── Refused           it surely has nothing of it and never will: do not try again
├── Throttled         it surely has nothing of it, now: try again later
├── Unavailable       it was surely not reached: try again later
│   └── NotSent       a fault of ours before the first byte left, such as credentials no header can carry
└── OutcomeUnknown    it may have acted, the answer is lost: a paid call must not be repeated
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from videos.requests.values import storable


@dataclass(frozen=True)
class Reason:
    """What a refusal or a failure is about, as the provider's own folder reads its words."""

    is_content_policy: bool = False
    is_ours: bool = False
    """It is about our account with the provider, which is no tenant's business."""


class UpstreamError(Exception):
    """Upstream did not do what was asked; `code`, `message` and `request_id` are its own, for staff."""

    def __init__(
        self, message: str, *, code: str = "", request_id: str = "", reason: Reason | None = None
    ) -> None:
        self.reason = reason or Reason()
        self.code, self.message, self.request_id = storable(code), storable(message), storable(request_id)
        super().__init__(f"{self.code}: {self.message}" if code else self.message)

    def as_detail(self) -> dict[str, str]:
        """For an event of a task."""
        return {
            "error": type(self).__name__,
            "code": self.code,
            "message": self.message,
            "request_id": self.request_id,
        }


class Refused(UpstreamError):
    """Upstream answered that it will not do this, now or later."""


class Throttled(UpstreamError):
    """Upstream answered that it will not do this just now."""


class Unavailable(UpstreamError):
    """Upstream was surely not reached."""


class NotSent(Unavailable):
    """The request could not even be made; somebody has to mend the account's settings."""


class OutcomeUnknown(UpstreamError):
    """Upstream may or may not have acted."""


class Phase(StrEnum):
    """What a task is doing upstream."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"
    """A word never seen before: still running, as far as anybody can tell."""


@dataclass(frozen=True)
class Submitted:
    """Upstream has accepted a task under this id."""

    task_id: str
    request_id: str
    answer: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)
    """As it came, for staff."""


@dataclass(frozen=True)
class Progress:
    """What upstream says of a task. `word` is its own; `urls` are short-lived links to the results."""

    phase: Phase
    word: str
    urls: tuple[str, ...] = ()
    frame_size: str = ""
    """Such as `1920x1080`; empty until known."""
    message: str = ""
    reason: Reason = Reason()
    """Of a failure."""
    request_id: str = ""
    answer: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)
    """As it came, for staff."""


class Upstream(Protocol):
    """One account at one upstream."""

    async def create(self, payload: Mapping[str, Any]) -> Submitted:
        """Submit a task, which costs money. Raises `UpstreamError`."""

    async def describe(self, task_id: str) -> Progress:
        """Ask about a task. Raises `UpstreamError`."""

    async def aclose(self) -> None:
        """Let go of its connections."""
