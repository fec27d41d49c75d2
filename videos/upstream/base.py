"""The interface of every upstream, and its errors, which say whether a call may be retried."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from accounts.buckets import Destination
from videos.products import Product
from videos.requests.values import storable


@dataclass(frozen=True)
class Connection:
    """What it takes to call one account with a provider."""

    product: Product
    endpoint: str
    """The base URL of the API."""
    secret_id: str
    secret_key: str = field(repr=False)
    region: str = ""
    """Sent along if it is given; Tencent's AIGC actions need none."""
    sub_app_id: int | None = None
    """The application inside a VOD account."""
    proxy_url: str = field(default="", repr=False)
    """An HTTP(S) proxy for all calls; may hold a password."""


@dataclass(frozen=True)
class Submission:
    """What a create call says besides the request, as far as the product has fields for it."""

    destination: Destination | None = None
    """The bucket where upstream is to store the video; None: it stays with upstream for a while."""
    session: str = ""
    """Names the submission; upstream refuses the second of one name. At most 50 characters."""


@dataclass(frozen=True)
class Reason:
    """What a refusal or a failure is about, as the provider's folder classifies it."""

    is_content_policy: bool = False
    is_ours: bool = False
    """It concerns our account with the provider, and is not shown to tenants."""
    may_be_bucket: bool = False
    """It may concern only the bucket that the video was to go to, if there was one."""


class UpstreamError(Exception):
    """A call failed; `code`, `message` and `request_id` are upstream's own, for staff.

    `advice` says in English what staff should do, to be translated when shown; empty if that is not known.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str = "",
        request_id: str = "",
        reason: Reason | None = None,
        advice: str = "",
    ) -> None:
        self.reason = reason or Reason()
        self.advice = advice
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


class Duplicate(Refused):
    """Upstream has a task of this session already, so nothing new was made."""


class Throttled(UpstreamError):
    """Upstream certainly did not act for now: retry later."""


class Busy(Throttled):
    """Upstream lacks capacity for this task for now; it says nothing about the account."""


class Faulted(Throttled):
    """Upstream certainly did not act, and failed without saying why: retry a few times, then give up."""


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
    never_ran: bool = False
    """It failed only because the account was full: upstream did not work on it and charges nothing."""
    request_id: str = ""
    answer: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)
    """The raw response, for staff."""


class Upstream(Protocol):
    """One account at one upstream."""

    can_find: bool
    """Whether a task can be found by its session, and a create repeated under one without making a twin."""

    async def create(self, payload: Mapping[str, Any]) -> Submitted:
        """Submit a task, which costs money. Raises `UpstreamError`; `Duplicate` if its session is taken."""

    async def describe(self, task_id: str) -> Progress:
        """Query a task. Raises `UpstreamError`."""

    async def find(self, session: str, since: datetime, until: datetime) -> str | None:
        """The id of the task submitted under this session between the two times; None if there is none.

        Raises `UpstreamError`. Only for upstreams that `can_find`.
        """

    async def check(self) -> None:
        """Make a signed call that costs nothing. Raises `UpstreamError` if the account does not work."""

    async def aclose(self) -> None:
        """Close its connections."""
