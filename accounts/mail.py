"""Mail to people: written in the request, and sent by a thread of its own, for no page waits for it."""

import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string

log = structlog.get_logger(__name__)
_SENDING = ThreadPoolExecutor(max_workers=1, thread_name_prefix="mail")
_ADDRESSES = re.compile(r"\S*(?:://|@)\S*")
"""A server may quote what it refuses: links that are secrets, and whom the mail was for."""
_LONGEST_REASON = 300


def send(template: str, to: str, context: Mapping[str, Any]) -> None:
    """Send `to` what `mails/<template>.txt` says; its first line is the subject."""
    subject, _, text = render_to_string(f"mails/{template}.txt", dict(context)).strip().partition("\n")
    _SENDING.submit(_deliver, template, EmailMessage(subject, text.strip() + "\n", to=[to]))


def goes_to_terminal() -> bool:
    """Whether mail is printed where we run, which is so until `EMAIL_URL` names a server."""
    return str(settings.EMAIL_BACKEND) == "django.core.mail.backends.console.EmailBackend"


def flush() -> None:
    """Wait until all mail is sent."""
    _SENDING.submit(lambda: None).result()


def _deliver(template: str, message: EmailMessage) -> None:
    try:
        message.send()
    except Exception as error:  # whatever it is, nobody waits for it
        log.warning("mail was not sent", template=template, error=type(error).__name__, reason=_reason(error))


def _reason(error: Exception) -> str:
    return _ADDRESSES.sub("…", str(error))[:_LONGEST_REASON]
