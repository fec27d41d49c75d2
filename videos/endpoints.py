"""Where an upstream account's API may be."""

import re
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from config.networks import is_loopback

NOT_AN_ENDPOINT = _("Write an address such as https://api.example.com.")
NOT_ENCRYPTED = _("Write https://: only a server on this machine is reached without encryption.")
_HOST = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\]", re.IGNORECASE)


def validate_endpoint(endpoint: str) -> None:
    """Raise `ValidationError` for what is not scheme, host and port alone, or is not encrypted on its way."""
    try:
        parts = urlsplit(endpoint)
        port = parts.port
    except ValueError as error:
        raise ValidationError(NOT_AN_ENDPOINT) from error
    host = parts.hostname or ""
    named = f"[{host}]" if ":" in host else host
    written = f"{named}:{port}" if port is not None else named
    is_bare = parts.netloc.lower() == written and not (parts.path.strip("/") or parts.query or parts.fragment)
    is_bare &= not any(character.isspace() for character in endpoint)  # which `urlsplit` passes over
    if parts.scheme not in ("https", "http") or not _HOST.fullmatch(named) or not is_bare or port == 0:
        raise ValidationError(NOT_AN_ENDPOINT)
    if parts.scheme == "http" and not _is_here(host):
        raise ValidationError(NOT_ENCRYPTED)


def _is_here(host: str) -> bool:
    """Whether it is this machine, and Reelay serves no others from it: the sandbox is reached so."""
    return not settings.SERVED_WITH_TLS and not settings.BEHIND_TLS_PROXY and is_loopback(host)
