"""Where the gateway of this machine is reached, while `serve` or `demo` runs it."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

DEFAULT = "http://localhost:8000"
_TRIES, _PAUSE = 20, 0.01
"""A reader holds the lock for an instant."""


@contextmanager
def announced(data: Path, url: str) -> Iterator[None]:
    """Let the other commands that use the folder `data` know of the gateway at `url` while the block runs.

    Where another gateway is announced already, that stays.
    """
    with os.fdopen(os.open(_file(data), os.O_RDWR | os.O_CREAT, 0o600), "r+") as file:
        if _locked(file.fileno()):
            file.truncate(0)
            file.write(url)
            file.flush()
        yield


def current(data: Path) -> str:
    """Where the gateway that is announced is, or where it usually would be."""
    with suppress(OSError), _file(data).open() as file:
        if not _is_free(file.fileno(), fcntl.LOCK_SH):  # the kernel frees what the dead held
            return file.read() or DEFAULT
    return DEFAULT


def _file(data: Path) -> Path:
    return data / "address"


def _locked(file: int) -> bool:
    for _ in range(_TRIES):
        if _is_free(file, fcntl.LOCK_EX):
            return True
        time.sleep(_PAUSE)
    return False


def _is_free(file: int, kind: int) -> bool:
    """Whether the lock could be had; it is kept until the file is closed."""
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
