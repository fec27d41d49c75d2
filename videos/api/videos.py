"""`/v1/videos` and `/v1/videos/{id}`: what each offers, and reading, listing and removing videos."""

from datetime import UTC, datetime
from typing import Any

from django.db.models import Q
from django.http import HttpResponse
from django.utils import timezone
from django.utils.http import parse_etags
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.authentication import BearerKeyAuthentication
from accounts.api.lookup import KEY_ALONE, Wanted
from accounts.models import Scope
from config import compression, proportion
from config.envelope import encode
from videos.api import shapes
from videos.api.base import View
from videos.api.create import CreateView
from videos.api.paging import PageRequest
from videos.api.parameters import Parameters
from videos.estimates import queue_position
from videos.estimates.queue_position import QueuePosition
from videos.listing import order
from videos.models import Task
from videos.models.task import AS_ASKED, WITH_PROMPT, parse_public_id
from videos.states import FINAL
from videos.tasks import deletion, representation, sql

POLL_AFTER = "openai-poll-after-ms"
POLL_AFTER_MS = 2000
"""How often a client may sensibly ask: as often as upstream is asked, more or less."""


class KeyWithVideo(BearerKeyAuthentication):
    """Finds the task of the route together with the key."""

    def wanted(self, request: Request, now: datetime) -> Wanted:
        """The task, if it is to be read."""
        if request.method not in ReadVideo.scopes:
            return KEY_ALONE
        return Wanted(sql.READ, {"task": parse_public_id(request.parser_context["kwargs"]["task_id"])})


class ReadVideo(View):
    """The status of one video: the second of the two hot paths, in one statement."""

    authentication_classes = [KeyWithVideo]
    scopes = {"GET": Scope.READ, "HEAD": Scope.READ}

    def get(self, request: Request, task_id: str) -> HttpResponse:
        """Answer with the video object. Raises `Task.DoesNotExist`."""
        now = timezone.now()
        task, place = self._found(now)
        body = encode(self.shaped(representation.video(task, request._request, now, place)))
        poll_after = "0" if task.state in FINAL else str(POLL_AFTER_MS)
        etag = compression.etag(request._request, body)
        headers = {POLL_AFTER: poll_after, "etag": etag, "cache-control": "private, no-cache"}
        headers["vary"] = compression.VARY
        if _is_known(etag, request.headers.get("if-none-match", "")):
            return HttpResponse(status=304, headers=headers)
        return HttpResponse(body, content_type="application/json", headers=headers)

    def shaped(self, video: dict[str, Any]) -> dict[str, Any]:
        """As this route shows the video object."""
        return video

    def _found(self, now: datetime) -> tuple[Task, QueuePosition | None]:
        """What was looked up with the key."""
        task = Task.from_db("default", sql.READ_COLUMNS, self.beside["task"])
        if task.pk is None:
            raise Task.DoesNotExist
        [task.prompt] = self.beside["prompt"]
        position, limit, usual = self.beside["queue"]
        return task, QueuePosition.of(task.model, position, limit, usual, now)


class ListVideos(View):
    """The videos that were not deleted, newest first, a page at a time."""

    scopes = {"GET": Scope.READ, "HEAD": Scope.READ}

    def get(self, request: Request) -> Response:
        """Answer with a page of video objects. Raises `InvalidRequestError`."""
        parameters = Parameters(request.query_params)
        page, wanted = PageRequest.asked_for(parameters), _wanted(parameters)
        parameters.check()
        owned = queue_position.annotated(order.of_tenant(self.key.tenant_id), self.key.tenant_id)
        owned = owned.only(*sql.READ_COLUMNS).annotate(**WITH_PROMPT)
        found, now = page.of(owned.filter(wanted, hidden_at=None), owned), timezone.now()
        places = ((task, queue_position.read(task, now)) for task in found.tasks)
        videos = [representation.video(task, request._request, now, place) for task, place in places]
        fit = proportion.fitting(len(encode(video)) for video in videos)
        return Response(found.first(fit).as_dict(videos[:fit]))


class RemoveVideo(View):
    """Cancels or deletes a video."""

    scopes = {"DELETE": Scope.WRITE}

    def delete(self, request: Request, task_id: str) -> Response:
        """Answer that it is done. Raises `Task.DoesNotExist` and `VideoInProgress`."""
        visible = Task.objects.visible_to(self.key.tenant_id).defer(*AS_ASKED)
        deletion.remove(lambda: visible.by_public_id(task_id), timezone.now())
        return Response({"id": task_id, "object": "video.deleted", "deleted": True})


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
        return shapes.for_new_api(video)


def _is_known(etag: str, known: str) -> bool:
    """Whether a client has what the tag is of, compressed or not."""
    strong = etag.removeprefix("W/")
    return not {"*", strong, f"W/{strong}"}.isdisjoint(parse_etags(known))


def _wanted(parameters: Parameters) -> Q:
    """What passes the filters `status`, `model`, `created_after` (inclusive) and `created_before` (not)."""
    wanted = Q()
    if status := parameters.one_of("status", order.STATUSES):
        wanted &= Q(status__in=order.STATUSES[status])
    if model := parameters.model():
        wanted &= Q(model=model)
    if (after := parameters.second("created_after")) is not None:
        wanted &= order.made_from(_moment(after))
    if (before := parameters.second("created_before")) is not None:
        wanted &= order.made_before(_moment(before))
    return wanted


def _moment(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)
