"""`DELETE /v1/videos/{id}`: cancels what waits, deletes what has ended, and leaves what is at work alone."""

from datetime import datetime

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import APIKey, Scope
from videos import lifecycle, media
from videos.api import lookup
from videos.api.base import View
from videos.errors import VideoInProgress
from videos.models import Task
from videos.representation import has_media
from videos.states import FINAL, Status, sources

LOOKS = 3
"""How often a task that moves in the same moment is looked at again; it hardly moves twice."""
CANCELLABLE = sources(Status.CANCELLED)
IN_PROGRESS = (
    "The video is in progress: it can be cancelled while it is queued, and deleted once it has ended"
)


class RemoveVideo(View):
    """Cancels or deletes a video."""

    scopes = {"DELETE": Scope.WRITE}

    def delete(self, request: Request, task_id: str) -> Response:
        """Answer that it is done. Raises `TaskNotExist` and `VideoInProgress`."""
        remove(self.key, task_id, timezone.now())
        return Response({"id": task_id, "object": "video.deleted", "deleted": True})


def remove(key: APIKey, public_id: str, now: datetime) -> None:
    """Cancel a task of the tenant's that waits, or hide one that has ended and remove its media.

    Raises `TaskNotExist`, and `VideoInProgress` where the task is anything between.
    """
    for _ in range(LOOKS):
        if _removed(lookup.of_tenant(key, public_id), now):
            return
    raise VideoInProgress(IN_PROGRESS)


def _removed(task: Task, now: datetime) -> bool:
    """Whether it worked; False where the task moved after it was looked at."""
    if task.state in CANCELLABLE:
        return lifecycle.cancel(task, now)
    if task.state not in FINAL:
        raise VideoInProgress(IN_PROGRESS)
    # Hidden first: were it the other way round, a video could be shown that is not there.
    hidden = lifecycle.hide(task, now)
    if hidden and has_media(task):
        media.delete(task, now)
    return hidden
