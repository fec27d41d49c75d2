"""Mail to people: rendered in the request, and sent by a separate thread, so that no page waits for it.

Mail to each address, and because of each caller, is rate-limited, so that nobody is flooded in our name.
Django's cache holds the counts, by digests; by default each process has its own cache and counts by itself.
"""

import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from django.conf import settings
from django.core.cache import cache
from django.core.mail import EmailMessage
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.translation import gettext_lazy as _

from accounts import keys
from accounts.networks import UNKNOWN, of_request

log = structlog.get_logger(__name__)
_SENDING = ThreadPoolExecutor(max_workers=1, thread_name_prefix="mail")
_ADDRESSES = re.compile(r"\S*(?:://|@)\S*")
"""Removed from errors of mail servers, which may quote secret links and recipients."""
_LONGEST_REASON = 300


@dataclass(frozen=True)
class Limit:
    """At most `most` within `span`, which begins with the first."""

    most: int
    span: timedelta


TO_AN_ADDRESS = Limit(3, timedelta(minutes=15))
"""Of each kind of mail."""
BY_A_CALLER = Limit(20, timedelta(hours=1))
"""Of all kinds together."""
TOO_OFTEN = _("Too many e-mails were sent. Try again later.")


def send(template: str, to: str, context: Mapping[str, Any]) -> None:
    """Send `mails/<template>.txt`, whose first line is the subject, to the address `to`."""
    _SENDING.submit(_deliver, template, _message(template, to, context))


def deliver(template: str, to: str, context: Mapping[str, Any]) -> bool:
    """Like `send` for callers that can wait; returns whether the mail server took the mail."""
    return _deliver(template, _message(template, to, context))


def permits(kind: str, to: str, request: HttpRequest) -> bool:
    """Count a mail of that kind to the address; returns whether it is within the limits.

    A caller over the limit does not use up the address's limit.
    """
    counted = [(_caller(request), BY_A_CALLER), (f"{kind} to {to.lower()}", TO_AN_ADDRESS)]
    return all(_is_within(name, limit) for name, limit in counted if name)


def goes_to_terminal() -> bool:
    """Whether mail is printed to the terminal, as it is until `EMAIL_URL` names a server."""
    return str(settings.EMAIL_BACKEND) == "django.core.mail.backends.console.EmailBackend"


def flush() -> None:
    """Wait until all mail is sent."""
    _SENDING.submit(lambda: None).result()


def _message(template: str, to: str, context: Mapping[str, Any]) -> EmailMessage:
    subject, _, text = render_to_string(f"mails/{template}.txt", dict(context)).strip().partition("\n")
    return EmailMessage(subject, text.strip() + "\n", to=[to])


def _deliver(template: str, message: EmailMessage) -> bool:
    try:
        message.send()
    except Exception as error:  # of the mail server, whatever it is: no page may fail of it
        log.warning("mail was not sent", template=template, error=type(error).__name__, reason=_reason(error))
        return False
    return True


def _reason(error: Exception) -> str:
    return _ADDRESSES.sub("…", str(error))[:_LONGEST_REASON]


def _caller(request: HttpRequest) -> str:
    """The caller's person or address; empty if unknown, because unknown callers must not share one limit."""
    if request.user.is_authenticated:
        return f"by person {request.user.pk}"
    address = of_request(request)
    return "" if address == UNKNOWN else f"from {address}"


def _is_within(name: str, limit: Limit) -> bool:
    key = f"mail.{keys.digest(name)}"
    cache.add(key, 0, limit.span.total_seconds())
    try:
        return cache.incr(key) <= limit.most
    except ValueError:  # it expired between the two
        return True
