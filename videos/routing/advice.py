"""What the errors of an upstream account mean to staff, in their language."""

from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from videos import upstream
from videos.routing.breaker import TROUBLE

Text = str | Promise


class Fault(NamedTuple):
    """A fault that has no code of the provider."""

    name: Text
    advice: Text


_NETWORK = _("Check the endpoint, the proxy, and whether this server can reach them.")
OWN: dict[str, Fault] = {
    TROUBLE: Fault(_("No answer"), _NETWORK),
    "Unavailable": Fault(_("Not reached"), _NETWORK),
    "OutcomeUnknown": Fault(
        _("No usable answer"),
        _("Check that the endpoint is that of the product, and that the proxy lets its answers through."),
    ),
    "NotSent": Fault(
        _("Not sent"), _("The call could not be made. Check the endpoint, the secret ID and the secret key.")
    ),
    "InvalidProxy": Fault(_("Invalid proxy"), _("Enter the proxy's address again.")),
    "UndecryptableSecret": Fault(
        _("Unreadable secret"),
        _("Put the earlier ENCRYPTION_KEYS back, or enter the secret key and the proxy again."),
    ),
}
"""The faults by the code in `AccountState`, besides the provider's codes."""


def name_of(code: str) -> str:
    """The provider's code, or the name of another fault."""
    return str(OWN[code].name) if code in OWN else code


def advice_on(code: str) -> str:
    """What staff should do about a code; empty without one."""
    if code in OWN:
        return str(OWN[code].advice)
    english = upstream.advice(code)
    return gettext(english) if english else ""


def outcome_in_words(code: str) -> str:
    """The result of a check: that the connection works, or the error and what to do about it."""
    return explained(code) if code else gettext("The connection works.")


def explained(code: str) -> str:
    """An error and what to do about it; empty without a code."""
    parts = {"fault": name_of(code), "advice": advice_on(code)}
    return gettext("%(fault)s: %(advice)s") % parts if code else ""
