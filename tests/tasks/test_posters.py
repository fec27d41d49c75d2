"""Posters of finished videos: made after the video is stored and removed with it."""

import asyncio
import io
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import av
import pytest
from django.conf import LazySettings
from django.db import connections
from PIL import Image

from config import stores
from config.stores.folder import FileWindow, FolderStore
from tests.conftest import NOW, Caller, MakeTask, Sandbox
from tests.worker.test_steps import _done, accept, fetch, jobs
from videos.models import Task, UpstreamAccount
from videos.results import files
from videos.results.posters import NoPoster, still
from videos.sandbox.clip import Clip
from videos.sandbox.render import render
from videos.states import Status
from videos.tasks import deletion, lifecycle
from videos.worker import poster, sweep

LATER = NOW + timedelta(seconds=10)
BLACK, BRIGHT = (0, 0, 0), (200, 200, 200)
FRAMES_PER_SECOND = 10


def film(*colours: tuple[int, int, int], width: int = 64, height: int = 36) -> bytes:
    """An MP4 with a frame of each colour, ten a second; only the first is a key frame."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", FRAMES_PER_SECOND, options={"g": "1000"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for colour in colours:
            frame: Any = av.VideoFrame.from_image(Image.new("RGB", (width, height), colour))  # type: ignore[no-untyped-call]
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return file.getvalue()


def picture(jpeg: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(jpeg))
    assert image.format == "JPEG"
    return image


def brightness(jpeg: bytes) -> int:
    middle = picture(jpeg).convert("L").getpixel((8, 8))
    assert isinstance(middle, int)
    return middle


# --- a file in, a JPEG out


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A clip of the sandbox."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    render(Clip("a cat runs", "Kling 2.5", 342, 192, 2, audio=True), path)
    return path.read_bytes()


def test_a_poster_is_the_frame_after_one_second() -> None:
    fading_in = film(*[BLACK] * 8, *[BRIGHT] * 12, *[BLACK] * 10)
    assert brightness(still(io.BytesIO(fading_in))) > 150


def test_the_poster_of_a_short_video_is_its_middle_frame() -> None:
    assert brightness(still(io.BytesIO(film(BLACK, BLACK, BRIGHT, BRIGHT, BRIGHT)))) > 150
    assert brightness(still(io.BytesIO(film(BRIGHT)))) > 150


@pytest.mark.parametrize(
    ("size", "shown"),
    [((64, 36), (64, 36)), ((1280, 720), (640, 360)), ((720, 1280), (640, 1138)), ((640, 360), (640, 360))],
)
def test_a_poster_is_at_most_640_pixels_wide(size: tuple[int, int], shown: tuple[int, int]) -> None:
    wide = film(BRIGHT, BRIGHT, width=size[0], height=size[1])
    assert picture(still(io.BytesIO(wide))).size == shown


def test_the_poster_of_a_real_clip_has_contrast(clip: bytes) -> None:
    image = picture(still(io.BytesIO(clip)))
    assert image.size == (342, 192)
    shades = {shade for shade, pixels in enumerate(image.convert("L").histogram()) if pixels}
    assert max(shades) - min(shades) > 50


def _without_pictures(clip: bytes) -> bytes:
    """An MP4 with sound only."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("aac", 44100)
        silence = av.AudioFrame(format="fltp", layout="mono", samples=1024)
        silence.sample_rate = 44100
        silence.planes[0].update(bytes(silence.planes[0].buffer_size))
        container.mux(stream.encode(silence))
        container.mux(stream.encode(None))
    return file.getvalue()


BROKEN: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda clip: b"",
    "no video": lambda clip: b"<html>not here</html>" * 100,
    "cut off in its index": lambda clip: clip[:200],
    "without its index": lambda clip: clip.replace(b"moov", b"lost"),
    "zeros for pictures": lambda clip: clip[: clip.index(b"mdat") + 4] + bytes(len(clip)),
    "sound alone": _without_pictures,
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_video_has_no_poster(case: str, clip: bytes) -> None:
    with pytest.raises(NoPoster):
        still(io.BytesIO(BROKEN[case](clip)))


# --- storing

needs_threads = pytest.mark.usefixtures("database_threads")


def keep(task: Task) -> Task:
    """Run the poster step; returns the updated task."""
    asyncio.run(poster.keep(task.pk))
    return reread(task)


def reread(task: Task) -> Task:
    return Task.objects.get(pk=task.pk)


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


@pytest.fixture
def stored(make_task: MakeTask, clip: bytes) -> Task:
    """A finished video with its file."""
    task = make_task(Status.SUCCEEDED)
    stores.results().put(task.media_name, io.BytesIO(clip), "video/mp4")
    return task


@needs_threads
def test_a_stored_video_gets_a_poster_beside_it(
    sandbox: Sandbox, sandbox_account: UpstreamAccount, make_task: MakeTask, results_folder: Path
) -> None:
    task = fetch(_done(accept(sandbox, make_task())))
    assert ("poster", {"task_id": str(task.pk)}) in jobs()
    task = keep(task)
    assert task.has_poster
    assert names(results_folder) == [files.poster_name(task), task.media_name]
    assert Path(task.media_name).with_suffix("") == Path(files.poster_name(task)).with_suffix("")
    assert picture((results_folder / files.poster_name(task)).read_bytes()).width <= 640


@needs_threads
def test_a_second_poster_replaces_the_first(stored: Task, results_folder: Path) -> None:
    keep(stored)
    before = names(results_folder)
    assert keep(stored).has_poster
    assert names(results_folder) == before


@needs_threads
@pytest.mark.parametrize("content", [b"no video", None], ids=["broken", "missing"])
def test_an_unreadable_video_stays_without_a_poster(
    content: bytes | None, make_task: MakeTask, results_folder: Path
) -> None:
    task = make_task(Status.SUCCEEDED)
    if content:
        stores.results().put(task.media_name, io.BytesIO(content), "video/mp4")
    before = names(results_folder)
    left = keep(task)
    assert (left.state, left.has_poster, left.attention) == (Status.SUCCEEDED, False, "")
    assert names(results_folder) == before


@needs_threads
@pytest.mark.parametrize("status", [Status.STORING, Status.FAILED])
def test_a_task_without_video_gets_no_poster(
    status: Status, make_task: MakeTask, results_folder: Path
) -> None:
    task = make_task(status)
    assert not keep(task).has_poster
    assert names(results_folder) == []


# --- removal


@needs_threads
def test_the_poster_is_deleted_with_the_video(owner: Caller, stored: Task, results_folder: Path) -> None:
    keep(stored)
    assert owner.request("DELETE", f"/v1/videos/{stored.public_id}").status_code == 200
    assert names(results_folder) == []
    left = reread(stored)
    assert (left.has_poster, left.media_removed_at) == (False, left.hidden_at)


@needs_threads
def test_the_poster_is_removed_when_the_video_expires(stored: Task, results_folder: Path) -> None:
    keep(stored)
    Task.objects.update(expires_at=LATER)
    sweep.sweep(LATER)
    assert names(results_folder) == []
    left = reread(stored)
    assert (left.has_poster, left.media_removed_at) == (False, LATER)


@needs_threads
def test_an_unrecorded_poster_is_removed_with_the_video(stored: Task, results_folder: Path) -> None:
    """The worker was killed between saving and recording it."""
    files.save_poster(stored, b"a still")
    Task.objects.update(expires_at=LATER)
    sweep.sweep(LATER)
    assert names(results_folder) == []


class InterruptedStore(FolderStore):
    """A store that runs something while a file is read."""

    meanwhile: ClassVar[Callable[[], object]]

    def open(self, key: str, start: int = 0, stop: int | None = None) -> FileWindow:
        opened = super().open(key, start, stop)
        type(self).meanwhile()
        connections.close_all()  # of the reading thread
        return opened


def interrupted(bucket: str, path: str, *_: object) -> InterruptedStore:
    return InterruptedStore(Path(path))


@needs_threads
def test_a_poster_made_while_the_video_is_removed_is_removed_too(
    stored: Task, results_folder: Path, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(stores.KINDS, "interrupted", stores.Kind(f"{__name__}.interrupted"))
    settings.RESULTS_URL = f"interrupted://bucket{results_folder}"
    monkeypatch.setattr(
        InterruptedStore,
        "meanwhile",
        staticmethod(lambda: deletion.delete_media(stored, LATER)),
        raising=False,
    )
    left = keep(stored)
    assert (left.has_poster, left.media_removed_at) == (False, LATER)
    assert names(results_folder) == []


@needs_threads
def test_a_poster_recorded_while_the_video_is_removed_is_removed_by_the_next_sweep(
    stored: Task, results_folder: Path
) -> None:
    Task.objects.update(expires_at=LATER)
    seen = reread(stored)
    keep(stored)
    assert not lifecycle.remove_media(seen, LATER)
    assert reread(stored).has_poster
    sweep.sweep(LATER)
    left = reread(stored)
    assert (left.has_poster, left.media_removed_at) == (False, LATER)
    assert names(results_folder) == []
