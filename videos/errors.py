"""The exceptions of requests and tasks.

A missing task, or another tenant's, is `Task.DoesNotExist`: the caller cannot tell which. Invalid *content*
of a request is `requests.InvalidRequestError`; upstream's errors are in `upstream.base`.
"""

from collections.abc import Sequence

from accounts.quotas.limits import Allowance, LimitReached


class ReelayError(Exception):
    """Base class of the errors below."""


class ModelNotExist(ReelayError):
    """No model with that name is available."""


class ModelNotAllowed(ReelayError):
    """The API key may not use the model."""


class KeyRefused(ReelayError):
    """The API key stopped working after the request was authenticated."""


class NoUpstreamAccount(ReelayError):
    """No upstream account that works can take the task."""

    def __init__(self) -> None:
        super().__init__("No upstream account can take this request at the moment")


class NoPrice(ReelayError):
    """The model has no price in force."""

    def __init__(self) -> None:
        super().__init__("This model has no price at the moment")


class NotAdmitted(ReelayError):
    """The task would exceed limits: `refusals` has all of them, in the contract's order.

    `allowance` is what is left of the requests-per-minute limit that is reached first, if there is one.
    """

    def __init__(self, refusals: Sequence[LimitReached], allowance: Allowance | None = None) -> None:
        super().__init__(refusals[0].message)
        self.refusals = tuple(refusals)
        self.allowance = allowance


class MaxCostExceeded(ReelayError):
    """The quote exceeds the request's `max_cost`."""


class IdempotencyKeyReused(ReelayError):
    """The Idempotency-Key was used with a different body within its retention period."""


class VideoInProgress(ReelayError):
    """Upstream is processing the task: too late to cancel, too early to delete."""


class VideoNotReady(ReelayError):
    """The task has no video to download, yet or ever."""


class VideoInYourBucket(ReelayError):
    """The video is in the tenant's bucket and cannot be served from there; `reason` says why, if known."""

    def __init__(self, bucket: str, region: str, key: str, reason: str) -> None:
        super().__init__(f"The video is in your bucket {bucket} ({region}) as {key}: {reason}")


class VideoExpired(ReelayError):
    """The video was removed after its retention period."""


class FileInUse(ReelayError):
    """A task that has not ended needs the file."""


class FileNotStored(ReelayError):
    """The store did not take the file."""

    def __init__(self) -> None:
        super().__init__("The file could not be stored; send it again in a moment")
