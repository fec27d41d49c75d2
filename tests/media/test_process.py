"""The processes that decode: their limits, what becomes of them, and what their end says about a video."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from videos.media import process
from videos.media.process import Decoder, DecoderUnavailable, Unplayable

MIB = 1024 * 1024
TOO_LONG = 10
"""Seconds."""


@pytest.fixture
def decoder() -> Iterator[Decoder]:
    decoder = Decoder()
    yield decoder
    decoder.close()


@pytest.fixture
def endless(tmp_path: Path) -> Path:
    """A file whose reader waits for ever."""
    path = tmp_path / "endless.mp4"
    os.mkfifo(path)
    return path


_of_others: set[psutil.Process] = set()


@pytest.fixture(autouse=True)
def ignore_children_of_others() -> None:
    """Other tests of this process may have had videos decoded."""
    _of_others.clear()
    _of_others.update(children())


def children() -> list[psutil.Process]:
    found = []
    for child in {*psutil.Process().children()} - _of_others:
        try:
            if "videos.media.child" in child.cmdline():
                found.append(child)
        except (psutil.NoSuchProcess, psutil.ZombieProcess):
            continue
    return found


def wait_until(what: Callable[[], object]) -> None:
    deadline = time.monotonic() + TOO_LONG
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.01)


# --- answers


def test_a_clip_is_described_and_pictured(decoder: Decoder, clip: Path) -> None:
    found = decoder.inspect(clip)
    assert (found.codec, found.width, found.height, found.seconds) == ("h264", 342, 192, 2.0)
    assert found.has_sound
    pictures = decoder.pictures(clip)
    assert pictures.poster.startswith(b"\xff\xd8\xff")
    assert pictures.preview
    assert pictures.preview[8:12] == b"WEBP"
    assert len(children()) == 1


def test_a_missing_file_says_nothing_about_a_video(decoder: Decoder, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        decoder.inspect(tmp_path / "missing.mp4")


def test_several_threads_share_two_children(decoder: Decoder, clip: Path) -> None:
    with ThreadPoolExecutor(6) as threads:
        found = [*threads.map(decoder.inspect, [clip] * 30)]
    assert len({*found}) == 1
    assert 1 <= len(children()) <= 2


# --- limits


def test_a_child_has_limits_and_no_secrets(
    decoder: Decoder, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_KEY", "a secret")
    decoder.inspect(clip)
    (child,) = children()
    limits = dict(_limits(child.pid))
    assert limits.pop("Max address space") < 1500 * MIB
    assert limits == {
        "Max file size": 16 * MIB,
        "Max open files": 16,
        "Max core file size": 0,
        "Max processes": 0,
    }
    assert {*child.environ()} <= {
        "PATH",
        "LANG",
        "LC_ALL",
        "LC_CTYPE",
        "LD_LIBRARY_PATH",
        "PYTHONHOME",
        "PYTHONPATH",
    }
    assert child.cwd() == "/"
    assert child.num_threads() == 1


def _limits(pid: int) -> Iterator[tuple[str, int]]:
    wanted = ("address space", "file size", "open files", "core file size", "processes")
    for line in Path(f"/proc/{pid}/limits").read_text().splitlines():
        name = line[:25].strip()
        if name in {f"Max {what}" for what in wanted}:
            yield name, int(line[25:].split()[0])


def test_a_child_opens_no_descriptor_of_ours(decoder: Decoder, clip: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        os.set_inheritable(server.fileno(), True)
        decoder.inspect(clip)
        (child,) = children()
        assert child.num_fds() <= 4


# --- children that end


def test_a_child_that_was_killed_meanwhile_is_replaced(decoder: Decoder, clip: Path) -> None:
    decoder.inspect(clip)
    (child,) = children()
    child.suspend()
    with ThreadPoolExecutor(1) as threads:
        asked = threads.submit(decoder.inspect, clip)
        time.sleep(0.05)
        child.kill()
        assert asked.result(TOO_LONG).codec == "h264"


def test_a_child_that_was_killed_between_requests_is_replaced(decoder: Decoder, clip: Path) -> None:
    decoder.inspect(clip)
    (child,) = children()
    child.kill()
    assert decoder.inspect(clip).codec == "h264"
    assert child not in children()


def test_a_video_that_kills_two_children_is_unplayable(decoder: Decoder, clip: Path, endless: Path) -> None:
    decoder.inspect(clip)
    with ThreadPoolExecutor(1) as threads:
        asked = threads.submit(decoder.inspect, endless)
        while not asked.done():
            _kill_reader(endless)
            time.sleep(0.01)
    with pytest.raises(Unplayable, match="died"):
        asked.result()


def _kill_reader(fifo: Path) -> None:
    """Kill the child if it reads."""
    try:
        written = os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)
    except OSError:
        return
    for child in children():
        child.kill()
    os.close(written)


def test_a_video_that_takes_too_long_is_unplayable(clip: Path, endless: Path) -> None:
    decoder = Decoder(seconds=0.3)
    try:
        decoder.inspect(clip)
        (child,) = children()
        with pytest.raises(Unplayable, match="not decoded in time"):
            decoder.inspect(endless)
        assert not child.is_running()
        assert decoder.inspect(clip).codec == "h264"
    finally:
        decoder.close()


def test_a_child_answers_a_number_of_requests(clip: Path) -> None:
    decoder = Decoder(requests=2)
    try:
        served = []
        for _ in range(3):
            decoder.inspect(clip)
            served.append({child.pid for child in children()})
        assert served[0]
        assert served[1] == set()
        assert served[2]
        assert served[2] != served[0]
    finally:
        decoder.close()


def test_a_child_that_has_grown_is_replaced(
    decoder: Decoder, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "MOST_RESIDENT", MIB)
    decoder.inspect(clip)
    assert children() == []


def test_a_child_outlives_the_thread_that_asked_first(decoder: Decoder, clip: Path) -> None:
    asking = threading.Thread(target=decoder.inspect, args=[clip])
    asking.start()
    asking.join()
    (child,) = children()
    time.sleep(0.05)  # Linux would kill it now
    assert child.is_running()
    decoder.inspect(clip)
    assert children() == [child]


@pytest.mark.parametrize("program", ["/nowhere/python", "/bin/false"])
def test_a_child_that_does_not_start_says_nothing_about_a_video(
    program: str, decoder: Decoder, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", program)
    with pytest.raises(DecoderUnavailable):
        decoder.inspect(clip)
    monkeypatch.undo()
    assert decoder.inspect(clip).codec == "h264"


def test_nothing_is_left_behind(clip: Path, endless: Path) -> None:
    before = psutil.Process().num_fds()
    decoder = Decoder(seconds=2)
    for _ in range(3):
        decoder.inspect(clip)
    decoder.close()
    assert (psutil.Process().num_fds(), children()) == (before, [])


_PARENT = """
import os, sys, time
from pathlib import Path
from videos.media.process import decoder
assert decoder().inspect(Path(sys.argv[1])).codec == "h264"
assert "av" not in sys.modules and "django" not in sys.modules
print("asked", flush=True)
time.sleep(60)
"""


@pytest.mark.processes
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_child_ends_with_its_parent(number: signal.Signals, clip: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", _PARENT, str(clip)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert parent.stdout is not None
    with parent, parent.stdout as output:
        assert output.readline() == b"asked\n"
        (child,) = psutil.Process(parent.pid).children()
        parent.send_signal(number)
        parent.wait(TOO_LONG)
        wait_until(lambda: not child.is_running())
