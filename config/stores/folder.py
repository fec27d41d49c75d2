"""A folder as a store. What it says is written survives a power cut."""

import errno
import hashlib
import os
import stat
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from config.stores.base import (
    BLOCK,
    Denied,
    Full,
    Missing,
    Readable,
    Saved,
    StoredObject,
    StoreError,
    Unreachable,
    check_key,
)

DRAFT = ".saving-"
"""Begins the names of files that are being written; one that stays behind belongs to a process that died."""
_OF_ERRNO: dict[int, type[StoreError]] = {
    **dict.fromkeys((errno.ENOENT, errno.ENOTDIR, errno.EISDIR), Missing),
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EFBIG), Full),
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), Denied),
}


def from_parts(bucket: str, path: str, parameters: Mapping[str, str], credentials: object) -> "FolderStore":
    """The store of a URL: only the path counts."""
    return FolderStore(Path(path))


class FolderStore:
    """Files in a folder that only this user may read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def place(self) -> str:
        return str(self.folder)

    def path(self, key: str) -> Path:
        """The path of an object. Raises `Misconfigured` if the key leads out of the folder."""
        check_key(key)
        return self.folder / key

    def put(self, key: str, content: Readable, content_type: str = "") -> Saved:
        target = self.path(key)
        with _translated(self.place):
            target.parent.mkdir(parents=True, exist_ok=True)
            saved = _write(target, content)
            self._sync_folders(target.parent)
        return saved

    def stat(self, key: str) -> StoredObject:
        with _translated(self.place):
            return _described(key, self.path(key))

    def open(self, key: str, start: int = 0, stop: int | None = None) -> "FileWindow":
        with _translated(self.place):
            return FileWindow(self.path(key), start, stop)

    def sign(self, key: str, seconds: int, *, content_type: str = "", filename: str = "") -> None:
        return None

    def list(self, prefix: str = "") -> Iterator[StoredObject]:
        with _translated(self.place):
            yield from self._under(self.folder, "", prefix)

    def delete(self, key: str) -> None:
        path = self.path(key)
        with _translated(self.place), suppress(FileNotFoundError):
            path.unlink()

    def _under(self, folder: Path, begin: str, prefix: str) -> Iterator[StoredObject]:
        # A folder sorts as its name with a slash, so that the keys come in order.
        names = sorted(f"{entry.name}/" if entry.is_dir() else entry.name for entry in _entries(folder))
        for key in (begin + name for name in names):
            if key.endswith("/") and (key.startswith(prefix) or prefix.startswith(key)):
                yield from self._under(self.folder / key, key, prefix)
            elif not key.endswith("/") and key.startswith(prefix):
                with suppress(FileNotFoundError):  # deleted meanwhile
                    yield _described(key, self.folder / key)

    def _sync_folders(self, folder: Path) -> None:
        """Flush the directory entries of the file and of folders created for it."""
        for changed in (folder, *folder.parents):
            _sync_folder(changed)
            if changed in (self.folder.parent, Path(self.folder.anchor)):
                return


class FileWindow:
    """The bytes of a file from `start` up to, but not including, `stop`, also once the file was deleted."""

    def __init__(self, path: Path, start: int = 0, stop: int | None = None) -> None:
        self._path, self._file = path, path.open("rb")
        self._start, self._stop = start, self._size() if stop is None else stop
        self._file.seek(start)

    def read(self, size: int = -1) -> bytes:
        left = max(0, self._stop - self._file.tell())
        return self._file.read(left if size < 0 else min(size, left))

    def __iter__(self) -> Iterator[bytes]:
        while block := self.read(BLOCK):
            yield block

    def close(self) -> None:
        self._file.close()

    def path_of_whole(self) -> str | None:
        """The path of the file; None if these are not all of its bytes, or if it is no longer there.

        Whoever opens the path may be too late, but only by the moment since.
        """
        is_whole = self._start == 0 and self._stop == self._size()
        return str(self._path) if is_whole and self._is_there() else None

    def _size(self) -> int:
        return os.fstat(self._file.fileno()).st_size

    def _is_there(self) -> bool:
        with suppress(OSError):
            return os.path.samestat(self._path.stat(), os.fstat(self._file.fileno()))
        return False


@contextmanager
def _translated(place: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        kind = _OF_ERRNO.get(error.errno or 0, Unreachable)
        raise kind(f"{place}: {error.strerror or type(error).__name__}") from error


def _write(target: Path, content: Readable) -> Saved:
    """Write a draft, flush it to the disk, and give it its name."""
    handle, draft = tempfile.mkstemp(dir=target.parent, prefix=DRAFT)
    size, checksum = 0, hashlib.sha256()
    try:
        with os.fdopen(handle, "wb") as file:
            while block := content.read(BLOCK):
                file.write(block)
                size += len(block)
                checksum.update(block)
            file.flush()
            os.fsync(file.fileno())
        Path(draft).replace(target)
    except BaseException:
        with suppress(FileNotFoundError):
            Path(draft).unlink()
        raise
    return Saved(size, checksum.hexdigest())


def _entries(folder: Path) -> "list[os.DirEntry[str]]":
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        return list(entries)
    return []


def _described(key: str, path: Path) -> StoredObject:
    found = path.stat()
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    return StoredObject(key, found.st_size, datetime.fromtimestamp(found.st_mtime, UTC))


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
