"""The files of a finished task in the platform's store: its video and its poster."""

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

VIDEO, POSTER = "video/mp4", "image/jpeg"
LINK_SECONDS = 6 * 3600
"""How long a link of the store works; players come back to it while they play."""
log = structlog.get_logger(__name__)


def media_name(task: Task) -> str:
    """The key of a task's video in the store."""
    return f"{task.tenant_id.hex}/{task.created_at:%Y/%m}/{task.id.hex}.mp4"


def poster_name(task: Task) -> str:
    """The key of a task's poster, in the folder of its video."""
    return str(PurePosixPath(media_name(task)).with_suffix(".jpg"))


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


def save_poster(task: Task, still: bytes) -> None:
    """Save the poster, replacing an existing one. Raises `StoreError`."""
    stores.results().put(poster_name(task), io.BytesIO(still), POSTER)


def poster(task: Task) -> bytes | None:
    """The poster, a JPEG; None if it cannot be read."""
    try:
        window = stores.results().open(poster_name(task))
    except Missing:
        return None
    except StoreError:
        log.exception("poster could not be read", task=task.public_id)
        return None
    try:
        return window.read()
    finally:
        window.close()


def delete_poster(task: Task) -> None:
    """Delete the poster; a missing one is fine. Raises `StoreError`."""
    stores.results().delete(poster_name(task))


def delete(task: Task) -> None:
    """Delete the video and its poster; missing files are fine. Raises `StoreError`."""
    if task.media_name:
        stores.results().delete(task.media_name)
    delete_poster(task)


def poster_response(task: Task, request: HttpRequest) -> HttpResponseBase:
    """The poster, or a redirect to it in the store. Raises `Http404`. The caller has checked access."""
    if not task.has_poster:
        raise Http404
    etag = f'"{task.id.hex}.jpg"'
    response = get_conditional_response(request, etag=etag) or _poster(task)
    if response.status_code != HttpResponseRedirect.status_code:  # the link may expire sooner
        response["etag"] = etag
        response["cache-control"] = "private, max-age=3600"
    return response


def _poster(task: Task) -> HttpResponseBase:
    store, name = stores.results(), poster_name(task)
    if link := store.sign(name, LINK_SECONDS, content_type=POSTER):
        return HttpResponseRedirect(link)
    still = poster(task)
    if still is None:
        raise Http404
    return HttpResponse(still, content_type=POSTER)
