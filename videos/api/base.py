"""The base class of the API's views, and the authentication of creates."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from rest_framework.exceptions import MethodNotAllowed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.api.authentication import BearerKeyAuthentication
from accounts.api.lookup import KEY_ALONE, Wanted
from accounts.api.permissions import HasScope
from accounts.api.throttles import KeyRateThrottle
from accounts.models import APIKey
from config.db.prepared import Row
from config.edge.application import FAILURE
from videos.api.bodies import AlwaysJSON, EnvelopeJSONRenderer, StrictJSONParser
from videos.api.forms import BracketFormParser
from videos.tasks import admission, idempotency


class KeyWithSnapshot(BearerKeyAuthentication):
    """Looks up everything that admission needs in the same query as the key."""

    def wanted(self, request: Request, now: datetime) -> Wanted:
        if request.method != "POST":
            return KEY_ALONE
        return admission.snapshot_lookup(now, [idempotency.key_from_headers(request.headers)])


class View(APIView):
    """A view. `scopes` gives the scope that each method needs; other methods are not allowed."""

    authentication_classes = [BearerKeyAuthentication]
    permission_classes: Sequence[type[BasePermission]] = [HasScope]
    throttle_classes = [KeyRateThrottle]
    parser_classes = [StrictJSONParser, BracketFormParser]
    renderer_classes = [EnvelopeJSONRenderer]
    content_negotiation_class = AlwaysJSON
    scopes: dict[str, str] = {}

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuses a wrong method before authentication, and raises what failed in a lane."""
        if (failure := request.META.get(FAILURE)) is not None:
            raise failure
        if request.method not in self.scopes:
            raise MethodNotAllowed(request.method or "")
        super().initial(request, *args, **kwargs)

    @property
    def allowed_methods(self) -> list[str]:
        return list(self.scopes)

    @property
    def key(self) -> APIKey:
        """The caller's key, which the permissions guarantee."""
        return cast("APIKey", self.request.auth)

    @property
    def beside(self) -> Mapping[str, Row]:
        """The rows that the authenticator looked up together with the key."""
        return cast("BearerKeyAuthentication", self.request.successful_authenticator).beside
