"""What a form says of models whose videos nobody makes now."""

from typing import NamedTuple

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from videos.routing.availability import Service

MARKS = {Service.NONE: gettext_lazy("unavailable"), Service.PAUSED: gettext_lazy("paused")}
"""What is said of a model among others, if its tasks are not taken."""


class Notice(NamedTuple):
    """A sentence about the chosen model, and its look, a CSS class."""

    look: str
    text: str


def notice_of(service: Service | None) -> Notice | None:
    """What is said of the chosen model if its tasks are not taken; None if they are."""
    if service is None:
        return None
    if service is Service.PAUSED:
        return Notice(
            "info",
            _(
                "Videos of this model start with a short delay: the provider is not taking new ones right "
                "now."
            ),
        )
    if settings.WHEN_NO_UPSTREAM == "refuse":
        return Notice("bad", _("This model is unavailable right now."))
    return Notice(
        "warn", _("This model is unavailable right now. Videos of it wait, and start when it is back.")
    )
