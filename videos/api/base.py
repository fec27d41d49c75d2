"""What every route of the API has in common."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from rest_framework.exceptions import MethodNotAllowed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.api.authentication import BearerKeyAuthentication
from accounts.api.permissions import HasScope
from accounts.api.throttles import PerKey
from accounts.models import APIKey
from config.db.prepared import Row
from videos.api.bodies import AlwaysJSON, EnvelopeJSONRenderer, StrictJSONParser
from videos.api.forms import BracketFormParser


class View(APIView):
    """A route. `scopes` says for each method which scope a key needs; a method it lacks is not allowed."""

    authentication_classes = [BearerKeyAuthentication]
    permission_classes: Sequence[type[BasePermission]] = [HasScope]
    throttle_classes = [PerKey]
    parser_classes = [StrictJSONParser, BracketFormParser]
    renderer_classes = [EnvelopeJSONRenderer]
    content_negotiation_class = AlwaysJSON
    scopes: dict[str, str] = {}

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse a wrong method before anything is asked of the caller, then do as DRF does."""
        if request.method not in self.scopes:
            raise MethodNotAllowed(request.method or "")
        super().initial(request, *args, **kwargs)

    @property
    def allowed_methods(self) -> list[str]:
        """For the `Allow` header."""
        return list(self.scopes)

    @property
    def key(self) -> APIKey:
        """The key of the caller; the permissions saw to it that there is one."""
        return cast("APIKey", self.request.auth)

    @property
    def beside(self) -> Mapping[str, Row]:
        """What was looked up with the key, as the route's authentication wanted."""
        return cast("BearerKeyAuthentication", self.request.successful_authenticator).beside
