"""Lock files by `flock`, which the kernel frees when a process dies."""

import fcntl
import os
from pathlib import Path
from typing import IO


def opened(path: Path) -> IO[str]:
    """Open the lock file, which is created if it is missing."""
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+")


def locked(file: IO[str], kind: int) -> bool:
    """Try to get this `kind` of lock at once; returns whether it was free. Kept until the file is closed."""
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
