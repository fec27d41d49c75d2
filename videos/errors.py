"""The exceptions of requests and tasks.

A missing task, or another tenant's, is `Task.DoesNotExist`: the caller cannot tell which. Invalid *content*
of a request is `requests.InvalidRequestError`; upstream's errors are in `upstream.base`.
"""

from collections.abc import Sequence

from accounts.quotas.limits import Allowance, LimitReached
from videos.requests.rules import Rule, Values


class ReelayError(Exception):
    """Base class of the errors below."""

    rule: Rule | None = None
    """What people are told of it; None if no form can cause it."""
    values: Values = {}


class ModelNotExist(ReelayError):
    """No model with that name is available."""


class ModelNotAllowed(ReelayError):
    """The API key may not use the model."""

    rule = Rule.MODEL_NOT_ALLOWED

    def __init__(self, model: str) -> None:
        super().__init__(f"This API key may not use the model '{model}'")
        self.values = {"model": model}


class KeyRefused(ReelayError):
    """The API key stopped working after the request was authenticated."""

    rule = Rule.TENANT_SUSPENDED


class NoUpstreamAccount(ReelayError):
    """No upstream account that works can take the task."""

    rule = Rule.NO_ACCOUNT

    def __init__(self) -> None:
        super().__init__("No upstream account can take this request at the moment")


class NoPrice(ReelayError):
    """The model has no price in force."""

    rule = Rule.NO_PRICE

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
    """The quote exceeds the request's `max_cost`; both with the currency."""

    rule = Rule.COST_OVER_MAXIMUM

    def __init__(self, cost: str, most: str) -> None:
        super().__init__(f"This video costs {cost}; max_cost is {most}")
        self.values = {"cost": cost, "most": most}


class IdempotencyKeyReused(ReelayError):
    """The Idempotency-Key was used with a different body within its retention period."""

    rule = Rule.FORM_SENT_BEFORE


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

    rule = Rule.FILE_NOT_STORED

    def __init__(self) -> None:
        super().__init__("The file could not be stored; send it again in a moment")
