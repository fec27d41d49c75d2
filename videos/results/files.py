"""The files of a finished task in the platform's store: its video, poster and preview."""

import io
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path, PurePosixPath

import structlog
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response

from config import stores
from config.stores.base import BLOCK, Denied, Missing, Store, StoreError
from videos.models import Task
from videos.results import bucket

VIDEO, POSTER, PREVIEW = "video/mp4", "image/jpeg", "image/webp"
LINK_SECONDS = 6 * 3600
"""How long a link of the store works; players come back to it while they play."""
log = structlog.get_logger(__name__)


def media_name(task: Task) -> str:
    """The key of a task's video in the store."""
    return f"{task.tenant_id.hex}/{task.created_at:%Y/%m}/{task.id.hex}.mp4"


def poster_name(task: Task) -> str:
    """The key of a task's poster, in the folder of its video."""
    return str(PurePosixPath(media_name(task)).with_suffix(".jpg"))


def preview_name(task: Task) -> str:
    """The key of a task's preview, in the folder of its video."""
    return str(PurePosixPath(media_name(task)).with_suffix(".webp"))


def place_of(task: Task) -> tuple[Store, str]:
    """The store that has the video and its key there: the platform's, else the tenant's bucket.

    Raises `StoreError`; `Denied` if the tenant lets us not read its bucket.
    """
    if task.has_copy:
        return stores.results(), task.media_name
    store = bucket.store_of(task)
    if store is None:
        raise Denied(f"no credentials are set to read the bucket {task.store_bucket}")
    return store, task.bucket_key


@contextmanager
def local_copy(task: Task) -> Iterator[Path]:
    """A path where the video can be read; it is copied unless the store is a folder. Raises `StoreError`."""
    folder = stores.folder_of_results()
    if folder is not None and task.has_copy:
        yield folder / task.media_name
        return
    store, key = place_of(task)
    with tempfile.NamedTemporaryFile() as copy:
        with closing(store.open(key)) as video:
            shutil.copyfileobj(video, copy, BLOCK)
        copy.flush()
        yield Path(copy.name)


def save_pictures(task: Task, poster: bytes, preview: bytes | None = None) -> None:
    """Save the poster and the preview, if there is one, replacing existing ones. Raises `StoreError`."""
    stores.results().put(poster_name(task), io.BytesIO(poster), POSTER)
    if preview is None:
        stores.results().delete(preview_name(task))
    else:
        stores.results().put(preview_name(task), io.BytesIO(preview), PREVIEW)


def poster(task: Task) -> bytes | None:
    """The poster, a JPEG; None if it cannot be read."""
    try:
        return _read(poster_name(task))
    except StoreError:
        log.exception("poster could not be read", task=task.public_id)
        return None


def _read(name: str) -> bytes | None:
    """A whole object; None if there is none. Raises `StoreError`."""
    try:
        with closing(stores.results().open(name)) as window:
            return window.read()
    except Missing:
        return None


def delete_pictures(task: Task) -> None:
    """Delete the poster and the preview; missing ones are fine. Raises `StoreError`."""
    for name in (poster_name(task), preview_name(task)):
        stores.results().delete(name)


def delete(task: Task) -> None:
    """Delete the video and its pictures; missing files are fine. Raises `StoreError`."""
    if task.media_name:
        stores.results().delete(task.media_name)
    delete_pictures(task)


def poster_response(task: Task, request: HttpRequest) -> HttpResponseBase:
    """The poster, or a redirect to it in the store. Raises `Http404`. The caller has checked access."""
    if not task.has_poster:
        raise Http404
    return _picture_response(task, request, poster_name(task), POSTER)


def preview_response(task: Task, request: HttpRequest) -> HttpResponseBase:
    """The preview, like the poster."""
    if not task.has_preview:
        raise Http404
    return _picture_response(task, request, preview_name(task), PREVIEW)


def _picture_response(task: Task, request: HttpRequest, name: str, content_type: str) -> HttpResponseBase:
    etag = f'"{task.id.hex}{PurePosixPath(name).suffix}"'
    response = get_conditional_response(request, etag=etag) or _picture(name, content_type)
    if response.status_code != HttpResponseRedirect.status_code:  # the link may expire sooner
        response["etag"] = etag
        response["cache-control"] = "private, max-age=3600"
    return response


def _picture(name: str, content_type: str) -> HttpResponseBase:
    if link := stores.public_link(stores.results(), name, LINK_SECONDS, content_type=content_type):
        return HttpResponseRedirect(link)
    picture = _read(name)
    if picture is None:
        raise Http404
    return HttpResponse(picture, content_type=content_type)
