"""The file that a download writes: its size, its digest, and whether it begins like a video."""

import errno
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

from videos.upstream.download_errors import NotVideo, StorageFull, TooLarge

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_MARK = b"ftyp"
"""Bytes 4 to 8 of every MP4 and MOV."""
_BEGINNING = 8
"""Bytes that tell."""


@dataclass(frozen=True)
class Fetched:
    """A downloaded file: its bytes, after decoding, and their SHA-256 in hexadecimal."""

    size: int
    sha256: str


class Received:
    """Writes to an empty file."""

    def __init__(self, file: IO[bytes], most: int) -> None:
        """`most` is the largest size in bytes."""
        self._file, self._most = file, most
        self._reset()

    def _reset(self) -> None:
        self.size = 0
        self._digest = hashlib.sha256()
        self._beginning = b""

    def write(self, part: bytes) -> None:
        """Raises `TooLarge`, `NotVideo` as soon as the beginning tells, and `StorageFull`."""
        self.check_size(self.size + len(part))
        self._look_at(part)
        with _room():
            self._file.write(part)
        self._digest.update(part)
        self.size += len(part)

    def check_size(self, size: int) -> None:
        """Raises `TooLarge` if so many bytes are more than allowed."""
        if size > self._most:
            raise TooLarge(f"it is larger than {self._most} bytes")

    def start_over(self) -> None:
        """Discard what was written."""
        self._file.seek(0)
        self._file.truncate()
        self._reset()

    def finish(self) -> Fetched:
        """Rewind the file. Raises `NotVideo` and `StorageFull`."""
        if len(self._beginning) < _BEGINNING:
            raise NotVideo("it is no video" if self.size else "it is empty")
        with _room():
            self._file.flush()
        self._file.seek(0)
        return Fetched(self.size, self._digest.hexdigest())

    def _look_at(self, part: bytes) -> None:
        if len(self._beginning) == _BEGINNING:
            return
        self._beginning += part[: _BEGINNING - len(self._beginning)]
        if len(self._beginning) == _BEGINNING and self._beginning[4:] != _MARK:
            is_page = self._beginning.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")
            raise NotVideo("it is a page and not an MP4" if is_page else "it is not an MP4")


@contextmanager
def _room() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StorageFull(error.strerror or "the disk is full") from error
        raise
