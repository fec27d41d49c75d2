"""Serves videos, whole or in ranges, without reading them into memory; and their posters."""

import re
from http import HTTPStatus
from typing import TypeVar

from django.core.cache import cache
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.utils.http import http_date

from config import stores
from config.edge.answers import PassedThrough
from config.envelope import envelope, json_response
from config.stores.base import BLOCK, Denied, Missing, Store, StoreError, Window
from videos.errors import ReelayError, VideoExpired, VideoInYourBucket, VideoNotReady
from videos.models import Task
from videos.results import files
from videos.results.files import LINK_SECONDS, VIDEO
from videos.results.links import SIGNATURE
from videos.results.thumbnails import as_webp

Response = TypeVar("Response", bound=HttpResponseBase)

SEEN_FOR = 60
"""Seconds that an object in a tenant's bucket is taken to be there after a look."""
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


def media_response(task: Task, request: HttpRequest) -> HttpResponseBase:
    """A redirect if the store makes links, else the video's bytes.

    Raises `VideoExpired`, `VideoInYourBucket` and `StoreError`.
    """
    try:
        store, key = files.place_of(task)
        if link := _link(store, key, task):
            if not task.has_copy:
                # It would work neither without the object nor with a revoked key; our words say more.
                _seen(store, key)
            return HttpResponseRedirect(link)
        return _streamed(store, key, task, request)
    except (Missing, Denied) as error:
        raise _refusal(task, error) from error


def _refusal(task: Task, error: StoreError) -> ReelayError | StoreError:
    if not task.has_copy:
        return VideoInYourBucket(task.store_bucket, task.store_region, task.bucket_key, str(error))
    return VideoExpired("The video is no longer in the storage") if isinstance(error, Missing) else error


def _seen(store: Store, key: str) -> None:
    """Look at the object, unless that was done in the last minute. Raises `StoreError`."""
    known = f"seen:{hash((store.place, key))}"
    if cache.get(known) is None:
        store.stat(key)
        cache.set(known, 1, SEEN_FOR)


def _link(store: Store, key: str, task: Task) -> str | None:
    filename = f"{task.public_id}.mp4"
    return stores.public_link(store, key, LINK_SECONDS, content_type=VIDEO, filename=filename)


def _streamed(store: Store, key: str, task: Task, request: HttpRequest) -> HttpResponseBase:
    size = store.stat(key).size
    if unchanged := _precondition(request, task):
        return unchanged
    requested = _requested_range(request, task)
    window = _window(*requested, size) if requested else (0, size)
    if window is None:
        return _unsatisfiable(size)
    response = _file(task, request, store.open(key, *window), window[1] - window[0])
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
    response = FileResponse(PassedThrough(window), content_type=VIDEO)
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
