"""Bearer keys at the edge of the API."""

from datetime import datetime

from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.request import Request

from accounts import networks
from accounts.models import APIKey, Tenant
from accounts.models.api_key import LookUp

__all__ = ["ADDRESS_REFUSAL", "CHALLENGE", "REFUSAL", "BearerKeyAuthentication", "LookUp"]

CHALLENGE = 'Bearer realm="reelay"'
"""The `WWW-Authenticate` of a refusal."""
REFUSAL = "Missing or invalid API key"
"""One message for a missing, wrong, revoked and expired key: a guesser learns nothing."""
ADDRESS_REFUSAL = "This API key may not be used from this address"


class BearerKeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer <key>`: `request.user` becomes the tenant, `request.auth` the key.

    A route that is asked for often has one of its own, which looks up what it needs together with the key.
    """

    def looked_up(self, request: Request, now: datetime) -> LookUp | None:
        """What else to look up, which is then in the key's `beside`; None for the key alone."""
        return None

    def authenticate(self, request: Request) -> tuple[Tenant, APIKey] | None:
        """Find the key in one query, and note its use.

        Raises `AuthenticationFailed` where it is no usable key, and `PermissionDenied` where it may not be
        used from the caller's address, which is asked here so that no route can forget it.
        """
        if _credentials(request)[0] != "bearer":
            return None
        now = timezone.now()
        # No variable holds the key, for a debug page shows those of every frame.
        key = APIKey.objects.presented(_credentials(request)[1], now, self.looked_up(request, now))
        if key is None:
            raise AuthenticationFailed(REFUSAL)
        address = networks.caller(request.META)
        if not key.allows_address(address):
            raise PermissionDenied(ADDRESS_REFUSAL)
        key.record_use(now, address)
        return key.tenant, key

    def authenticate_header(self, request: Request) -> str:
        """What DRF sends with a refusal."""
        return CHALLENGE


def _credentials(request: Request) -> tuple[str, str]:
    scheme, _, text = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    return scheme.lower(), text.strip()
