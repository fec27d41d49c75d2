"""Child processes that start together and end together, even if their parent is killed."""

import contextlib
import ctypes
import os
import random
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

START_SECONDS = 60.0
STOP_SECONDS = 70.0
"""Longer than a worker may take to finish its current step."""
_PR_SET_PDEATHSIG = 1  # from <sys/prctl.h>
_LOG_TAIL = 2000
"""Characters of a log that an error includes."""
_FREE_PORTS = range(20_000, 32_768)
"""Where a free port is looked for: Linux takes ports from 32,768 on for outgoing connections, and could take
the chosen one before its server starts."""
_TRIES = 50


class ProcessError(Exception):
    """A child process did not start or exited unexpectedly; the message includes the end of its log."""


@dataclass(frozen=True)
class Child:
    """A running child process and its log file."""

    name: str
    process: "subprocess.Popen[bytes]"
    log: Path

    def tail(self) -> str:
        return self.log.read_text(errors="replace")[-_LOG_TAIL:]

    def last_words(self) -> str:
        """The last line of its log, and the log's path."""
        *_, last = ["(it said nothing)", *filter(None, map(str.strip, self.tail().splitlines()))]
        return f"the last line of {self.log}: {last}"


class ProcessGroup:
    """Child processes that log to the folder `logs`. As a context manager it stops them, also on SIGTERM."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._children: list[Child] = []

    def __enter__(self) -> "ProcessGroup":
        self._logs.mkdir(parents=True, exist_ok=True)
        for number in (signal.SIGINT, signal.SIGTERM):  # a shell may have had SIGINT ignored
            signal.signal(number, _interrupt)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(
        self, name: str, arguments: Sequence[str], environment: Mapping[str, str] | None = None
    ) -> Child:
        """Start `python` with these arguments; `environment` extends this process's."""
        log = self._logs / f"{name}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603 - our own programs
                [sys.executable, *arguments],
                # Without backtraces, Granian's last line is its error.
                env={**os.environ, "PYTHONUNBUFFERED": "1", "RUST_BACKTRACE": "0", **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # Ctrl-C must reach only this process, which stops the children in order.
                start_new_session=True,
                preexec_fn=die_with_parent if sys.platform == "linux" else None,
            )
        child = Child(name, process, log)
        self._children.append(child)
        return child

    @property
    def children(self) -> tuple[Child, ...]:
        return tuple(self._children)

    def wait_until_answers(self, child: Child, url: str) -> None:
        """Wait up to `START_SECONDS` until the URL returns 200. Raises `ProcessError`."""
        deadline = time.monotonic() + START_SECONDS
        while not _is_up(url):
            self.check()
            if time.monotonic() > deadline:
                raise ProcessError(f"{child.name} does not answer at {url}:\n{child.tail()}")
            time.sleep(0.05)

    def check(self) -> None:
        """Raise `ProcessError` if a child has exited."""
        for child in self._children:
            code = child.process.poll()
            if code is not None:
                raise ProcessError(
                    f"{child.name} ended by itself, with {_exit_status(code)}; {child.last_words()}"
                )

    def stop(self) -> None:
        """Stop the children, the last one started first, and wait for them."""
        for child in reversed(self._children):
            child.process.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        try:
            for child in reversed(self._children):
                _reap(child, deadline)
        finally:  # also on a second Ctrl-C
            for child in self._children:
                _kill_group(child)
            self._children.clear()


def free_port(wanted: int, host: str = "127.0.0.1") -> int:
    """`wanted`, or any free port if it is taken or 0. Raises `ProcessError` for a bad host."""
    others = random.sample(_FREE_PORTS, _TRIES)
    for port in [wanted, *others] if wanted else others:
        try:
            return bound_port(host, port)
        except OSError as error:
            reason = error
    raise ProcessError(f"no port is free at {host}: {reason}")


def bound_port(host: str, port: int) -> int:
    """The port, or any free one for 0, after binding it once. Raises `OSError` if that fails."""
    family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(address)
        return int(probe.getsockname()[1])


def _exit_status(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"code {code}"


def _is_up(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as response:  # noqa: S310 - our own address
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _reap(child: Child, deadline: float) -> None:
    try:
        child.process.wait(timeout=max(0.1, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        _kill_group(child)
        child.process.wait()


def _kill_group(child: Child) -> None:
    """Kill the child and its own children, which may have outlived it."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.process.pid, signal.SIGKILL)


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def die_with_parent(number: int = signal.SIGTERM) -> None:
    """Have the kernel send this process the signal when its parent exits; Linux only."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, number)
