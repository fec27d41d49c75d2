"""Child processes that start together and end together, whatever happens to their parent."""

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, TracebackType
from typing import NoReturn

START_SECONDS = 30.0
STOP_SECONDS = 70.0
"""Longer than a worker may take to finish the step in hand."""
_PR_SET_PDEATHSIG = 1  # from <sys/prctl.h>
_LOG_TAIL = 2000
"""Characters of a log that an error repeats."""


class ProcessError(Exception):
    """A child process did not start, or ended by itself; the message holds the end of its log."""


@dataclass(frozen=True)
class Child:
    """A running child and the file its output goes to."""

    name: str
    process: "subprocess.Popen[bytes]"
    log: Path

    def tail(self) -> str:
        """The end of its output."""
        return self.log.read_text(errors="replace")[-_LOG_TAIL:]

    def last_words(self) -> str:
        """The last line of its output, and where it is."""
        *_, last = ["(it said nothing)", *filter(None, map(str.strip, self.tail().splitlines()))]
        return f"the last line of {self.log}: {last}"


class Family:
    """The children of this process. As a context manager it ends them all, on SIGTERM as on Ctrl-C."""

    def __init__(self, logs: Path) -> None:
        """The children's output goes to files in the folder `logs`."""
        self._logs = logs
        self._children: list[Child] = []

    def __enter__(self) -> "Family":
        self._logs.mkdir(parents=True, exist_ok=True)
        for number in (signal.SIGINT, signal.SIGTERM):  # a shell may have made us ignore the first
            signal.signal(number, _interrupt)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(
        self, name: str, arguments: Sequence[str], environment: Mapping[str, str] | None = None
    ) -> Child:
        """Run `python` with these arguments."""
        log = self._logs / f"{name}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603 - our own programs
                [sys.executable, *arguments],
                env={**os.environ, "PYTHONUNBUFFERED": "1", **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # Ctrl-C at the terminal is for us; we end the children in order.
                start_new_session=True,
                preexec_fn=die_with_parent if sys.platform == "linux" else None,
            )
        child = Child(name, process, log)
        self._children.append(child)
        return child

    def wait_until_answers(self, child: Child, url: str) -> None:
        """Wait until the child answers at the URL with 200. Raises `ProcessError`."""
        deadline = time.monotonic() + START_SECONDS
        while not _answers(url):
            self.check()
            if time.monotonic() > deadline:
                raise ProcessError(f"{child.name} does not answer at {url}:\n{child.tail()}")
            time.sleep(0.05)

    def check(self) -> None:
        """Raise `ProcessError` if a child has ended."""
        for child in self._children:
            code = child.process.poll()
            if code is not None:
                raise ProcessError(
                    f"{child.name} ended by itself, with {_ending(code)}; {child.last_words()}"
                )

    def stop(self) -> None:
        """End the children, the last one started first, and wait for them."""
        for child in reversed(self._children):
            child.process.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        try:
            for child in reversed(self._children):
                _reap(child, deadline)
        finally:  # also when Ctrl-C comes again
            for child in self._children:
                _kill_group(child)
            self._children.clear()


def free_port(wanted: int, host: str = "127.0.0.1") -> int:
    """The port, or if it is taken one that is free. 0 asks for any. Raises `ProcessError` for a bad host."""
    for port in (wanted, 0):
        try:
            return bound_port(host, port)
        except OSError as error:
            reason = error
    raise ProcessError(f"no port is free at {host}: {reason}")


def bound_port(host: str, port: int) -> int:
    """The port that is had there; 0 asks for any. Raises OSError if nobody can listen there."""
    family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(address)
        return int(probe.getsockname()[1])


def _ending(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"code {code}"


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - our own address
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _reap(child: Child, deadline: float) -> None:
    try:
        child.process.wait(timeout=max(0.1, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        _kill_group(child)
        child.process.wait()


def _kill_group(child: Child) -> None:
    """End the child and what it started, at once; that outlives a child that was killed itself."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.process.pid, signal.SIGKILL)


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def die_with_parent(number: int = signal.SIGTERM) -> None:
    """Let the kernel send this process the signal once its parent has ended; Linux alone can."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, number)
