"""Whether there is room left where finished videos are kept, and where the embedded database is."""

import shutil
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.core.files.storage import FileSystemStorage, storages

_MEGABYTE = 1024 * 1024


def free() -> int | None:
    """The bytes that are free on the fullest of their disks; None where we keep nothing on a disk of ours."""
    return min((shutil.disk_usage(_existing(folder)).free for folder in _folders()), default=None)


def least_free() -> int:
    """The bytes that should stay free."""
    return settings.LEAST_FREE_DISK_MB * _MEGABYTE


def is_short() -> bool:
    """Whether less is free than should be."""
    left = free()
    return left is not None and left < least_free()


def _folders() -> Iterator[Path]:
    results = storages["results"]
    if isinstance(results, FileSystemStorage):
        yield Path(results.location)
    if settings.EMBEDDED_POSTGRES is not None:
        yield settings.EMBEDDED_POSTGRES


def _existing(folder: Path) -> Path:
    return next(each for each in (folder, *folder.parents) if each.exists())
