"""The video itself: whole or a range of it, never read into memory."""

import re
from collections.abc import Iterator
from pathlib import Path

from django.core.files.storage import storages
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase

from config.envelope import envelope, json_response
from videos.errors import VideoExpired
from videos.media import local_path
from videos.models import Task

BLOCK = 256 * 1024
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


class FileWindow:
    """The bytes of a file from `start` up to but without `stop`, as a file to read."""

    def __init__(self, path: Path, start: int, stop: int) -> None:
        self.name, self.start, self.stop = str(path), start, stop
        self._file = path.open("rb")
        self._file.seek(start)

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes, and none past the window."""
        left = self.stop - self._file.tell()
        return self._file.read(left if size < 0 else min(size, left))

    def __iter__(self) -> Iterator[bytes]:
        while block := self.read(BLOCK):
            yield block

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def media_response(task: Task, request: HttpRequest) -> HttpResponseBase:
    """Answer with the task's video: a redirect where the storage signs links of its own, else the bytes."""
    path = local_path(task.media_name)
    if path is None:
        return HttpResponseRedirect(storages["results"].url(task.media_name))
    try:
        size = path.stat().st_size
    except FileNotFoundError as error:
        raise VideoExpired("The video is no longer in the storage") from error
    asked = _asked_range(request, task)
    window = _window(*asked, size) if asked else (0, size)
    if window is None:
        return _unsatisfiable(size)
    response = _file(task, path, *window)
    if asked:
        response.status_code = 206
        response["content-range"] = f"bytes {window[0]}-{window[1] - 1}/{size}"
    return response


def _asked_range(request: HttpRequest, task: Task) -> tuple[str, str] | None:
    """The first and the last byte asked for, one of which may be empty; None asks for the whole."""
    asked = _RANGE.fullmatch(request.headers.get("range", ""))
    if asked is None or not any(asked.groups()):
        return None
    return (asked[1], asked[2]) if request.headers.get("if-range", _etag(task)) == _etag(task) else None


def _window(first: str, last: str, size: int) -> tuple[int, int] | None:
    """From which byte to which; None where the range lies outside the file."""
    if not first:
        start, stop = max(0, size - int(last)), size
    else:
        start, stop = int(first), min(size, int(last) + 1) if last else size
    return (start, stop) if start < stop else None


def _file(task: Task, path: Path, start: int, stop: int) -> FileResponse:
    response = FileResponse(FileWindow(path, start, stop), content_type="video/mp4")
    response.block_size = BLOCK
    response["content-length"] = str(stop - start)
    response["accept-ranges"] = "bytes"
    response["etag"] = _etag(task)
    response["cache-control"] = "private, max-age=3600"
    response["content-disposition"] = f'inline; filename="{task.public_id}.mp4"'
    return response


def _unsatisfiable(size: int) -> HttpResponse:
    body = envelope(
        f"The range lies outside the video's {size} bytes", type="invalid_request_error", code="invalid_range"
    )
    response = json_response(416, body)
    response["content-range"] = f"bytes */{size}"
    return response


def _etag(task: Task) -> str:
    return f'"{task.id.hex}"'
