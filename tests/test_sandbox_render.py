"""The sandbox renders real videos, in a process that never outlives it."""

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import av
import psutil
import pytest
from PIL import Image, ImageDraw

from tests.worker_process import TOO_LONG, wait_until
from videos.sandbox import pictures
from videos.sandbox.clip import Clip
from videos.sandbox.lettering import font, wrap
from videos.sandbox.planes import Planes, Sprite
from videos.sandbox.protocol import CREATE, DESCRIBE
from videos.sandbox.render import render
from videos.sandbox.scene import FRAMES_PER_SECOND, Scene
from videos.upstream.tencent.signing import Credential, authorization

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
        frames: Any = container.decode(stream)
        return facts, [frame.to_image() for frame in frames]


@pytest.mark.parametrize(
    ("width", "height", "audio"), [(320, 180, True), (180, 320, False), (342, 192, False)]
)
def test_a_clip_has_exactly_the_size_and_length_asked_for(
    tmp_path: Path, width: int, height: int, audio: bool
) -> None:
    path = tmp_path / "clip.mp4"
    render(Clip("a cat runs", "Kling 2.5", width, height, 2, audio), path)
    facts, frames = decoded(path)
    assert (facts["codec"], facts["format"], facts["profile"]) == ("h264", "yuv420p", "Main")
    assert (facts["size"], facts["rate"]) == ((width, height), FRAMES_PER_SECOND)
    assert facts["audio"] == (["aac"] if audio else [])
    assert abs(facts["seconds"] - 2) <= FRAME
    assert len(frames) == 2 * FRAMES_PER_SECOND


def test_a_player_can_start_before_the_file_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    render(SMALL, path)
    data = path.read_bytes()
    assert 0 < data.index(b"moov") < data.index(b"mdat")


def test_the_picture_moves_and_keeps_its_captions(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    render(SMALL, path)
    _, frames = decoded(path)
    assert len({frame.tobytes() for frame in frames}) > len(frames) * 0.9
    hills = (200, 100, 320, 140)
    assert frames[0].crop(hills).tobytes() != frames[-1].crop(hills).tobytes()


def test_prompt_model_and_references_change_the_picture(tmp_path: Path) -> None:
    reference = tmp_path / "reference"
    Image.new("RGB", (64, 64), "red").save(reference, "PNG")
    variants = [
        SMALL,
        Clip("a dog runs", SMALL.model, 320, 180, 2),
        Clip(SMALL.prompt, "Vidu q2", 320, 180, 2),
        Clip(SMALL.prompt, SMALL.model, 320, 180, 2, references=(str(reference),)),
    ]
    assert len({next(Scene(clip).frames()).luma.tobytes() for clip in variants}) == len(variants)


def test_a_reference_that_is_no_picture_does_not_spoil_the_clip(tmp_path: Path) -> None:
    junk = tmp_path / "junk"
    junk.write_bytes(b"<html>")
    clip = Clip(SMALL.prompt, SMALL.model, 320, 180, 2, references=(str(junk),))
    assert next(Scene(clip).frames()).luma.tobytes() == next(Scene(SMALL).frames()).luma.tobytes()


@pytest.mark.parametrize(
    "prompt", ["", "x" * 2000, "你好,世界 " * 40, "🐶 \x00 \u202e \ufffd \n\n", "a " * 1000]
)
def test_any_prompt_can_be_shown(prompt: str) -> None:
    next(Scene(Clip(prompt, "Kling 3.0-Omni", 320, 180, 1)).frames())


@pytest.mark.parametrize(
    "text", ["a cat runs through the tall grass of a summer meadow", "x" * 90, "狗在跑" * 20]
)
def test_lines_fit_the_width_and_lose_nothing(text: str) -> None:
    draw, face = ImageDraw.Draw(Image.new("L", (1, 1))), font(14)
    lines = wrap(draw, text, face, 120, most_lines=99)
    assert all(draw.textlength(line, font=face) <= 120 for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


def test_too_many_lines_end_in_an_ellipsis() -> None:
    draw, face = ImageDraw.Draw(Image.new("L", (1, 1))), font(14)
    lines = wrap(draw, "one two three four five six seven eight nine ten", face, 80, most_lines=2)
    assert len(lines) == 2
    assert lines[-1].endswith("…")
    assert draw.textlength(lines[-1], font=face) <= 80


def test_a_sprite_keeps_its_colours_in_planes() -> None:
    canvas = Planes.of(Image.new("RGB", (32, 32), "black"))
    Sprite(Image.new("RGBA", (8, 8), (255, 255, 255, 255))).put(canvas, 4.3, 4.3)
    assert (canvas.luma.getpixel((0, 0)), canvas.luma.getpixel((6, 6))) == (16, 235)
    assert canvas.blue.getpixel((3, 3)) == canvas.red.getpixel((3, 3)) == 128


@pytest.mark.parametrize("name", ["first_frame", "ref_2"])
def test_sample_pictures_are_jpegs_of_1280_by_720(tmp_path: Path, name: str) -> None:
    pictures.paint(name, tmp_path / name)
    with Image.open(tmp_path / name) as picture:
        assert (picture.format, picture.size) == ("JPEG", (1280, 720))


# --- the process

ACCOUNT = Credential("AKIDprocess", "process-secret")
PROJECT = Path(__file__).resolve().parents[1]


class Process:
    """`python -m videos.sandbox` and signed calls to it."""

    def __init__(self, *arguments: str) -> None:
        credential = f"{ACCOUNT.secret_id}:{ACCOUNT.secret_key}"
        command = [sys.executable, "-m", "videos.sandbox", "--credential", credential, *arguments]
        self.popen = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=PROJECT)
        assert self.popen.stdout
        self.greeting = self.popen.stdout.readline()
        self.host = urlsplit(self.greeting.split()[-1]).netloc

    def call(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        body, timestamp = json.dumps(payload).encode(), int(time.time())
        signed = {"Content-Type": "application/json", "Host": self.host}
        proof = authorization(ACCOUNT, service="mps", headers=signed, body=body, timestamp=timestamp)
        common = {"X-TC-Action": action, "X-TC-Version": "2019-06-12", "X-TC-Timestamp": str(timestamp)}
        headers = {**signed, **common, "Authorization": proof}
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
def test_the_process_renders_a_task_and_ends_cleanly(start: Callable[..., Process], tmp_path: Path) -> None:
    results = tmp_path / "results"
    sandbox = start("--generation-seconds", "0", "--folder", str(results))
    assert sandbox.greeting == f"sandbox upstream listening on http://{sandbox.host}\n"
    task_id = sandbox.create(ExtraParameters={"Resolution": "540P", "AspectRatio": "1:1"})
    wait_until("a video", lambda: sandbox.call(DESCRIBE, {"TaskId": task_id})["Status"] == "DONE")

    (url,) = sandbox.call(DESCRIBE, {"TaskId": task_id})["VideoUrls"]
    (tmp_path / "clip.mp4").write_bytes(sandbox.send("GET", url.removeprefix(f"http://{sandbox.host}")))
    facts, _ = decoded(tmp_path / "clip.mp4")
    assert (facts["size"], facts["seconds"]) == ((540, 540), 1.0)

    children = sandbox.children()
    assert children
    sandbox.popen.send_signal(signal.SIGTERM)
    assert sandbox.popen.wait(TOO_LONG) == 0
    assert not any(child.is_running() for child in children)


@pytest.mark.processes
def test_a_killed_sandbox_takes_its_render_process_along(
    start: Callable[..., Process], tmp_path: Path
) -> None:
    sandbox = start("--folder", str(tmp_path))
    sandbox.create(Duration=10, ExtraParameters={"Resolution": "1080P"})  # far from done when its server dies
    wait_until("a render", lambda: bool(list(tmp_path.glob("*.part"))))
    (child,) = sandbox.children()
    os.kill(sandbox.popen.pid, signal.SIGKILL)
    wait_until(
        "the end of the render process",
        lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE,
    )


@pytest.mark.processes
def test_a_render_process_that_died_is_replaced(start: Callable[..., Process]) -> None:
    sandbox = start("--generation-seconds", "0", "--canned")
    (child,) = sandbox.children()
    child.kill()
    assert sandbox.send("GET", "/images/ref_2.jpeg").startswith(b"\xff\xd8")
    (replacement,) = sandbox.children()
    assert replacement.pid != child.pid
