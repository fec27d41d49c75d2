"""Posters and previews of finished videos: made after the video is stored and removed with it."""

import asyncio
import io
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import ClassVar

import pytest
from django.conf import LazySettings
from django.db import connections
from PIL import Image

from config import stores
from config.stores.base import Readable, Saved
from config.stores.folder import FolderStore
from tests.conftest import NOW, Caller, MakeTask, Sandbox
from tests.media.films import BLACK, BRIGHT, film
from tests.support.kept import content_of, kept
from tests.worker.test_steps import _done, accept, fetch, jobs
from videos.models import Task, UpstreamAccount
from videos.results import files
from videos.states import Status
from videos.tasks import deletion, lifecycle
from videos.worker import poster, sweep

LATER = NOW + timedelta(seconds=10)

needs_threads = pytest.mark.usefixtures("database_threads")


def picture(encoded: bytes) -> Image.Image:
    return Image.open(io.BytesIO(encoded))


def keep(task: Task) -> Task:
    """Run the poster step; returns the updated task."""
    asyncio.run(poster.keep(task.pk))
    return reread(task)


def reread(task: Task) -> Task:
    return Task.objects.get(pk=task.pk)


CLIP = film(*[BLACK, BRIGHT] * 10)


@pytest.fixture
def stored(make_task: MakeTask) -> Task:
    """A finished video with its file."""
    task = make_task(Status.SUCCEEDED)
    stores.results().put(task.media_name, io.BytesIO(CLIP), "video/mp4")
    return task


@needs_threads
def test_a_stored_video_gets_a_poster_and_a_preview_beside_it(
    sandbox: Sandbox, sandbox_account: UpstreamAccount, make_task: MakeTask
) -> None:
    task = fetch(_done(accept(sandbox, make_task())))
    assert ("poster", {"task_id": str(task.pk)}) in jobs()
    task = keep(task)
    assert (task.has_poster, task.has_preview) == (True, True)
    assert kept() == [files.poster_name(task), task.media_name, files.preview_name(task)]
    assert {Path(name).with_suffix("").as_posix() for name in kept()} == {
        task.media_name.removesuffix(".mp4")
    }
    assert picture(content_of(files.poster_name(task))).format == "JPEG"
    assert picture(content_of(files.preview_name(task))).format == "WEBP"


class RemoteStore:
    """A store without local files."""

    def __init__(self, folder: FolderStore) -> None:
        self.put, self.open, self.sign = folder.put, folder.open, folder.sign


def remote(bucket: str, path: str, *_: object) -> RemoteStore:
    return RemoteStore(FolderStore(Path(path)))


@needs_threads
def test_a_video_in_a_remote_store_gets_a_poster(
    make_task: MakeTask, results_folder: Path, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(stores.KINDS, "remote", stores.Kind(f"{__name__}.remote"))
    settings.RESULTS_URL = f"remote://bucket{results_folder}"
    task = make_task(Status.SUCCEEDED)
    stores.results().put(task.media_name, io.BytesIO(CLIP), "video/mp4")
    assert keep(task).has_poster
    assert files.poster(task)


@needs_threads
def test_a_second_poster_replaces_the_first(stored: Task) -> None:
    keep(stored)
    before = kept()
    assert keep(stored).has_poster
    assert kept() == before


@needs_threads
@pytest.mark.parametrize("content", [b"no video", None], ids=["broken", "missing"])
def test_an_unreadable_video_stays_without_a_poster(content: bytes | None, make_task: MakeTask) -> None:
    task = make_task(Status.SUCCEEDED)
    if content:
        stores.results().put(task.media_name, io.BytesIO(content), "video/mp4")
    before = kept()
    left = keep(task)
    assert (left.state, left.has_poster, left.attention) == (Status.SUCCEEDED, False, "")
    assert kept() == before


@needs_threads
@pytest.mark.parametrize("status", [Status.STORING, Status.FAILED])
def test_a_task_without_video_gets_no_poster(status: Status, make_task: MakeTask) -> None:
    task = make_task(status)
    assert not keep(task).has_poster
    assert kept() == []


# --- removal


@needs_threads
def test_the_poster_is_deleted_with_the_video(owner: Caller, stored: Task) -> None:
    keep(stored)
    assert owner.request("DELETE", f"/v1/videos/{stored.public_id}").status_code == 200
    assert kept() == []
    left = reread(stored)
    assert (left.has_poster, left.has_preview, left.media_removed_at) == (False, False, left.hidden_at)


@needs_threads
def test_the_poster_is_removed_when_the_video_expires(stored: Task) -> None:
    keep(stored)
    Task.objects.update(expires_at=LATER)
    sweep.sweep(LATER)
    assert kept() == []
    left = reread(stored)
    assert (left.has_poster, left.has_preview, left.media_removed_at) == (False, False, LATER)


@needs_threads
def test_a_preview_that_cannot_be_made_again_is_deleted(stored: Task) -> None:
    files.save_pictures(stored, b"a still", b"a preview")
    files.save_pictures(stored, b"a still")
    assert kept() == [files.poster_name(stored), stored.media_name]


@needs_threads
def test_an_unrecorded_poster_is_removed_with_the_video(stored: Task) -> None:
    """The worker was killed between saving and recording it."""
    files.save_pictures(stored, b"a still", b"a preview")
    Task.objects.update(expires_at=LATER)
    sweep.sweep(LATER)
    assert kept() == []


class InterruptedStore(FolderStore):
    """A store that runs something before a file is saved."""

    meanwhile: ClassVar[Callable[[], object]] = staticmethod(lambda: None)

    def put(self, key: str, content: Readable, content_type: str = "") -> Saved:
        type(self).meanwhile()
        connections.close_all()  # of the saving thread
        return super().put(key, content, content_type)


def interrupted(bucket: str, path: str, *_: object) -> InterruptedStore:
    return InterruptedStore(Path(path))


@needs_threads
def test_a_poster_made_while_the_video_is_removed_is_removed_too(
    stored: Task, results_folder: Path, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(stores.KINDS, "interrupted", stores.Kind(f"{__name__}.interrupted"))
    settings.RESULTS_URL = f"interrupted://bucket{results_folder}"
    stores.results().put(stored.media_name, io.BytesIO(CLIP), "video/mp4")
    monkeypatch.setattr(
        InterruptedStore,
        "meanwhile",
        staticmethod(lambda: deletion.delete_media(stored, LATER)),
    )
    left = keep(stored)
    assert (left.has_poster, left.has_preview, left.media_removed_at) == (False, False, LATER)
    assert kept() == []


@needs_threads
def test_a_poster_recorded_while_the_video_is_removed_is_removed_by_the_next_sweep(stored: Task) -> None:
    Task.objects.update(expires_at=LATER)
    seen = reread(stored)
    keep(stored)
    assert not lifecycle.remove_media(seen, LATER)
    assert reread(stored).has_poster
    sweep.sweep(LATER)
    left = reread(stored)
    assert (left.has_poster, left.has_preview, left.media_removed_at) == (False, False, LATER)
    assert kept() == []
