"""How the state of a task is told to people: which word, which chip. The one home of both, for all pages."""

from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from config.web.badges import BAD, BUSY, GOOD, NEUTRAL, WARN, chip
from videos.states import STAGE, Status

Label = str | Promise


class Look(NamedTuple):
    """A word, and the look of its chip."""

    label: Label
    chip: str


STATUSES: dict[Status, Look] = {
    Status.WAITING: Look(_("Waiting"), NEUTRAL),
    Status.QUEUED: Look(_("Queued"), NEUTRAL),
    Status.SUBMITTING: Look(_("Submitting"), BUSY),
    Status.IN_DOUBT: Look(_("In doubt"), WARN),
    Status.RUNNING: Look(_("Running"), BUSY),
    Status.STORING: Look(_("Storing"), BUSY),
    Status.SUCCEEDED: Look(_("Completed"), GOOD),
    Status.FAILED: Look(_("Failed"), BAD),
    Status.CANCELLED: Look(_("Cancelled"), NEUTRAL),
}
"""What staff see."""

STAGES: dict[str, Look] = {
    "queued": Look(_("Queued"), NEUTRAL),
    "submitting": Look(_("Being submitted"), BUSY),
    "in_doubt": Look(_("Being confirmed"), BUSY),
    "running": Look(_("Being generated"), BUSY),
    "storing": Look(_("Being stored"), BUSY),
    "completed": Look(_("Completed"), GOOD),
    "failed": Look(_("Failed"), BAD),
    "cancelled": Look(_("Cancelled"), NEUTRAL),
}
"""What tenants see, by the values of `states.STAGE`."""

VERBS: dict[str, Label] = {
    "create": _("Created"),
    "start": _("Left the tenant's queue"),
    "claim": _("Submission began"),
    "accepted": _("Accepted upstream"),
    "requeue": _("Queued again"),
    "in_doubt": _("Submission in doubt"),
    "progressed": _("Upstream spoke of it"),
    "done_without_link": _("Done upstream, without a link"),
    "produced": _("Produced upstream"),
    "succeed": _("Completed"),
    "fail": _("Failed"),
    "cancel": _("Cancelled"),
    "hide": _("Deleted by the tenant"),
    "flag": _("Shown to staff"),
    "remove_media": _("Video removed"),
    "asked": _("Asked for at a form"),
    "removed": _("Removed by hand"),
    "poll": _("Looked at by hand"),
    "cancel_by_hand": _("Cancelled by hand"),
    "accept_by_hand": _("Marked as accepted by hand"),
    "release": _("Released by hand"),
    "resubmit": _("Submitted again by hand"),
    "give_up": _("Given up by hand"),
    "seen": _("Seen to by staff"),
}
"""What happened to a task, by the names of the verbs in `lifecycle`."""


def status_label(status: str) -> Label:
    """The word for a status."""
    return STATUSES[Status(status)].label


def status_chip(status: str) -> str:
    """The look of a status: the class beside `chip`."""
    return STATUSES[Status(status)].chip


def stage_label(status: str) -> Label:
    """The word a tenant sees for a status."""
    return STAGES[STAGE[Status(status)]].label


def stage_chip(status: str) -> str:
    """The look of a status to a tenant."""
    return STAGES[STAGE[Status(status)]].chip


def chip_of(status: str) -> SafeString:
    """A status as staff see it, as a chip."""
    return chip(*STATUSES[Status(status)])


def verb_label(verb: str) -> Label:
    """The words for what happened; a verb nobody put into words is its name."""
    return VERBS.get(verb, verb)
