"""The sandbox renders real videos in a process that ends with it."""

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import av
import psutil
import pytest
from PIL import Image, ImageChops

from tests.support.sandbox import signed_headers
from tests.support.worker_process import TOO_LONG, wait_until
from videos.sandbox.clip import Clip
from videos.sandbox.frames import FRAMES_PER_SECOND, frames
from videos.sandbox.lettering import font, wrap
from videos.sandbox.protocol import CREATE, DESCRIBE
from videos.sandbox.render import render
from videos.upstream.tencent.signing import Credential

FRAME = 1 / FRAMES_PER_SECOND
SMALL = Clip(prompt="a cat runs", model="Kling 2.5", width=320, height=180, seconds=2)


def decoded(path: Path) -> tuple[Any, list[Image.Image]]:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        facts = {
            "codec": stream.codec_context.name,
            "profile": stream.codec_context.profile,
            "format": stream.codec_context.pix_fmt,
            "size": (stream.width, stream.height),
            "rate": stream.average_rate,
            "audio": [audio.codec_context.name for audio in container.streams.audio],
            "seconds": (container.duration or 0) / 1_000_000,
        }
        shown: Any = container.decode(stream)
        return facts, [frame.to_image() for frame in shown]


def pictures(clip: Clip, most: int | None = None) -> list[Image.Image]:
    shown: Iterator[Any] = islice(frames(clip), most)
    return [frame.to_image() for frame in shown]


def first_picture(clip: Clip) -> bytes:
    return pictures(clip, 1)[0].tobytes()


@pytest.mark.parametrize(
    ("width", "height", "audio"), [(320, 180, True), (180, 320, False), (342, 192, False)]
)
def test_a_clip_has_exactly_the_requested_size_and_length(
    tmp_path: Path, width: int, height: int, audio: bool
) -> None:
    path = tmp_path / "clip.mp4"
    render(Clip("a cat runs", "Kling 2.5", width, height, 2, audio), path)
    facts, shown = decoded(path)
    assert (facts["codec"], facts["format"], facts["profile"]) == ("h264", "yuv420p", "Main")
    assert (facts["size"], facts["rate"]) == ((width, height), FRAMES_PER_SECOND)
    assert facts["audio"] == (["aac"] if audio else [])
    assert abs(facts["seconds"] - 2) <= FRAME
    assert len(shown) == 2 * FRAMES_PER_SECOND


def test_playback_can_start_before_the_file_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    render(SMALL, path)
    data = path.read_bytes()
    assert 0 < data.index(b"moov") < data.index(b"mdat")


def test_the_picture_moves_and_keeps_its_caption() -> None:
    shown = pictures(SMALL)
    assert len(shown) == SMALL.seconds * FRAMES_PER_SECOND
    assert len({picture.crop((0, 0, 320, 90)).tobytes() for picture in shown}) == len(shown)
    assert len({picture.crop((0, 150, 320, 180)).tobytes() for picture in shown}) == 1


def test_rendering_a_clip_is_deterministic() -> None:
    assert first_picture(SMALL) == first_picture(SMALL)


def test_prompt_model_seconds_and_references_change_the_picture() -> None:
    changes: list[dict[str, Any]] = [
        {},
        {"prompt": "a dog runs"},
        {"model": "Vidu q2"},
        {"seconds": 3},
        {"references": 1},
    ]
    assert len({first_picture(replace(SMALL, **change)) for change in changes}) == len(changes)


@pytest.mark.parametrize(
    ("prompt", "width", "height"),
    [
        ("", 320, 180),
        ("x" * 2000, 320, 180),
        ("x" * 2000, 180, 320),
        ("你好,世界 " * 40, 180, 320),
        ("🐶 \x00 \u202e \ufffd \n\n", 320, 180),
        ("a " * 1000, 342, 192),
    ],
)
def test_any_prompt_leaves_room_for_the_picture(prompt: str, width: int, height: int) -> None:
    first, last = pictures(Clip(prompt, "Kling 3.0-Omni", width, height, 1))[:: FRAMES_PER_SECOND - 1]
    changed = ImageChops.difference(first, last).getbbox()
    assert changed is not None
    assert changed[3] > height / 3


@pytest.mark.parametrize(
    "text", ["a cat runs through the tall grass of a summer meadow", "x" * 90, "狗在跑" * 20]
)
def test_lines_fit_the_width_and_lose_no_text(text: str) -> None:
    face = font(14)
    lines = wrap(text, face, 120, most_lines=99)
    assert all(face.getlength(line) <= 120 for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


def test_too_many_lines_end_in_an_ellipsis() -> None:
    face = font(14)
    lines = wrap("one two three four five six seven eight nine ten", face, 80, most_lines=2)
    assert len(lines) == 2
    assert lines[-1].endswith("…")
    assert face.getlength(lines[-1]) <= 80


# --- the process

ACCOUNT = Credential("AKIDprocess", "process-secret")
PROJECT = Path(__file__).resolve().parents[2]


class Process:
    """A process of `python -m videos.sandbox` and signed calls to it."""

    def __init__(self, *arguments: str) -> None:
        credential = f"{ACCOUNT.secret_id}:{ACCOUNT.secret_key}"
        command = [sys.executable, "-m", "videos.sandbox", "--credential", credential, *arguments]
        self.popen = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=PROJECT)
        assert self.popen.stdout
        self.greeting = self.popen.stdout.readline()
        self.host = urlsplit(self.greeting.split()[-1]).netloc

    def call(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        body = json.dumps(payload).encode()
        headers = signed_headers(
            ACCOUNT, action=action, body=body, timestamp=int(time.time()), host=self.host
        )
        response: dict[str, Any] = json.loads(self.send("POST", "/", body, headers))["Response"]
        return response

    def send(self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> bytes:
        with closing(http.client.HTTPConnection(self.host, timeout=TOO_LONG)) as connection:
            connection.request(method, path, body, headers or {})
            return connection.getresponse().read()

    def create(self, **changes: Any) -> str:
        payload = {"ModelName": "Vidu", "ModelVersion": "q2", "Prompt": "a cat", "Duration": 1} | changes
        task_id: str = self.call(CREATE, payload)["TaskId"]
        return task_id

    def wait_for(self, task_id: str) -> str:
        """Wait until the task is done; returns the URL of its video."""
        answer = wait_until("a video", lambda: self._done(task_id))
        (url,) = answer["VideoUrls"]
        return str(url)

    def _done(self, task_id: str) -> dict[str, Any] | None:
        answer = self.call(DESCRIBE, {"TaskId": task_id})
        return answer if answer["Status"] == "DONE" else None

    def children(self) -> list[psutil.Process]:
        return list(psutil.Process(self.popen.pid).children(recursive=True))

    def end(self) -> None:
        self.popen.terminate()
        self.popen.wait(TOO_LONG)
        assert self.popen.stdout
        self.popen.stdout.close()


@pytest.fixture
def start() -> Iterator[Callable[..., Process]]:
    started: list[Process] = []

    def begin(*arguments: str) -> Process:
        started.append(Process(*arguments))
        return started[-1]

    yield begin
    for process in started:
        process.end()


@pytest.mark.processes
def test_the_sandbox_process_renders_a_task_and_exits_cleanly(
    start: Callable[..., Process], tmp_path: Path
) -> None:
    results = tmp_path / "results"
    sandbox = start("--generation-seconds", "0", "--folder", str(results))
    assert sandbox.greeting == f"sandbox upstream listening on http://{sandbox.host}\n"
    url = sandbox.wait_for(sandbox.create(ExtraParameters={"Resolution": "540P", "AspectRatio": "1:1"}))
    (tmp_path / "clip.mp4").write_bytes(sandbox.send("GET", url.removeprefix(f"http://{sandbox.host}")))
    facts, _ = decoded(tmp_path / "clip.mp4")
    assert (facts["size"], facts["seconds"]) == ((540, 540), 1.0)

    children = sandbox.children()
    assert children
    sandbox.popen.send_signal(signal.SIGTERM)
    assert sandbox.popen.wait(TOO_LONG) == 0
    assert not any(child.is_running() for child in children)


@pytest.mark.processes
def test_killing_the_sandbox_ends_its_render_process(start: Callable[..., Process], tmp_path: Path) -> None:
    sandbox = start("--folder", str(tmp_path))
    sandbox.create(
        Duration=10, ExtraParameters={"Resolution": "1080P"}
    )  # still rendering when its server dies
    wait_until("a render", lambda: bool(list(tmp_path.glob("*.part"))))
    (child,) = sandbox.children()
    os.kill(sandbox.popen.pid, signal.SIGKILL)
    wait_until(
        "the end of the render process",
        lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE,
    )


@pytest.mark.processes
def test_a_dead_render_process_is_replaced(start: Callable[..., Process]) -> None:
    sandbox = start("--generation-seconds", "0")
    sandbox.wait_for(sandbox.create())
    (child,) = sandbox.children()
    child.kill()
    sandbox.wait_for(sandbox.create())
    (replacement,) = sandbox.children()
    assert replacement.pid != child.pid
