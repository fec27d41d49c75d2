"""What a failure means to the tenant, in plain words, and what to do about it."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from videos.errors import FailureCode

Text = str | Promise


@dataclass(frozen=True)
class Advice:
    """What happened, and what to do. A task that failed is never charged, whatever the reason."""

    happened: Text
    do: Text


ADVICE: dict[str, Advice] = {
    FailureCode.UPSTREAM_REJECTED: Advice(
        _("The provider did not accept the request."),
        _("Read its message, change the request, and try again. Nothing was charged."),
    ),
    FailureCode.CONTENT_POLICY_VIOLATION: Advice(
        _("The provider holds that the prompt, an image or the result breaks its content policy."),
        _("Change the prompt or the images, and try again. Nothing was charged."),
    ),
    FailureCode.GENERATION_FAILED: Advice(
        _("The provider began, but could not make the video."),
        _("Often the same request works the second time. Nothing was charged."),
    ),
    FailureCode.SUBMISSION_UNKNOWN: Advice(
        _("The provider never confirmed that it took the request, so it was given up."),
        _("Ask for the video again. Nothing was charged."),
    ),
    FailureCode.RESULT_LOST: Advice(
        _("The video was made, but could not be fetched from the provider."),
        _("Ask for the video again. If it happens twice, check your bucket. Nothing was charged."),
    ),
    FailureCode.CANCELLED: Advice(
        _("The video was cancelled before it was submitted."),
        _("Ask for it again whenever you like. Nothing was charged."),
    ),
}


def advice_for(code: str) -> Advice | None:
    """The advice on a failure; None where nothing failed."""
    return ADVICE.get(code)
