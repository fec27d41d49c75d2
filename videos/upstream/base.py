"""The interface of every upstream, and its errors, which say whether a call may be retried."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from videos.requests.values import storable


@dataclass(frozen=True)
class Reason:
    """What a refusal or a failure is about, as the provider's folder classifies it."""

    is_content_policy: bool = False
    is_ours: bool = False
    """It concerns our account with the provider, and is not shown to tenants."""


class UpstreamError(Exception):
    """A call failed; `code`, `message` and `request_id` are upstream's own, for staff."""

    def __init__(
        self, message: str, *, code: str = "", request_id: str = "", reason: Reason | None = None
    ) -> None:
        self.reason = reason or Reason()
        self.code, self.message, self.request_id = storable(code), storable(message), storable(request_id)
        super().__init__(f"{self.code}: {self.message}" if code else self.message)

    def as_detail(self) -> dict[str, str]:
        """As the detail of a task event."""
        return {
            "error": type(self).__name__,
            "code": self.code,
            "message": self.message,
            "request_id": self.request_id,
        }


class Refused(UpstreamError):
    """Upstream certainly did not act, and never will: do not retry."""


class Throttled(UpstreamError):
    """Upstream certainly did not act for now: retry later."""


class AccountRefused(Throttled):
    """Upstream certainly did not act, because of our account with it: retry once that is mended."""


class Unavailable(UpstreamError):
    """Upstream was certainly not reached: retry later."""


class NotSent(Unavailable):
    """The request could not be built, as with invalid credentials: the account's settings need fixing."""


class OutcomeUnknown(UpstreamError):
    """Upstream may have acted, but the response is lost: never retry a paid call."""


class Phase(StrEnum):
    """The state of a task upstream."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"
    """An unknown status word: treated as still running."""


@dataclass(frozen=True)
class Submitted:
    """Upstream accepted a task under this id."""

    task_id: str
    request_id: str
    answer: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)
    """The raw response, for staff."""


@dataclass(frozen=True)
class Progress:
    """Upstream's report on a task. `word` is its status word; `urls` are short-lived links to the results."""

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
    """The raw response, for staff."""


class Upstream(Protocol):
    """One account at one upstream."""

    async def create(self, payload: Mapping[str, Any]) -> Submitted:
        """Submit a task, which costs money. Raises `UpstreamError`."""

    async def describe(self, task_id: str) -> Progress:
        """Query a task. Raises `UpstreamError`."""

    async def aclose(self) -> None:
        """Close its connections."""
