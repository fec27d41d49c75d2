"""Why tasks fail: the codes and messages that tenants get, and what they can do."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from videos.states import Attention
from videos.upstream.base import Reason
from videos.upstream.redaction import for_tenant

Text = str | Promise


class FailureCode(StrEnum):
    """Why a task failed; clients see it as `error.code` (contract section 6)."""

    UPSTREAM_REJECTED = "upstream_rejected"
    CONTENT_POLICY_VIOLATION = "content_policy_violation"
    GENERATION_FAILED = "generation_failed"
    SUBMISSION_UNKNOWN = "submission_unknown"
    RESULT_LOST = "result_lost"
    CANCELLED = "cancelled"


RESULT_LOST = "The video was made but could not be retrieved."
UNCONFIRMED = "The upstream provider never confirmed this request; it was not charged."
GIVEN_UP = "The upstream provider did not finish this video; it was given up and not charged."
REFUSED = "The upstream provider did not accept this request."
_SENTENCES = {
    FailureCode.UPSTREAM_REJECTED: REFUSED,
    FailureCode.GENERATION_FAILED: "The upstream provider could not generate this video.",
}
"""Shown to tenants if upstream's own message must not be."""


_OURS = frozenset({RESULT_LOST, UNCONFIRMED, GIVEN_UP, *_SENTENCES.values()})
_OF_UPSTREAM = (
    FailureCode.UPSTREAM_REJECTED,
    FailureCode.CONTENT_POLICY_VIOLATION,
    FailureCode.GENERATION_FAILED,
)
"""Failures whose messages may be upstream's own."""


def upstream_message(code: str, message: str) -> str:
    """The message of a failure if it is upstream's own; our own sentences say no more than the advice."""
    return message if code in _OF_UPSTREAM and message not in _OURS else ""


class Failure(NamedTuple):
    """Why a task failed: code and message for the tenant, and why staff should look at it (may be empty)."""

    code: FailureCode
    message: str
    attention: str


def failure(message: str, reason: Reason, otherwise: FailureCode) -> Failure:
    """The failure for upstream's message on a task that failed or was refused.

    Messages about our own account are not shown to tenants.
    """
    neutral = _SENTENCES[otherwise]
    return Failure(
        FailureCode.CONTENT_POLICY_VIOLATION if reason.is_content_policy else otherwise,
        neutral if reason.is_ours else for_tenant(message, neutral),
        Attention.OUR_ACCOUNT if reason.is_ours else "",
    )


LABELS: Mapping[str, Text] = {
    FailureCode.UPSTREAM_REJECTED: _("Refused by the provider"),
    FailureCode.CONTENT_POLICY_VIOLATION: _("Violates the content policy"),
    FailureCode.GENERATION_FAILED: _("Generation failed"),
    FailureCode.SUBMISSION_UNKNOWN: _("Never confirmed"),
    FailureCode.RESULT_LOST: _("Result lost"),
    FailureCode.CANCELLED: _("Cancelled"),
}
"""Why tasks failed, for lists."""


def label_for(code: str) -> Text:
    """A failure code in words; empty for none."""
    return LABELS.get(code, code)


class Move(StrEnum):
    """Who has to act before the request can succeed."""

    CLIENT = "client"
    """The client, by changing the request."""
    STAFF = "staff"
    """Staff of the gateway, by looking for the cause."""
    NOBODY = "nobody"


@dataclass(frozen=True)
class Advice:
    """What happened, and what the tenant can do; `docs/errors.md` says the same.

    A failed task is never charged.
    """

    happened: Text
    do: Text
    whose: Move
    try_again: bool
    """Whether the same request may succeed another time."""


ADVICE: dict[str, Advice] = {
    FailureCode.UPSTREAM_REJECTED: Advice(
        _("The provider did not accept the request."),
        _("Read its message, change the request, and try again. Nothing was charged."),
        whose=Move.CLIENT,
        try_again=False,
    ),
    FailureCode.CONTENT_POLICY_VIOLATION: Advice(
        _("According to the provider, the prompt, an image or the result violates its content policy."),
        _("Change the prompt or the images, and try again. Nothing was charged."),
        whose=Move.CLIENT,
        try_again=False,
    ),
    FailureCode.GENERATION_FAILED: Advice(
        _("The provider started but could not generate the video."),
        _("Often the same request works the second time. Nothing was charged."),
        whose=Move.NOBODY,
        try_again=True,
    ),
    FailureCode.SUBMISSION_UNKNOWN: Advice(
        _("The provider never confirmed the request, so the task was closed."),
        _("Request the video again. Nothing was charged."),
        whose=Move.NOBODY,
        try_again=True,
    ),
    FailureCode.RESULT_LOST: Advice(
        _("The video was made, but could not be fetched from the provider."),
        _("Request the video again. If it happens twice, check your bucket. Nothing was charged."),
        whose=Move.STAFF,
        try_again=True,
    ),
    FailureCode.CANCELLED: Advice(
        _("The video was cancelled before it was submitted."),
        _("You can request it again at any time. Nothing was charged."),
        whose=Move.NOBODY,
        try_again=True,
    ),
}


def advice_for(code: str) -> Advice | None:
    """The advice on a failure code; None for an empty one."""
    return ADVICE.get(code)
