"""`GET /v1/videos/{id}/content`: the video or its thumbnail."""

from django.http.response import HttpResponseBase
from django.utils import timezone
from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.api.permissions import HasScope
from accounts.models import Scope
from videos.api.base import View
from videos.api.serving import media_response, thumbnail_response
from videos.errors import VideoExpired, VideoNotReady
from videos.models import Task
from videos.models.task import REQUEST_COLUMNS, TaskQuerySet
from videos.requests import InvalidRequestError, Violation
from videos.results import links
from videos.states import Status

_RESPONSES = {"video": media_response, "thumbnail": thumbnail_response}
"""By variant; OpenAI's third variant, a sprite sheet, is not supported."""
VARIANTS = tuple(_RESPONSES)
_DEAD_LINK = "The link is not valid, or no longer"


class MayDownload(BasePermission):
    """Allows a key with the read scope, or a signed link."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Raises `PermissionDenied` for an invalid or expired link, else the same as `HasScope`."""
        if links.SIGNATURE not in request.query_params:
            return HasScope().has_permission(request, view)
        [public_id] = view.kwargs.values()
        if not links.is_valid(public_id, request.query_params, timezone.now()):
            raise PermissionDenied(_DEAD_LINK)
        return True


class ContentView(View):
    """The MP4, or with `variant=thumbnail` its poster as WebP."""

    scopes = {"GET": Scope.READ, "HEAD": Scope.READ}
    permission_classes = [MayDownload]

    def get(self, request: Request, task_id: str) -> HttpResponseBase:
        variant = request.query_params.get("variant") or VARIANTS[0]
        if variant not in VARIANTS:
            message = f"variant must be {' or '.join(VARIANTS)}"
            raise InvalidRequestError([Violation(message, "variant", allowed=VARIANTS)])
        signed = links.SIGNATURE in request.query_params
        tasks = Task.objects.kept().select_related("tenant") if signed else self._visible()
        task = tasks.defer(*REQUEST_COLUMNS).by_public_id(task_id)
        if signed and task.tenant.is_suspended:
            raise PermissionDenied(_DEAD_LINK)
        _check_ready(task)
        return _RESPONSES[variant](task, request._request)

    def _visible(self) -> TaskQuerySet:
        return Task.objects.visible_to(self.key.tenant_id)


def _check_ready(task: Task) -> None:
    if task.state is not Status.SUCCEEDED:
        raise VideoNotReady(task.failure_message or "The video is not ready yet")
    if not task.has_copy and not task.bucket_key:
        raise VideoExpired(
            f"The video was kept until {task.expires_at:%Y-%m-%d %H:%M} UTC and has been removed"
        )
