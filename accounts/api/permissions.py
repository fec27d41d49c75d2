"""Permissions of keys, declared on each view as data."""

from rest_framework.exceptions import NotAuthenticated
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.api.authentication import REFUSAL
from accounts.models import APIKey


class HasScope(BasePermission):
    """The key has the scope that the view's `scopes` names for the method."""

    message = "This API key lacks the scope for this request"

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Raises `NotAuthenticated` if there is no key."""
        if not isinstance(request.auth, APIKey):
            raise NotAuthenticated(REFUSAL)
        scopes: dict[str, str] = getattr(view, "scopes", {})
        return scopes.get(request.method or "") in request.auth.scopes
