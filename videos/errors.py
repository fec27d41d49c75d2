"""What can go wrong with a request or a task, as one tree.

    ReelayError
    ├── ModelNotExist         no such model on offer
    ├── ModelNotAllowed       the key may not use the model
    ├── KeyRefused            the key stopped working after it was read
    ├── NoUpstreamAccount     nobody can serve the model now
    ├── NoPrice               nobody has said what the model costs
    ├── NotAdmitted           a limit of the tenant or of the key stands against the task
    ├── MaxCostExceeded       the task would cost more than the client said it may
    ├── IdempotencyKeyReused  the key came with another body before
    ├── VideoInProgress       the task can be neither cancelled nor deleted now
    ├── VideoNotReady         the task has no result yet, or never will
    └── VideoExpired          the result was kept as long as promised and is gone

A task that is not there, or another tenant's, is `Task.DoesNotExist`: the caller cannot tell which. What is
wrong with the *content* of a request is `requests.InvalidRequestError`; what upstream may answer stands in
`upstream.base`.
"""

from collections.abc import Sequence

from accounts.quotas.limits import Allowance, LimitReached


class ReelayError(Exception):
    """Any of the errors above."""


class ModelNotExist(ReelayError):
    """No model of that name is on offer."""


class ModelNotAllowed(ReelayError):
    """The key that asks is not for that model."""


class KeyRefused(ReelayError):
    """The key stopped working while the request was under way."""


class NoUpstreamAccount(ReelayError):
    """No enabled upstream account offers the model."""

    def __init__(self) -> None:
        super().__init__("No upstream account can take this request at the moment")


class NoPrice(ReelayError):
    """No price of the model is in force."""

    def __init__(self) -> None:
        super().__init__("This model has no price at the moment")


class NotAdmitted(ReelayError):
    """Limits stand against the task; `refusals` are all of them, in the contract's order.

    `allowance` is what is left of the nearest limit of requests per minute, if there is one.
    """

    def __init__(self, refusals: Sequence[LimitReached], allowance: Allowance | None = None) -> None:
        super().__init__(refusals[0].message)
        self.refusals = tuple(refusals)
        self.allowance = allowance


class MaxCostExceeded(ReelayError):
    """The quote is higher than the `max_cost` of the request."""


class IdempotencyKeyReused(ReelayError):
    """The Idempotency-Key was used for another body within the time keys are kept."""


class VideoInProgress(ReelayError):
    """The task is at work upstream: too late to cancel, too early to delete."""


class VideoNotReady(ReelayError):
    """The task has no video to download."""


class VideoExpired(ReelayError):
    """The video was kept as long as promised and has been removed."""
