"""What can go wrong with a request or a task, as one tree.

    ReelayError
    ├── TaskNotExist          no such task, or another tenant's: the caller cannot tell
    ├── ModelNotExist         no such model on offer
    ├── TenantSuspended       the tenant was suspended after its key was read
    ├── NoUpstreamAccount     nobody can serve the model now
    ├── VideoNotReady         the task has no result yet, or never will
    └── VideoExpired          the result was kept as long as promised and is gone

What is wrong with the *content* of a request is `requests.InvalidRequestError`; what upstream may answer
stands in `upstream.base`.
"""

from enum import StrEnum


class FailureCode(StrEnum):
    """Why a task failed, in the words clients see as `error.code` (contract section 6)."""

    UPSTREAM_REJECTED = "upstream_rejected"
    CONTENT_POLICY_VIOLATION = "content_policy_violation"
    GENERATION_FAILED = "generation_failed"
    SUBMISSION_UNKNOWN = "submission_unknown"
    RESULT_LOST = "result_lost"
    CANCELLED = "cancelled"


class ReelayError(Exception):
    """Any of the errors above."""


class TaskNotExist(ReelayError):
    """There is no task of that id among the tenant's."""


class ModelNotExist(ReelayError):
    """No model of that name is on offer."""


class TenantSuspended(ReelayError):
    """The tenant's keys stopped working while the request was under way."""


class NoUpstreamAccount(ReelayError):
    """No enabled upstream account offers the model."""


class VideoNotReady(ReelayError):
    """The task has no video to download."""


class VideoExpired(ReelayError):
    """The video was kept as long as promised and has been removed."""
