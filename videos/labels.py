"""The labels and chips of a task's states and events, for all pages."""

from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from config.web.badges import BAD, BUSY, GOOD, NEUTRAL, WARN, chip
from videos.states import Attention, Status, Verb, stage

Label = str | Promise


class Badge(NamedTuple):
    """A label, and the CSS class of its chip."""

    label: Label
    chip: str


STATUSES: dict[Status, Badge] = {
    Status.WAITING: Badge(_("Waiting"), NEUTRAL),
    Status.QUEUED: Badge(_("Queued"), NEUTRAL),
    Status.SUBMITTING: Badge(_("Submitting"), BUSY),
    Status.IN_DOUBT: Badge(_("In doubt"), WARN),
    Status.RUNNING: Badge(_("Running"), BUSY),
    Status.STORING: Badge(_("Storing"), BUSY),
    Status.SUCCEEDED: Badge(_("Completed"), GOOD),
    Status.FAILED: Badge(_("Failed"), BAD),
    Status.CANCELLED: Badge(_("Cancelled"), NEUTRAL),
}
"""For staff."""

STAGES: dict[str, Badge] = {
    "queued": Badge(_("Queued"), NEUTRAL),
    "submitting": Badge(_("Being submitted"), BUSY),
    "in_doubt": Badge(_("Being confirmed"), BUSY),
    "running": Badge(_("Being generated"), BUSY),
    "storing": Badge(_("Being stored"), BUSY),
    "completed": Badge(_("Completed"), GOOD),
    "failed": Badge(_("Failed"), BAD),
    "cancelled": Badge(_("Cancelled"), NEUTRAL),
}
"""For tenants, by the values of `states.STAGE`."""

VERBS: dict[str, Label] = {
    Verb.CREATE: _("Created"),
    Verb.START: _("Left the tenant's queue"),
    Verb.CLAIM: _("Submission began"),
    Verb.ACCEPTED: _("Accepted by the provider"),
    Verb.REQUEUE: _("Queued again"),
    Verb.NEVER_RAN: _("Queued again, as the account was full"),
    Verb.IN_DOUBT: _("Submission in doubt"),
    Verb.LOOKED_FOR: _("Looked up at the provider"),
    Verb.PROGRESSED: _("Progress reported by the provider"),
    Verb.DONE_WITHOUT_LINK: _("Finished at the provider, without a link"),
    Verb.PRODUCED: _("Generated"),
    Verb.NEW_LINK: _("New link to the result"),
    Verb.SUCCEED: _("Completed"),
    Verb.FAIL: _("Failed"),
    Verb.CANCEL: _("Cancelled"),
    Verb.HIDE: _("Deleted by the tenant"),
    Verb.FLAG: _("Flagged for staff"),
    Verb.EXPIRES_SOON: _("The platform's copy expires soon"),
    Verb.REMOVE_MEDIA: _("Video removed"),
    Verb.ASKED: _("Created in the portal or console"),
    Verb.OPERATOR: _("Created on behalf of an operator"),
    Verb.REMOVED: _("Cancelled or deleted in the portal"),
    Verb.POLL: _("Checked by staff"),
    Verb.CANCEL_BY_HAND: _("Cancelled by staff"),
    Verb.ACCEPT_BY_HAND: _("Marked as accepted by staff"),
    Verb.CORRECTED: _("Tracked under another ID"),
    Verb.CORRECT_BY_HAND: _("Provider's task ID corrected by staff"),
    Verb.RELEASE: _("Marked as not accepted by staff"),
    Verb.RESUBMIT: _("Submitted again by staff"),
    Verb.GIVE_UP: _("Marked as failed by staff"),
    Verb.SEEN: _("Marked resolved"),
}
"""Events of a task."""

VERBS_FOR_TENANTS: dict[str, Label] = {
    Verb.START: _("Left your queue"),
    Verb.ASKED: _("Requested"),
    Verb.OPERATOR: _("Requested for you"),
}
"""Events that tenants see in other words than staff do."""

ATTENTIONS: dict[str, Label] = {
    Attention.IN_DOUBT: _("in doubt: the provider may have accepted it; check and decide"),
    Attention.UNKNOWN_WORD: _("the provider returned the unknown status '%(detail)s'"),
    Attention.NO_LINK: _("the provider finished but returned no link"),
    Attention.NOT_TOLD: _("the provider refuses status queries for it: %(detail)s"),
    Attention.NOT_FETCHED: _("its result could not be downloaded yet: %(detail)s"),
    Attention.STORE_FULL: _("its result waits because the store of videos is full: %(detail)s"),
    Attention.LINK_ENDS: _("the provider keeps its result only a little longer: %(detail)s"),
    Attention.NOT_READ: _("it was charged, but could not be read in the tenant's bucket: %(detail)s"),
    Attention.ACCEPTED_LATE: _("the provider accepted it after it was marked as failed"),
    Attention.OUR_ACCOUNT: _("the provider refused it because of the account, not because of the request"),
    Attention.BUCKET_REFUSED: _(
        "the provider may not be allowed to write to the tenant's bucket: %(detail)s"
    ),
    Attention.NOT_BUILT: _("the request to the provider could not be built: %(detail)s"),
    Attention.OVERDUE: _("it has not ended after %(detail)s hours"),
}
"""Why staff should look at a task; `detail` follows the reason in the stored text."""


def attention_label(attention: str) -> str:
    """Why staff should look at a task; a text stored by an earlier release is returned unchanged."""
    reason, _separator, detail = attention.partition(": ")
    label = ATTENTIONS.get(reason)
    return attention if label is None else str(label) % {"detail": detail}


def status_label(status: str) -> Label:
    """A status's label for staff."""
    return STATUSES[Status(status)].label


def status_chip(status: str) -> str:
    """The CSS class of a status's chip for staff, beside `chip`."""
    return STATUSES[Status(status)].chip


def stage_badge(status: str, *, was_accepted: bool) -> Badge:
    """A status's label and chip for tenants; a task that upstream accepted never looks queued again."""
    return STAGES[stage(Status(status), was_accepted=was_accepted)]


def chip_of(status: str) -> SafeString:
    """A status's chip for staff."""
    return chip(*STATUSES[Status(status)])


def verb_label(verb: str) -> Label:
    """An event's label for staff; an event without one is shown by its name."""
    return VERBS.get(verb, verb)


def verb_label_for_tenant(verb: str) -> Label:
    """An event's label without the words of staff."""
    return VERBS_FOR_TENANTS.get(verb) or verb_label(verb)
