"""`GET /v1/models`: the models on offer."""

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Scope
from videos.api import shapes
from videos.api.base import View
from videos.errors import ModelNotExist
from videos.routing.offers import Offers


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
    """`GET /v1/models/{id}`."""

    scopes = {"GET": Scope.READ, "HEAD": Scope.READ}

    def get(self, request: Request, name: str) -> Response:
        """Raises `ModelNotExist` also for a model that the key may not use."""
        offers = Offers.current()
        spec = offers.find(name, self.key.tenant)
        if spec is None or not self.key.allows_model(spec.name):
            raise ModelNotExist(f"The model '{name[:100]}' does not exist")
        return Response(shapes.model(spec, offers.prices_for(self.key.tenant, spec, timezone.now())))
