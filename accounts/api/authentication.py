"""Authentication of API requests by key."""

from collections.abc import Mapping
from datetime import datetime

from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.request import Request

from accounts import networks
from accounts.api.lookup import KEY_ALONE, Wanted, find_key
from accounts.models import APIKey, Tenant
from config.db.prepared import Row

CHALLENGE = 'Bearer realm="reelay"'
"""The `WWW-Authenticate` of a refusal."""
REFUSAL = "Missing or invalid API key"
"""The same message for a missing, wrong, revoked and expired key, so that guessing reveals nothing."""
ADDRESS_REFUSAL = "This API key may not be used from this address"


class BearerKeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer <key>`: `request.user` becomes the tenant, `request.auth` the key.

    Frequently used routes have their own subclasses, which look up what they need with the key.
    """

    beside: Mapping[str, Row] = {}
    """What was looked up with the key, by group of columns."""

    def wanted(self, request: Request, now: datetime) -> Wanted:
        return KEY_ALONE

    def authenticate(self, request: Request) -> tuple[Tenant, APIKey] | None:
        """Find the key in one query, and record its use.

        Raises `AuthenticationFailed` if it is no usable key, and `PermissionDenied` if it may not be used
        from the caller's address, which is checked here so that no route can forget it.
        """
        if credentials(_header(request))[0] != "bearer":
            return None
        now = timezone.now()
        # No variable holds the key, because a debug page shows those of every frame.
        found = find_key(credentials(_header(request))[1], now, self.wanted(request, now))
        if found is None:
            raise AuthenticationFailed(REFUSAL)
        key, self.beside = found
        address = networks.caller(request.META)
        if not key.allows_address(address):
            raise PermissionDenied(ADDRESS_REFUSAL)
        key.record_use(now, address)
        return key.tenant, key

    def authenticate_header(self, request: Request) -> str:
        return CHALLENGE


def credentials(header: str) -> tuple[str, str]:
    """The scheme, in lower case, and the text of an `Authorization` header."""
    scheme, _, text = header.partition(" ")
    return scheme.lower(), text.strip()


def _header(request: Request) -> str:
    return str(request.META.get("HTTP_AUTHORIZATION", ""))
