"""Free disk space for finished videos and the embedded database."""

import shutil
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from config import stores

_MEGABYTE = 1024 * 1024


def free() -> int | None:
    """Free bytes on the fullest of their disks; None if nothing is kept on our disks."""
    return min((shutil.disk_usage(_existing(folder)).free for folder in _folders()), default=None)


def least_free() -> int:
    """The bytes that should stay free."""
    return settings.LEAST_FREE_DISK_MB * _MEGABYTE


def is_short() -> bool:
    """Whether less than `least_free` is free."""
    left = free()
    return left is not None and left < least_free()


def _folders() -> Iterator[Path]:
    results = stores.folder_of_results()
    if results is not None:
        yield results
    if settings.EMBEDDED_POSTGRES is not None:
        yield settings.EMBEDDED_POSTGRES


def _existing(folder: Path) -> Path:
    return next(each for each in (folder, *folder.parents) if each.exists())
