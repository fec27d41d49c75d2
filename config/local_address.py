"""The URL of this machine's gateway, which `serve` and `demo` announce to other commands."""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from config.locks import locked, opened

DEFAULT = "http://localhost:8000"
_TRIES, _PAUSE = 20, 0.01
"""Attempts to lock the file, and seconds between them; a reader holds the lock only for an instant."""


@contextmanager
def announced(data: Path, url: str) -> Iterator[None]:
    """Announce the gateway at `url`, during the block, to the other commands that use the folder `data`.

    If another gateway is already announced, that stays.
    """
    with opened(_file(data)) as file:
        if _is_ours(file):
            file.truncate(0)
            file.write(url)
            file.flush()
        yield


def current(data: Path) -> str:
    """The URL of the announced gateway, or the default."""
    with suppress(OSError), _file(data).open() as file:
        if not locked(file, fcntl.LOCK_SH):  # its gateway still runs
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
