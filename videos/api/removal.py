"""`DELETE /v1/videos/{id}`."""

from functools import partial

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Scope
from videos.api import lookup
from videos.api.base import View
from videos.tasks import deletion


class RemoveVideo(View):
    """Cancels or deletes a video."""

    scopes = {"DELETE": Scope.WRITE}

    def delete(self, request: Request, task_id: str) -> Response:
        """Answer that it is done. Raises `TaskNotExist` and `VideoInProgress`."""
        deletion.remove(partial(lookup.of_tenant, self.key, task_id), timezone.now())
        return Response({"id": task_id, "object": "video.deleted", "deleted": True})
