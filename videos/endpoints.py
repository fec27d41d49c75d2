"""Validation of an upstream account's endpoint and proxy."""

import re
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from config.networks import is_loopback

NOT_AN_ENDPOINT = _("Write an address such as https://api.example.com.")
NOT_ENCRYPTED = _("Use https://. Plain HTTP is allowed only for a server on this machine.")
NOT_A_PROXY = _("Write an address such as http://proxy.example.com:3128, with user and password if needed.")
_HOST = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\]", re.IGNORECASE)


def validate_endpoint(endpoint: str) -> None:
    """Raise `ValidationError` unless it is only scheme, host and port, and HTTPS if not on this machine."""
    try:
        parts = urlsplit(endpoint)
        port = parts.port
    except ValueError as error:
        raise ValidationError(NOT_AN_ENDPOINT) from error
    host = parts.hostname or ""
    bracketed = f"[{host}]" if ":" in host else host
    expected = f"{bracketed}:{port}" if port is not None else bracketed
    is_bare = parts.netloc.lower() == expected and not (
        parts.path.strip("/") or parts.query or parts.fragment
    )
    is_bare &= not any(character.isspace() for character in endpoint)  # `urlsplit` drops some of it
    if parts.scheme not in ("https", "http") or not _HOST.fullmatch(bracketed) or not is_bare or port == 0:
        raise ValidationError(NOT_AN_ENDPOINT)
    if parts.scheme == "http" and not _allows_plain_http(host):
        raise ValidationError(NOT_ENCRYPTED)


def _allows_plain_http(host: str) -> bool:
    """Only to this machine, such as to the sandbox, and only if Reelay itself is served without TLS."""
    return not settings.SERVED_WITH_TLS and not settings.BEHIND_TLS_PROXY and is_loopback(host)


def validate_proxy(url: str) -> None:
    """Raise `ValidationError` unless it is an HTTP(S) URL of a host, perhaps with a user and a password."""
    try:
        parts = urlsplit(url)
        is_valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError as error:
        raise ValidationError(NOT_A_PROXY) from error
    is_bare = not (parts.path.strip("/") or parts.query or parts.fragment)
    if not is_valid or not is_bare or any(character.isspace() for character in url):
        raise ValidationError(NOT_A_PROXY)
