"""Serves videos, whole or in ranges, without reading them into memory; and their posters."""

import re
from http import HTTPStatus
from typing import TypeVar

from django.conf import settings
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.utils.http import http_date

from config import stores
from config.envelope import envelope, json_response
from config.stores.base import BLOCK, Missing, Store, Window
from videos.errors import VideoExpired, VideoNotReady
from videos.models import Task
from videos.results import files
from videos.results.files import LINK_SECONDS, VIDEO
from videos.results.links import SIGNATURE
from videos.results.thumbnails import as_webp

Response = TypeVar("Response", bound=HttpResponseBase)

REDIRECT = "redirect"
"""The value of `CONTENT_DELIVERY` that sends clients to the store, if that makes links."""
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


def media_response(task: Task, request: HttpRequest) -> HttpResponseBase:
    """A redirect if the store makes links, else the video's bytes. Raises `VideoExpired` and `StoreError`."""
    store = stores.results()
    if settings.CONTENT_DELIVERY == REDIRECT and (link := _link(store, task)):
        return HttpResponseRedirect(link)
    try:
        return _streamed(store, task, request)
    except Missing as error:
        raise VideoExpired("The video is no longer in the storage") from error


def _link(store: Store, task: Task) -> str | None:
    return store.sign(task.media_name, LINK_SECONDS, content_type=VIDEO, filename=f"{task.public_id}.mp4")


def _streamed(store: Store, task: Task, request: HttpRequest) -> HttpResponseBase:
    size = store.stat(task.media_name).size
    if unchanged := _precondition(request, task):
        return unchanged
    requested = _requested_range(request, task)
    window = _window(*requested, size) if requested else (0, size)
    if window is None:
        return _unsatisfiable(size)
    response = _file(task, request, store.open(task.media_name, *window), window[1] - window[0])
    if requested:
        response.status_code = 206
        response["content-range"] = f"bytes {window[0]}-{window[1] - 1}/{size}"
    return response


def thumbnail_response(task: Task, request: HttpRequest) -> HttpResponseBase:
    """The poster of the task's video, as WebP. Raises `VideoNotReady` if there is none."""
    if not task.has_poster:
        raise VideoNotReady("The video has no thumbnail, or not yet")
    if unchanged := _precondition(request, task, ".webp"):
        return unchanged
    poster = files.poster(task)
    webp = as_webp(poster) if poster else None
    if webp is None:
        raise VideoNotReady("The thumbnail of the video cannot be read")
    response = HttpResponse(webp, content_type="image/webp")
    response["content-disposition"] = f'inline; filename="{task.public_id}.webp"'
    return _with_validators(response, request, task, ".webp")


def _precondition(request: HttpRequest, task: Task, variant: str = "") -> HttpResponseBase | None:
    """304 if the client has this version, 412 if it requires another one, else None."""
    etag, modified = _etag(task, variant), _last_modified(task)
    response = get_conditional_response(request, etag=etag, last_modified=modified)
    if response is None:
        return None
    if response.status_code == HTTPStatus.PRECONDITION_FAILED:
        message = "The video is not the one that If-Match or If-Unmodified-Since names"
        return json_response(412, envelope(message, type="invalid_request_error", code="precondition_failed"))
    return _with_validators(response, request, task, variant)


def _with_validators(response: Response, request: HttpRequest, task: Task, variant: str = "") -> Response:
    response["etag"] = _etag(task, variant)
    response["last-modified"] = http_date(_last_modified(task))
    # A signed link authorises anybody. With a key, caches must revalidate that it still has access.
    response["cache-control"] = "private, max-age=3600" if SIGNATURE in request.GET else "private, no-cache"
    patch_vary_headers(response, ["Authorization"])
    return response


def _last_modified(task: Task) -> int:
    """In Unix seconds; a finished video never changes."""
    return int((task.finished_at or task.created_at).timestamp())


def _requested_range(request: HttpRequest, task: Task) -> tuple[str, str] | None:
    """The first and last byte of the range, one of which may be empty; None for the whole video."""
    match = _RANGE.fullmatch(request.headers.get("range", ""))
    if match is None or not any(match.groups()) or request.method != "GET":
        return None
    if all(match.groups()) and int(match[2]) < int(match[1]):  # invalid, so ignored (RFC 9110)
        return None
    return (match[1], match[2]) if request.headers.get("if-range", _etag(task)) == _etag(task) else None


def _window(first: str, last: str, size: int) -> tuple[int, int] | None:
    """The start and stop offset; None if the range lies outside the file."""
    if not first:
        start, stop = max(0, size - int(last)), size
    else:
        start, stop = int(first), min(size, int(last) + 1) if last else size
    return (start, stop) if start < stop else None


def _file(task: Task, request: HttpRequest, window: Window, size: int) -> FileResponse:
    response = FileResponse(window, content_type=VIDEO)
    response.block_size = BLOCK
    response["content-length"] = str(size)
    response["accept-ranges"] = "bytes"
    response["content-disposition"] = f'inline; filename="{task.public_id}.mp4"'
    return _with_validators(response, request, task)


def _unsatisfiable(size: int) -> HttpResponse:
    body = envelope(
        f"The range lies outside the video's {size} bytes", type="invalid_request_error", code="invalid_range"
    )
    response = json_response(416, body)
    response["content-range"] = f"bytes */{size}"
    return response


def _etag(task: Task, variant: str = "") -> str:
    return f'"{task.id.hex}{variant}"'
