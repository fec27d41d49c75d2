"""`POST /v1/videos/{id}/remix`, which OpenAI's clients have: no model makes a video anew with changes."""

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Scope
from videos import catalogue
from videos.api.base import View
from videos.models import Task
from videos.models.task import REQUEST_COLUMNS
from videos.requests import InvalidRequestError, Violation

NOT_SUPPORTED = (
    "remix is not supported; create a new video with the metadata.url of this one in videos, "
    "for a model that takes one"
)
TAKES_VIDEOS = tuple(spec.name for spec in catalogue.MODELS if spec.elements_and_shots)
"""The models that take a video, by name."""


class RemixView(View):
    """Refuses a remix, and says what to use instead."""

    scopes = {"POST": Scope.WRITE}

    def post(self, request: Request, task_id: str) -> Response:
        """Raises `Task.DoesNotExist`, else always `InvalidRequestError`."""
        Task.objects.visible_to(self.key.tenant_id).defer(*REQUEST_COLUMNS).by_public_id(task_id)
        raise InvalidRequestError([Violation(NOT_SUPPORTED, None, allowed=TAKES_VIDEOS)])
