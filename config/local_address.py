"""Where the gateway of this machine is reached, while `serve` or `demo` runs it."""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from config.locks import locked, opened

DEFAULT = "http://localhost:8000"
_TRIES, _PAUSE = 20, 0.01
"""A reader holds the lock for an instant."""


@contextmanager
def announced(data: Path, url: str) -> Iterator[None]:
    """Let the other commands that use the folder `data` know of the gateway at `url` while the block runs.

    Where another gateway is announced already, that stays.
    """
    with opened(_file(data)) as file:
        if _is_ours(file):
            file.truncate(0)
            file.write(url)
            file.flush()
        yield


def current(data: Path) -> str:
    """Where the gateway that is announced is, or where it usually would be."""
    with suppress(OSError), _file(data).open() as file:
        if not locked(file, fcntl.LOCK_SH):  # the kernel frees what the dead held
            return file.read() or DEFAULT
    return DEFAULT


def _file(data: Path) -> Path:
    return data / "address"


def _is_ours(file: IO[str]) -> bool:
    for _ in range(_TRIES):
        if locked(file, fcntl.LOCK_EX):
            return True
        time.sleep(_PAUSE)
    return False
