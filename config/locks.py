"""The lock files: by `flock`, so that the kernel frees what the dead held."""

import fcntl
import os
from pathlib import Path
from typing import IO


def opened(path: Path) -> IO[str]:
    """The lock file, made if it is not there."""
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+")


def locked(file: IO[str], kind: int) -> bool:
    """Whether this `kind` of lock on the file could be had at once; it is kept until the file is closed."""
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
