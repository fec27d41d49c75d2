"""The files of a finished task in the result storage: its video and its poster."""

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
    """The name of a task's video in the result storage."""
    return f"{task.tenant_id.hex}/{task.created_at:%Y/%m}/{task.id.hex}.mp4"


def poster_name(task: Task) -> str:
    """The name of a task's poster, in the folder of its video."""
    return str(PurePosixPath(task.media_name).with_suffix(".jpg"))


def local_path(name: str) -> Path | None:
    """The file's local path; None if the result storage is not a local folder."""
    try:
        return Path(storages["results"].path(name))
    except NotImplementedError:
        return None


def save_poster(task: Task, still: bytes) -> None:
    """Save the poster, replacing an existing one."""
    storage, name = storages["results"], poster_name(task)
    storage.delete(name)  # some storages would otherwise choose another name
    storage.save(name, ContentFile(still))


def poster(task: Task) -> bytes | None:
    """The poster, a JPEG; None if it cannot be read."""
    try:
        with storages["results"].open(poster_name(task)) as file:
            still: bytes = file.read()
            return still
    except FileNotFoundError:
        return None
    except Exception:  # a storage may raise anything
        log.exception("poster could not be read", task=task.public_id)
        return None


def delete_poster(task: Task) -> None:
    """Delete the poster; a missing one is fine."""
    storages["results"].delete(poster_name(task))


def delete(task: Task) -> None:
    """Delete the video and its poster; missing files are fine. Raises the errors of the storage in use."""
    storages["results"].delete(task.media_name)
    delete_poster(task)


def poster_response(task: Task, request: HttpRequest) -> HttpResponseBase:
    """The poster, or a redirect to it in the storage. Raises `Http404`. The caller has checked access."""
    if not task.has_poster:
        raise Http404
    etag = f'"{task.id.hex}.jpg"'
    response = get_conditional_response(request, etag=etag) or _poster(task)
    if response.status_code != HttpResponseRedirect.status_code:  # the link may expire sooner
        response["etag"] = etag
        response["cache-control"] = "private, max-age=3600"
    return response


def _poster(task: Task) -> HttpResponseBase:
    storage, name = storages["results"], poster_name(task)
    if local_path(name) is None:
        try:
            return HttpResponseRedirect(storage.url(name))
        except (NotImplementedError, ValueError):  # the storage has no URLs
            pass
    try:
        return FileResponse(storage.open(name), content_type="image/jpeg")
    except FileNotFoundError as error:
        raise Http404 from error
