"""Bearer keys at the edge of the API."""

from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts.models import APIKey, Tenant

CHALLENGE = 'Bearer realm="reelay"'
"""The `WWW-Authenticate` of a refusal."""
REFUSAL = "Missing or invalid API key"
"""One message for a missing, wrong, revoked and expired key: a guesser learns nothing."""


class BearerKeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer <key>`: `request.user` becomes the tenant, `request.auth` the key."""

    def authenticate(self, request: Request) -> tuple[Tenant, APIKey] | None:
        """Find the key in one query. Raises `AuthenticationFailed` where it is no usable key."""
        scheme, _, text = get_authorization_header(request).decode("latin-1").partition(" ")
        if scheme.lower() != "bearer":
            return None
        now = timezone.now()
        key = APIKey.objects.presented(text.strip(), now)
        if key is None:
            raise AuthenticationFailed(REFUSAL)
        key.record_use(now)
        return key.tenant, key

    def authenticate_header(self, request: Request) -> str:
        """What DRF sends with a refusal."""
        return CHALLENGE
