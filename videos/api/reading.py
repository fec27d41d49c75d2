"""`GET /v1/videos/{id}`: the second of the two hot paths, in one statement."""

from datetime import datetime
from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from django.utils.http import parse_etags
from rest_framework.request import Request

from accounts.api.authentication import BearerKeyAuthentication, LookUp
from accounts.models import Scope
from config import compression
from config.db.prepared import Row
from config.envelope import encode
from videos.api.base import View
from videos.errors import TaskNotExist
from videos.estimates.queue_position import Place
from videos.models import Task
from videos.models.task import parse_public_id
from videos.states import FINAL
from videos.tasks import representation, sql

POLL_AFTER = "openai-poll-after-ms"
POLL_AFTER_MS = 2000
"""How often a client may sensibly ask: as often as upstream is asked, more or less."""


class KeyWithVideo(BearerKeyAuthentication):
    """Finds the task of the route together with the key."""

    def looked_up(self, request: Request, now: datetime) -> LookUp | None:
        """The task, if it is to be read."""
        if request.method not in ReadVideo.scopes:
            return None
        task_id = request.parser_context["kwargs"]["task_id"]
        return LookUp(sql.READ, {"task": parse_public_id(task_id)})


class ReadVideo(View):
    """The status of one video."""

    authentication_classes = [KeyWithVideo]
    scopes = {"GET": Scope.READ, "HEAD": Scope.READ}

    def get(self, request: Request, task_id: str) -> HttpResponse:
        """Answer with the video object. Raises `TaskNotExist`."""
        now = timezone.now()
        task, place = _found(self.key.beside, now)
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


def _is_known(etag: str, known: str) -> bool:
    """Whether a client has what the tag is of, compressed or not."""
    strong = etag.removeprefix("W/")
    return not {"*", strong, f"W/{strong}"}.isdisjoint(parse_etags(known))


def _found(row: Row, now: datetime) -> tuple[Task, Place | None]:
    columns = dict(zip(sql.READ_COLUMNS, row, strict=False))
    if columns["id"] is None:
        raise TaskNotExist
    task = Task.from_db("default", list(columns), list(columns.values()))
    task.prompt, position, limit, usual = row[len(columns) :]
    return task, Place.of(task.model, position, limit, usual, now) if position else None
