"""`GET /v1/models`: the models on offer."""

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Scope
from config.envelope import encode
from videos import capabilities
from videos.api import shapes
from videos.api.base import View
from videos.api.parameters import Parameters
from videos.errors import ModelNotExist
from videos.routing.offers import Offers

FORMATS = ("json", "schema")
_MEDIA_TYPES = {"application/json": "json", capabilities.MEDIA_TYPE: "schema"}


class ModelsView(View):
    """`GET /v1/models`: the models that the key may use, with their prices."""

    scopes = {"GET": Scope.READ, "HEAD": Scope.READ}

    def get(self, request: Request) -> Response:
        offers, now = Offers.current(), timezone.now()
        offered = offers.models(self.key.tenant)
        allowed = [spec for spec in offered if self.key.allows_model(spec.name)]
        models = [shapes.model(spec, offers.prices_for(self.key.tenant, spec, now)) for spec in allowed]
        return Response({"object": "list", "data": models})


class ModelView(View):
    """`GET /v1/models/{id}`, as the model object or as the JSON Schema of requests for the model."""

    scopes = {"GET": Scope.READ, "HEAD": Scope.READ}

    def get(self, request: Request, name: str) -> HttpResponseBase:
        """Raises `ModelNotExist` also for a model that the key may not use."""
        shape = _format_asked_for(request)
        offers = Offers.current()
        spec = offers.find(name, self.key.tenant)
        if spec is None or not self.key.allows_model(spec.name):
            raise ModelNotExist(f"The model '{name[:100]}' does not exist")
        prices = offers.prices_for(self.key.tenant, spec, timezone.now())
        headers = {"vary": "Accept"}
        if shape == "json":
            return Response(shapes.model(spec, prices), headers=headers)
        body = encode(capabilities.document(spec, prices))
        return HttpResponse(body, content_type=capabilities.MEDIA_TYPE, headers=headers)


def _format_asked_for(request: Request) -> str:
    """The parameter `format`, else what the client prefers; the model object if it says neither."""
    parameters = Parameters(request.query_params)
    asked = parameters.one_of("format", FORMATS)
    parameters.check()
    preferred = request._request.get_preferred_type([*_MEDIA_TYPES])
    return asked or _MEDIA_TYPES.get(preferred or "", FORMATS[0])
