"""`/v1/videos` and `/v1/videos/{id}`: reads, lists and removes videos."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from django.utils.http import parse_etags
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.authentication import BearerKeyAuthentication
from accounts.api.lookup import KEY_ALONE, Wanted
from accounts.models import Scope
from config import compression
from config.db.prepared import Row
from config.envelope import encode
from config.web.links import Addressed
from videos.api import shapes
from videos.api.base import View
from videos.api.create import CreateView
from videos.api.paging import list_object, page_asked_for, unknown_cursor
from videos.api.parameters import Parameters
from videos.estimates.queue_position import QueuePosition
from videos.models import Task
from videos.models.task import REQUEST_COLUMNS, parse_public_id
from videos.states import FINAL
from videos.tasks import deletion, page, representation, sql
from videos.tasks.page import Page, UnknownTask

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
        task, place = read_task(self.beside, now)
        body = encode(self.shaped(representation.video(task, request._request, now, place)))
        headers = read_headers(task, body, compression.accept_encoding(request._request))
        if has_current(headers["etag"], request.headers.get("if-none-match", "")):
            return HttpResponse(status=304, headers=headers)
        return HttpResponse(body, content_type="application/json", headers=headers)

    @staticmethod
    def shaped(video: dict[str, Any]) -> dict[str, Any]:
        """The video object as this route shows it."""
        return video


def read_task(beside: Mapping[str, Row], now: datetime) -> tuple[Task, QueuePosition | None]:
    """The task that `sql.READ` found with the key, and its queue position. Raises `Task.DoesNotExist`."""
    if beside["task"][0] is None:
        raise Task.DoesNotExist
    return page.listed(beside, now)


def read_headers(task: Task, body: bytes, accepted: str) -> dict[str, str]:
    """The headers of a status, given its body and the request's Accept-Encoding."""
    return {
        POLL_AFTER: "0" if task.state in FINAL else str(POLL_AFTER_MS),
        "etag": compression.etag(accepted, body),
        "cache-control": "private, no-cache",
        "vary": compression.VARY,
    }


class ListVideos(View):
    """A page of the videos that are not deleted."""

    scopes = {"GET": Scope.READ, "HEAD": Scope.READ}

    def get(self, request: Request) -> HttpResponse:
        asked = page_asked_for(Parameters(request.query_params))
        now = timezone.now()
        try:
            found = page.read(self.key.tenant_id, asked, now)
        except UnknownTask:
            raise unknown_cursor() from None
        return HttpResponse(page_body(found, request._request, now), content_type="application/json")


def page_body(found: Page, request: Addressed, now: datetime) -> bytes:
    """The page as JSON."""
    videos = [encode(representation.video(task, request, now, place)) for task, place in found.listed]
    return list_object(found, videos)


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

    @staticmethod
    def shaped(video: dict[str, Any]) -> dict[str, Any]:
        return shapes.for_new_api(video)


def has_current(etag: str, known: str) -> bool:
    """Whether the client has this version, compressed or not."""
    strong = etag.removeprefix("W/")
    return not {"*", strong, f"W/{strong}"}.isdisjoint(parse_etags(known))
