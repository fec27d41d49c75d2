"""The states of a task and the transitions between them.

WAITING → QUEUED → SUBMITTING → RUNNING → STORING → SUCCEEDED
             ↑          │          └────────┴→ FAILED      refused, generation failed, result lost
             └ requeue ─┤  certainly not received: connect error, throttled
                        ├→ FAILED       refused: bad parameter, forbidden content
                        └→ IN_DOUBT     sent, response lost: settled by evidence, never by guessing
IN_DOUBT → RUNNING (evidence, a late response, staff) · → FAILED (refused after all, staff, or the release)
RUNNING → QUEUED (upstream accepted it but never ran it, as the account was full)
WAITING, QUEUED → CANCELLED

A task above its tenant's limit of concurrent tasks starts in WAITING, the tenant's own queue; all others
start in QUEUED, which serves tenants in turn.
"""

from enum import StrEnum


class Status(StrEnum):
    """The state of a task."""

    WAITING = "waiting"
    QUEUED = "queued"
    SUBMITTING = "submitting"
    IN_DOUBT = "in_doubt"
    RUNNING = "running"
    STORING = "storing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


TRANSITIONS: dict[Status, frozenset[Status]] = {
    Status.WAITING: frozenset({Status.QUEUED, Status.CANCELLED}),
    Status.QUEUED: frozenset({Status.SUBMITTING, Status.CANCELLED}),
    Status.SUBMITTING: frozenset({Status.RUNNING, Status.QUEUED, Status.IN_DOUBT, Status.FAILED}),
    Status.IN_DOUBT: frozenset({Status.RUNNING, Status.FAILED}),
    Status.RUNNING: frozenset({Status.STORING, Status.FAILED, Status.QUEUED}),
    Status.STORING: frozenset({Status.SUCCEEDED, Status.FAILED}),
    Status.SUCCEEDED: frozenset(),
    Status.FAILED: frozenset(),
    Status.CANCELLED: frozenset(),
}

FINAL = frozenset(status for status, arrows in TRANSITIONS.items() if not arrows)
ACTIVE = frozenset(Status) - FINAL
LOST = (Status.FAILED, Status.CANCELLED)
"""Ended without a video, so not charged."""
UNSENT = frozenset({Status.WAITING, Status.QUEUED})
"""Not submitted yet, or certainly not received by upstream."""
UNACCEPTED = frozenset({*UNSENT, Status.SUBMITTING})
"""Upstream has not accepted it, or not the last submission of it."""
ACCEPTED = frozenset({Status.RUNNING, Status.STORING, Status.SUCCEEDED})
"""Upstream certainly has the task."""

PUBLIC_STATUS: dict[Status, str] = {
    Status.WAITING: "queued",
    Status.QUEUED: "queued",
    Status.SUBMITTING: "queued",
    Status.IN_DOUBT: "in_progress",
    Status.RUNNING: "in_progress",
    Status.STORING: "in_progress",
    Status.SUCCEEDED: "completed",
    Status.FAILED: "failed",
    Status.CANCELLED: "failed",
}
"""The API's `status` (contract section 6)."""

STAGE: dict[Status, str] = {
    **{status: status.value for status in Status},
    Status.WAITING: "queued",
    Status.SUCCEEDED: "completed",
}
"""The API's `metadata.stage`."""


def public_status(status: Status, *, was_accepted: bool) -> str:
    """The API's `status`: once upstream has accepted a task, it never goes back to `queued`."""
    return PUBLIC_STATUS[Status.RUNNING if was_accepted and status in UNACCEPTED else status]


def stage(status: Status, *, was_accepted: bool) -> str:
    """The API's `metadata.stage`, which goes with `public_status`."""
    return STAGE[Status.RUNNING if was_accepted and status in UNACCEPTED else status]


def sources(target: Status) -> set[Status]:
    """The states with a transition to `target`."""
    return {status for status, arrows in TRANSITIONS.items() if target in arrows}


class Verb(StrEnum):
    """The events of a task."""

    CREATE = "create"
    START = "start"
    CLAIM = "claim"
    ACCEPTED = "accepted"
    REQUEUE = "requeue"
    NEVER_RAN = "never_ran"
    IN_DOUBT = "in_doubt"
    LOOKED_FOR = "looked_for"
    PROGRESSED = "progressed"
    DONE_WITHOUT_LINK = "done_without_link"
    PRODUCED = "produced"
    NEW_LINK = "new_link"
    SUCCEED = "succeed"
    FAIL = "fail"
    CANCEL = "cancel"
    HIDE = "hide"
    FLAG = "flag"
    EXPIRES_SOON = "expires_soon"
    REMOVE_MEDIA = "remove_media"
    ASKED = "asked"
    OPERATOR = "operator"
    REMOVED = "removed"
    POLL = "poll"
    CANCEL_BY_HAND = "cancel_by_hand"
    ACCEPT_BY_HAND = "accept_by_hand"
    CORRECTED = "corrected"
    CORRECT_BY_HAND = "correct_by_hand"
    RELEASE = "release"
    RESUBMIT = "resubmit"
    GIVE_UP = "give_up"
    SEEN = "seen"


class Attention(StrEnum):
    """Why staff should look at a task; a detail may follow after a colon."""

    IN_DOUBT = "in_doubt"
    UNKNOWN_WORD = "unknown_word"
    NO_LINK = "no_link"
    NOT_TOLD = "not_told"
    NOT_FETCHED = "not_fetched"
    STORE_FULL = "store_full"
    LINK_ENDS = "link_ends"
    NOT_READ = "not_read"
    ACCEPTED_LATE = "accepted_late"
    OUR_ACCOUNT = "our_account"
    BUCKET_REFUSED = "bucket_refused"
    OVERDUE = "overdue"
    NOT_BUILT = "not_built"

    def about(self, detail: str) -> str:
        """The reason with a detail: upstream's status word, an error, or a number of hours."""
        return f"{self}: {detail}"
