"""Asks processes of their own about videos that others made, so that a hostile one breaks nothing here."""

import atexit
import json
import os
import queue
import select
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, Any

READY = b"ready"
"""What a child says once it takes requests."""
START_SECONDS = 20.0
"""How long a child may take to start, on a busy machine."""
REQUEST_SECONDS = 20.0
"""How long a request may take before its child is killed; an honest video takes a second or three."""
MOST_CHILDREN = 2
"""Further requests wait."""
LOW_PRIORITY = 10
"""The niceness of what draws: a video is only shown once it was inspected, so pictures can wait."""
DRAWING_SECONDS = 60.0
"""How long a request may take that others go before."""
MOST_REQUESTS = 200
"""Requests that one child answers, as codecs may leak."""
MOST_RESIDENT = 256 * 1024 * 1024
"""Bytes of memory that a child may keep between requests; it starts with 36 MiB."""
LONGEST_ANSWER = 64 * 1024
"""Bytes; a child in another's hands may say anything."""
LARGEST_PICTURE = 16 * 1024 * 1024
"""Bytes of a poster or a preview."""
ATTEMPTS = 2
"""A child may also die of something else, such as a machine without memory; of the video it dies again."""

_ROOT = Path(__file__).resolve().parents[2]


class Unplayable(Exception):
    """The file is no video that can be read: its first picture cannot, or reading it broke the codecs."""


class DecoderUnavailable(Exception):
    """No child could be started, or it could not do its work: this says nothing about the video."""


class _Died(Exception):
    """The child ended before it answered."""


class _TookTooLong(Exception):
    """The child did not answer in time."""


@dataclass(frozen=True)
class Inspection:
    """What a video is. Its first picture, of `width` times `height` pixels, can be read."""

    container: str
    codec: str
    width: int
    height: int
    seconds: float
    """The length of its pictures; 0 if the file does not say."""
    has_sound: bool


@dataclass(frozen=True)
class Pictures:
    """The poster of a video, a JPEG, and its preview, a WebP; None if none could be made."""

    poster: bytes
    preview: bytes | None


class Decoder:
    """Reads videos in children, which start with the first request; may be used by several threads.

    Lasts until `close`. A child that died, took more than `seconds`, or has become large or old is replaced.
    """

    def __init__(
        self, seconds: float = REQUEST_SECONDS, requests: int = MOST_REQUESTS, *, niceness: int = 0
    ) -> None:
        """`niceness` is added to that of this process."""
        self._seconds, self._requests, self._niceness = seconds, requests, niceness
        # The one used last is used next, so that a second one starts only if both are needed.
        self._idle: queue.LifoQueue[_Child | None] = queue.LifoQueue()
        for _ in range(MOST_CHILDREN):
            self._idle.put(None)
        # Linux ends a child with the thread that started it, so that must last as long as the decoder.
        self._starter = ThreadPoolExecutor(1, "decoder")

    def inspect(self, path: Path) -> Inspection:
        """What the video is, once its first picture was decoded.

        Raises `Unplayable`; or, which says nothing about the video, `DecoderUnavailable`, or `OSError` if the
        file cannot be opened.
        """
        found = self._ask(path, {"do": "inspect"})
        try:
            return Inspection(
                container=str(found["container"]),
                codec=str(found["codec"]),
                width=int(found["width"]),
                height=int(found["height"]),
                seconds=float(found["seconds"]),
                has_sound=bool(found["has_sound"]),
            )
        except (ArithmeticError, KeyError, TypeError, ValueError) as error:
            raise Unplayable("the decoder gave a strange answer") from error

    def pictures(self, path: Path) -> Pictures:
        """The poster and the preview of the video. Raises like `inspect`."""
        with tempfile.TemporaryDirectory(prefix="pictures-") as folder:
            poster, preview = Path(folder, "poster.jpg"), Path(folder, "preview.webp")
            self._ask(path, {"do": "pictures", "poster": str(poster), "preview": str(preview)})
            still = _read(poster)
            if still is None:
                raise Unplayable("the decoder gave no picture")
            return Pictures(still, _read(preview))

    def close(self) -> None:
        """End the children, after the requests under way."""
        for _ in range(MOST_CHILDREN):
            child = self._idle.get()
            if child is not None:
                child.end()
        for _ in range(MOST_CHILDREN):
            self._idle.put(None)
        self._starter.shutdown()

    def _ask(self, path: Path, request: dict[str, str]) -> dict[str, Any]:
        """What the child found. Raises like `inspect`."""
        # A file that is missing or not ours says nothing about the video.
        os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK))
        answer = self._answer({**request, "path": str(path.absolute())})
        if "failed" in answer:
            raise DecoderUnavailable(str(answer["failed"]))
        found = answer.get("found")
        if not isinstance(found, dict):
            raise Unplayable(str(answer.get("unplayable") or "the decoder gave a strange answer"))
        return found

    def _answer(self, request: dict[str, str]) -> dict[str, Any]:
        try:
            for _ in range(ATTEMPTS):
                with suppress(_Died):
                    return self._attempt(request)
        except _TookTooLong as error:
            raise Unplayable("it was not decoded in time") from error
        raise Unplayable("the decoder died of it")

    def _attempt(self, request: dict[str, str]) -> dict[str, Any]:
        """Ask once. Raises `_Died`, `_TookTooLong` or `DecoderUnavailable`."""
        with self._child() as child:
            return child.ask(request, self._seconds)

    @contextmanager
    def _child(self) -> Iterator["_Child"]:
        """A child that takes requests, for this thread alone; after an error it is ended."""
        child = self._idle.get()
        kept = None
        try:
            if child is None or not child.is_alive:
                child = self._start(child)
            yield child
            kept = child if self._is_good(child) else None
        finally:
            if child is not None and kept is None:
                child.end()
            self._idle.put(kept)

    def _start(self, dead: "_Child | None") -> "_Child":
        if dead is not None:
            dead.end()
        return self._starter.submit(_Child, self._niceness).result()

    def _is_good(self, child: "_Child") -> bool:
        return child.answered < self._requests and child.resident() <= MOST_RESIDENT


class _Child:
    """A running `videos.media.child`."""

    def __init__(self, niceness: int) -> None:
        """Start it. Raises `DecoderUnavailable`."""
        self.answered = 0
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-P", "-m", "videos.media.child", str(niceness)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd="/",
                env=_environment(),
                bufsize=0,
            )
        except OSError as error:
            raise DecoderUnavailable(f"the decoder cannot be started: {error}") from error
        self._begin()

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def ask(self, request: dict[str, str], seconds: float) -> dict[str, Any]:
        """Its answer, which may be anything. Raises `_Died` or `_TookTooLong`."""
        try:
            self._pipes[0].write(json.dumps(request).encode() + b"\n")
        except OSError as error:
            raise _Died from error
        line = self._line(time.monotonic() + seconds)
        self.answered += 1
        try:
            answer = json.loads(line)
        except ValueError as error:
            raise _Died from error
        return answer if isinstance(answer, dict) else {}

    def resident(self) -> int:
        """Bytes of memory it has now; 0 where that is not told."""
        try:
            pages = int(Path(f"/proc/{self._process.pid}/statm").read_text().split()[1])
        except (OSError, IndexError):
            return 0
        return pages * os.sysconf("SC_PAGE_SIZE")

    def end(self) -> None:
        """Kill it, whatever it does; may be called again."""
        self._process.kill()
        self._process.wait()
        for pipe in self._pipes:
            pipe.close()

    def _begin(self) -> None:
        """Wait until its limits are in force. Raises `DecoderUnavailable`."""
        try:
            if self._line(time.monotonic() + START_SECONDS) == READY:
                return
        except (_Died, _TookTooLong):
            pass
        self.end()
        raise DecoderUnavailable("the decoder did not start")

    @property
    def _pipes(self) -> tuple[IO[bytes], IO[bytes]]:
        if self._process.stdin is None or self._process.stdout is None:
            raise DecoderUnavailable("the decoder has no pipes")
        return self._process.stdin, self._process.stdout

    def _line(self, deadline: float) -> bytes:
        """The next line that it says, without its end. Raises `_Died` or `_TookTooLong`."""
        said, output = b"", self._pipes[1].fileno()
        readable = select.poll()
        readable.register(output, select.POLLIN)
        while not said.endswith(b"\n"):
            if not readable.poll(max(0.0, deadline - time.monotonic()) * 1000):  # milliseconds
                raise _TookTooLong
            block = os.read(output, LONGEST_ANSWER)
            said += block
            if not block or len(said) > LONGEST_ANSWER:
                raise _Died
        return said[:-1]


def _environment() -> dict[str, str]:
    """What Python needs; no secrets, which the environment of a worker has."""
    needed = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PYTHONHOME")
    passed = {name: os.environ[name] for name in needed if name in os.environ}
    roots = [str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**passed, "PYTHONPATH": os.pathsep.join(roots)}


def _read(picture: Path) -> bytes | None:
    """None if it was not made."""
    try:
        with picture.open("rb") as file:
            return file.read(LARGEST_PICTURE) or None
    except FileNotFoundError:
        return None


_one_at_a_time = threading.Lock()


@cache
def _kept(seconds: float, niceness: int) -> Decoder:
    made = Decoder(seconds, niceness=niceness)
    atexit.register(made.close)
    return made


def decoder() -> Decoder:
    """The decoder of this process, which ends with it."""
    with _one_at_a_time:
        return _kept(REQUEST_SECONDS, 0)


def painter() -> Decoder:
    """The decoder for pictures, which takes no time from anything else."""
    with _one_at_a_time:
        return _kept(DRAWING_SECONDS, LOW_PRIORITY)
