"""How often mail goes to an address, and because of a caller: nobody is flooded in our name.

Django's cache counts, by digests. Where it is that of a process, which it is by default, each process
counts for itself.
"""

from dataclasses import dataclass
from datetime import timedelta

from django.core.cache import cache
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts import keys
from accounts.addresses import UNKNOWN, of_request


@dataclass(frozen=True)
class Limit:
    """So many within a time that begins with the first."""

    most: int
    span: timedelta


TO_AN_ADDRESS = Limit(3, timedelta(minutes=15))
"""Of each kind of mail."""
BY_A_CALLER = Limit(20, timedelta(hours=1))
"""Of all kinds together."""
TOO_OFTEN = _("Too many mails were sent. Try again in a while.")


def permits(kind: str, to: str, request: HttpRequest) -> bool:
    """Whether another mail of that kind may go to the address, because of who asks; it is counted.

    Who asks too often uses up nothing of the address's.
    """
    counted = [(_caller(request), BY_A_CALLER), (f"{kind} to {to.lower()}", TO_AN_ADDRESS)]
    return all(_is_within(name, limit) for name, limit in counted if name)


def _caller(request: HttpRequest) -> str:
    """Who asks; nobody where that cannot be known, or strangers would use up the mail of all others."""
    if request.user.is_authenticated:
        return f"by person {request.user.pk}"
    address = of_request(request)
    return "" if address == UNKNOWN else f"from {address}"


def _is_within(name: str, limit: Limit) -> bool:
    key = f"mail.{keys.digest(name)}"
    cache.add(key, 0, limit.span.total_seconds())
    try:
        return cache.incr(key) <= limit.most
    except ValueError:  # its time was over between the two
        return True
