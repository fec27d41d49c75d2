"""Where a request comes from."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from accounts.networks import Address, parse_address
from config.networks import shared_by_one

UNKNOWN = "::"
"""Stands for an address that cannot be known."""


def caller(meta: Mapping[str, Any]) -> Address | None:
    """The caller's address, from a request's `META`; None where it cannot be known.

    With `TRUSTED_PROXIES` = n it is the n-th entry of X-Forwarded-For from the right, which the outermost of
    our proxies wrote; whatever stands left of that is the caller's own word. With fewer entries the request
    did not come through all of them, and anybody may have written any of them: then nothing is known.
    """
    if settings.TRUSTED_PROXIES == 0:
        return parse_address(str(meta.get("REMOTE_ADDR", "")))
    entries = str(meta.get("HTTP_X_FORWARDED_FOR", "")).split(",")
    if len(entries) < settings.TRUSTED_PROXIES:
        return None
    return parse_address(entries[-settings.TRUSTED_PROXIES])


def shown(request: HttpRequest) -> str:
    """The caller's whole address as people read it; empty where it cannot be known."""
    return str(caller(request.META) or "")


def of_request(request: HttpRequest) -> str:
    """The caller's address as text, by which failed log-ins and mails are counted; unknown ones together.

    In IPv6 it is the first of the caller's /64, all of which is one subscriber's.
    """
    return shared_by_one(str(caller(request.META) or UNKNOWN))
