"""The routes of the generic video API: what each URL offers, and those with little to them."""

from typing import Any

from django.http.response import HttpResponseBase
from django.utils import timezone
from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.permissions import HasScope
from accounts.models import Scope
from videos.api import lookup
from videos.api.base import View
from videos.api.content import media_response, thumbnail_response
from videos.api.create import CreateView
from videos.api.listing import ListVideos
from videos.api.reading import ReadVideo
from videos.api.removal import RemoveVideo
from videos.errors import ModelNotExist, VideoExpired, VideoNotReady
from videos.models import Task
from videos.requests import InvalidRequestError, Violation
from videos.results import links
from videos.routing.offers import Offers
from videos.tasks import representation


class VideosView(CreateView, ListVideos):
    """`/v1/videos`."""

    scopes = {**CreateView.scopes, **ListVideos.scopes}


class VideoView(ReadVideo, RemoveVideo):
    """`/v1/videos/{id}`."""

    scopes = {**ReadVideo.scopes, **RemoveVideo.scopes}


class GenerationView(VideoView):
    """`/v1/video/generations/{id}`: the video object comes with new-api's wrapper keys."""

    def shaped(self, video: dict[str, Any]) -> dict[str, Any]:
        """With the wrapper."""
        return representation.for_new_api(video)


_SHOWN = {"video": media_response, "thumbnail": thumbnail_response}
"""What a finished video may be shown as; the other variant of OpenAI's, a sprite sheet, is not made."""
VARIANTS = tuple(_SHOWN)


_DEAD_LINK = "The link is not valid, or no longer"


class MayDownload(BasePermission):
    """A key that may read, or a link that we signed."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Whether either is there. Raises as `HasScope` does."""
        if links.SIGNATURE not in request.query_params:
            return HasScope().has_permission(request, view)
        if not links.is_valid(view.kwargs["task_id"], request.query_params, timezone.now()):
            raise PermissionDenied(_DEAD_LINK)
        return True


class ContentView(View):
    """`GET /v1/videos/{id}/content`: the MP4, or with `variant=thumbnail` its still as WebP."""

    scopes = {"GET": Scope.READ, "HEAD": Scope.READ}
    permission_classes = [MayDownload]

    def get(self, request: Request, task_id: str) -> HttpResponseBase:
        """Answer with the video, the part of it that is asked for, or its still."""
        variant = request.query_params.get("variant") or VARIANTS[0]
        if variant not in VARIANTS:
            message = f"variant must be {' or '.join(VARIANTS)}"
            raise InvalidRequestError([Violation(message, "variant", allowed=VARIANTS)])
        signed = links.SIGNATURE in request.query_params
        task = lookup.linked(task_id) if signed else lookup.of_tenant(self.key, task_id)
        if signed and task.tenant.is_suspended:
            raise PermissionDenied(_DEAD_LINK)
        _check_ready(task)
        return _SHOWN[variant](task, request._request)


class ModelsView(View):
    """`GET /v1/models`."""

    scopes = {"GET": Scope.READ, "HEAD": Scope.READ}

    def get(self, request: Request) -> Response:
        """Answer with the models on offer that the key may use, and their prices."""
        offers, now = Offers.current(), timezone.now()
        allowed = [spec for spec in offers.models() if self.key.allows_model(spec.name)]
        models = [representation.model(spec, offers.prices.of_model(spec.name, now)) for spec in allowed]
        return Response({"object": "list", "data": models})


class ModelView(View):
    """`GET /v1/models/{id}`."""

    scopes = {"GET": Scope.READ, "HEAD": Scope.READ}

    def get(self, request: Request, name: str) -> Response:
        """Answer with one model. Raises `ModelNotExist` also for one that the key may not use."""
        offers = Offers.current()
        spec = offers.find(name)
        if spec is None or not self.key.allows_model(spec.name):
            raise ModelNotExist(f"The model '{name[:100]}' does not exist")
        prices = offers.prices.of_model(spec.name, timezone.now())
        return Response(representation.model(spec, prices))


def _check_ready(task: Task) -> None:
    if task.media_removed_at is not None:
        raise VideoExpired(
            f"The video was kept until {task.expires_at:%Y-%m-%d %H:%M} UTC and has been removed"
        )
    if not representation.has_media(task):
        raise VideoNotReady(task.failure_message or "The video is not ready yet")
