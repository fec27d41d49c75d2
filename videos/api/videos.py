"""`/v1/videos` and `/v1/videos/{id}`: reads, lists and removes videos."""

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
from videos.models.task import REQUEST_COLUMNS, WITH_PROMPT, parse_public_id
from videos.states import FINAL
from videos.tasks import deletion, representation, sql

POLL_AFTER = "openai-poll-after-ms"
POLL_AFTER_MS = 2000
"""How often clients should poll: about as often as upstream is polled."""


class KeyWithVideo(BearerKeyAuthentication):
    """Looks up the route's task in the same query as the key."""

    def wanted(self, request: Request, now: datetime) -> Wanted:
        if request.method not in ReadVideo.scopes:
            return KEY_ALONE
        return Wanted(sql.READ, {}, {"task": [parse_public_id(request.parser_context["kwargs"]["task_id"])]})


class ReadVideo(View):
    """The status of one video: a hot path, in one SQL statement."""

    authentication_classes = [KeyWithVideo]
    scopes = {"GET": Scope.READ, "HEAD": Scope.READ}

    def get(self, request: Request, task_id: str) -> HttpResponse:
        """Raises `Task.DoesNotExist`."""
        now = timezone.now()
        task, place = self._load(now)
        body = encode(self.shaped(representation.video(task, request._request, now, place)))
        poll_after = "0" if task.state in FINAL else str(POLL_AFTER_MS)
        etag = compression.etag(request._request, body)
        headers = {POLL_AFTER: poll_after, "etag": etag, "cache-control": "private, no-cache"}
        headers["vary"] = compression.VARY
        if _has_current(etag, request.headers.get("if-none-match", "")):
            return HttpResponse(status=304, headers=headers)
        return HttpResponse(body, content_type="application/json", headers=headers)

    def shaped(self, video: dict[str, Any]) -> dict[str, Any]:
        """The video object as this route shows it."""
        return video

    def _load(self, now: datetime) -> tuple[Task, QueuePosition | None]:
        """The task that was looked up with the key."""
        task = Task.from_db("default", sql.READ_COLUMNS, self.beside["task"])
        if task.pk is None:
            raise Task.DoesNotExist
        [task.prompt] = self.beside["prompt"]
        position, limit, usual = self.beside["queue"]
        return task, QueuePosition.of(task.model, position, limit, usual, now)


class ListVideos(View):
    """A page of the videos that are not deleted."""

    scopes = {"GET": Scope.READ, "HEAD": Scope.READ}

    def get(self, request: Request) -> Response:
        parameters = Parameters(request.query_params)
        page, filters = PageRequest.asked_for(parameters), _filters(parameters)
        parameters.check()
        owned = queue_position.annotated(order.of_tenant(self.key.tenant_id), self.key.tenant_id)
        owned = owned.only(*sql.READ_COLUMNS).annotate(**WITH_PROMPT)
        found, now = page.of(owned.filter(filters, hidden_at=None), owned), timezone.now()
        places = ((task, queue_position.read(task, now)) for task in found.tasks)
        videos = [representation.video(task, request._request, now, place) for task, place in places]
        fit = proportion.fitting(len(encode(video)) for video in videos)
        return Response(found.first(fit).as_dict(videos[:fit]))


class RemoveVideo(View):
    """Cancels or deletes a video."""

    scopes = {"DELETE": Scope.WRITE}

    def delete(self, request: Request, task_id: str) -> Response:
        """Raises `Task.DoesNotExist` and `VideoInProgress`."""
        visible = Task.objects.visible_to(self.key.tenant_id).defer(*REQUEST_COLUMNS)
        deletion.remove(lambda: visible.by_public_id(task_id), timezone.now())
        return Response({"id": task_id, "object": "video.deleted", "deleted": True})


class VideosView(CreateView, ListVideos):
    """`/v1/videos`."""

    scopes = {**CreateView.scopes, **ListVideos.scopes}


class VideoView(ReadVideo, RemoveVideo):
    """`/v1/videos/{id}`."""

    scopes = {**ReadVideo.scopes, **RemoveVideo.scopes}


class GenerationView(VideoView):
    """`/v1/video/generations/{id}`: the video object with new-api's keys."""

    def shaped(self, video: dict[str, Any]) -> dict[str, Any]:
        return shapes.for_new_api(video)


def _has_current(etag: str, known: str) -> bool:
    """Whether the client has this version, compressed or not."""
    strong = etag.removeprefix("W/")
    return not {"*", strong, f"W/{strong}"}.isdisjoint(parse_etags(known))


def _filters(parameters: Parameters) -> Q:
    """The filters `status`, `model`, `created_after` (inclusive) and `created_before` (exclusive)."""
    filters = Q()
    if status := parameters.one_of("status", order.STATUSES):
        filters &= Q(status__in=order.STATUSES[status])
    if model := parameters.model():
        filters &= Q(model=model)
    if (after := parameters.second("created_after")) is not None:
        filters &= order.made_from(_moment(after))
    if (before := parameters.second("created_before")) is not None:
        filters &= order.made_before(_moment(before))
    return filters


def _moment(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)
