"""The files of a finished task in the result storage: its video and the still that stands for it."""

from pathlib import Path, PurePosixPath

import structlog
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.http import FileResponse, Http404, HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response

from videos.models import Task

log = structlog.get_logger(__name__)


def media_name(task: Task) -> str:
    """Where a task's video is kept in the result storage."""
    return f"{task.tenant_id.hex}/{task.created_at:%Y/%m}/{task.id.hex}.mp4"


def poster_name(task: Task) -> str:
    """Where the still of a task's video is kept: beside it."""
    return str(PurePosixPath(task.media_name).with_suffix(".jpg"))


def local_path(name: str) -> Path | None:
    """The file on this machine; None where the result storage is no folder of it."""
    try:
        return Path(storages["results"].path(name))
    except NotImplementedError:
        return None


def save_poster(task: Task, still: bytes) -> None:
    """Put a still beside the video, in place of one that is there."""
    storage, name = storages["results"], poster_name(task)
    storage.delete(name)  # or some storages would save it under another name
    storage.save(name, ContentFile(still))


def poster(task: Task) -> bytes | None:
    """The still, a JPEG; None where it cannot be read."""
    try:
        with storages["results"].open(poster_name(task)) as file:
            still: bytes = file.read()
            return still
    except FileNotFoundError:
        return None
    except Exception:  # whatever the storage in use raises
        log.exception("poster could not be read", task=task.public_id)
        return None


def delete_poster(task: Task) -> None:
    """Remove the still; a missing one is fine."""
    storages["results"].delete(poster_name(task))


def delete(task: Task) -> None:
    """Remove the video and its still; missing ones are fine. Raises what the storage in use raises."""
    storages["results"].delete(task.media_name)
    delete_poster(task)


def poster_response(task: Task, request: HttpRequest) -> HttpResponseBase:
    """Answer with the still, or send to where the storage shows it. Raises `Http404` where there is none.

    Who may see it has been decided.
    """
    if not task.has_poster:
        raise Http404
    etag = f'"{task.id.hex}.jpg"'
    response = get_conditional_response(request, etag=etag) or _poster(task)
    if response.status_code != HttpResponseRedirect.status_code:  # its link may live shorter than that
        response["etag"] = etag
        response["cache-control"] = "private, max-age=3600"
    return response


def _poster(task: Task) -> HttpResponseBase:
    storage, name = storages["results"], poster_name(task)
    if local_path(name) is None:
        try:
            return HttpResponseRedirect(storage.url(name))
        except (NotImplementedError, ValueError):  # it has no addresses
            pass
    try:
        return FileResponse(storage.open(name), content_type="image/jpeg")
    except FileNotFoundError as error:
        raise Http404 from error
