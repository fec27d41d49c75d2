"""The routes of the generic video API."""

from collections.abc import Sequence
from typing import Any, cast

from django.http.response import HttpResponseBase
from django.utils import timezone
from rest_framework.exceptions import MethodNotAllowed, PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import BearerKeyAuthentication
from accounts.models import APIKey, Scope
from accounts.permissions import HasScope
from videos import lifecycle
from videos.api import links, lookup, representation
from videos.api.bodies import AlwaysJSON, EnvelopeJSONRenderer, StrictJSONParser, mapping
from videos.api.content import media_response
from videos.api.forms import BracketFormParser
from videos.errors import ModelNotExist, VideoExpired, VideoNotReady
from videos.lifecycle import Order
from videos.models import Task
from videos.offers import Offers
from videos.requests import parse
from videos.states import FINAL
from videos.upstream import translate

POLL_AFTER = "openai-poll-after-ms"
POLL_AFTER_MS = 2000
"""How often a client may sensibly ask: as often as upstream is asked, more or less."""


class View(APIView):
    """A route. `scopes` says for each method which scope a key needs; a method it lacks is not allowed."""

    authentication_classes = [BearerKeyAuthentication]
    permission_classes: Sequence[type[BasePermission]] = [HasScope]
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


class CreateView(View):
    """`POST /v1/videos` and its equivalents."""

    scopes = {"POST": Scope.WRITE}

    def post(self, request: Request) -> Response:
        """Make a task; answers with the video object."""
        offers = Offers()
        video_request = parse(mapping(request), offers.find)
        translation = translate(video_request)
        account = offers.account_for(video_request.model)
        order = Order(video_request, account, translation.payload, translation.not_forwarded)
        task = lifecycle.create(order, self.key)
        return Response(_video(task, request))


class ValidateView(View):
    """`POST /v1/videos/validate`: what would become of a request, without making it."""

    scopes = {"POST": Scope.WRITE}

    def post(self, request: Request) -> Response:
        """Answer with the normalised request and what upstream would be sent, or with every violation."""
        video_request = parse(mapping(request), Offers().find)
        translation = translate(video_request)
        return Response(
            {
                "valid": True,
                "request": video_request.as_body(),
                "upstream": {"action": translation.action, "payload": translation.payload},
                "not_forwarded": translation.not_forwarded,
            }
        )


class VideoView(View):
    """`GET /v1/videos/{id}`."""

    scopes = {"GET": Scope.READ, "HEAD": Scope.READ}

    def get(self, request: Request, task_id: str) -> Response:
        """Answer with the video object."""
        task = lookup.of_tenant(self.key, task_id)
        return Response(self.shaped(_video(task, request)), headers={POLL_AFTER: _poll_after(task)})

    def shaped(self, video: dict[str, Any]) -> dict[str, Any]:
        """As this route shows the video object."""
        return video


class GenerationView(VideoView):
    """`GET /v1/video/generations/{id}`: the video object plus new-api's wrapper keys."""

    def shaped(self, video: dict[str, Any]) -> dict[str, Any]:
        """With the wrapper."""
        return representation.for_new_api(video)


class MayDownload(BasePermission):
    """A key that may read, or a link that we signed."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Whether either is there. Raises as `HasScope` does."""
        if links.SIGNATURE not in request.query_params:
            return HasScope().has_permission(request, view)
        if not links.is_valid(view.kwargs["task_id"], request.query_params, timezone.now()):
            raise PermissionDenied("The link is not valid, or no longer")
        return True


class ContentView(View):
    """`GET /v1/videos/{id}/content`: the MP4."""

    scopes = {"GET": Scope.READ, "HEAD": Scope.READ}
    permission_classes = [MayDownload]

    def get(self, request: Request, task_id: str) -> HttpResponseBase:
        """Answer with the video, or the part of it that is asked for."""
        signed = links.SIGNATURE in request.query_params
        task = lookup.linked(task_id) if signed else lookup.of_tenant(self.key, task_id)
        _check_ready(task)
        return media_response(task, request._request)


class ModelsView(View):
    """`GET /v1/models`."""

    scopes = {"GET": Scope.READ, "HEAD": Scope.READ}

    def get(self, request: Request) -> Response:
        """Answer with the models on offer."""
        models = [representation.model(spec) for spec in Offers().models()]
        return Response({"object": "list", "data": models})


class ModelView(View):
    """`GET /v1/models/{id}`."""

    scopes = {"GET": Scope.READ, "HEAD": Scope.READ}

    def get(self, request: Request, name: str) -> Response:
        """Answer with one model."""
        spec = Offers().find(name)
        if spec is None:
            raise ModelNotExist(f"The model '{name[:100]}' does not exist")
        return Response(representation.model(spec))


def _video(task: Task, request: Request) -> dict[str, Any]:
    return representation.video(task, request._request, timezone.now())


def _poll_after(task: Task) -> str:
    return "0" if task.state in FINAL else str(POLL_AFTER_MS)


def _check_ready(task: Task) -> None:
    if task.media_removed_at is not None:
        raise VideoExpired(
            f"The video was kept until {task.expires_at:%Y-%m-%d %H:%M} UTC and has been removed"
        )
    if not representation.has_media(task):
        raise VideoNotReady(task.failure_message or "The video is not ready yet")
