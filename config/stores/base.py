"""What a store of files can do, and how it fails. All calls are synchronous: run them in threads.

Keys are paths of plain folders and names, separated by single slashes. Messages of errors name the store,
never its credentials or a signed link.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

BLOCK = 256 * 1024
"""Bytes read or written at a time."""


class StoreError(Exception):
    """A store failed; subclasses say what may help."""


class Missing(StoreError):
    """There is no such object."""


class Denied(StoreError):
    """The credentials are not valid, or lack the permission."""


class Misconfigured(StoreError):
    """There is no such bucket or folder, or it is in another region."""


class Full(StoreError):
    """The disk or the bucket's quota is full."""


class Unreachable(StoreError):
    """No answer, or one that may be better later."""


def check_key(key: str) -> None:
    """Raise `Misconfigured` unless the key is a path of plain folders and a name."""
    if any(part in ("", ".", "..") for part in key.split("/")):
        raise Misconfigured(f"{key!r} is no key of an object")


class Readable(Protocol):
    """A file open for reading."""

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes, at most `size`; all that are left if it is negative; none at the end."""


class Window(Protocol):
    """A range of an object's bytes, open for reading. Reading raises `StoreError`; close it."""

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes, at most `size`; all that are left if it is negative; none at the end."""

    def __iter__(self) -> Iterator[bytes]:
        """The rest in blocks."""

    def close(self) -> None:
        """Release what reading needs."""


@dataclass(frozen=True)
class Saved:
    """What was written: the size in bytes and the SHA-256 in hexadecimal digits."""

    size: int
    sha256: str


@dataclass(frozen=True)
class StoredObject:
    """An object in a store; the size is in bytes."""

    key: str
    size: int
    modified_at: datetime


class Store(Protocol):
    """A place for files: a folder, or a bucket with a prefix. Methods raise `StoreError`."""

    @property
    def place(self) -> str:
        """What people call it, such as s3://bucket/prefix; without credentials."""

    def put(self, key: str, content: Readable, content_type: str) -> Saved:
        """Write an object from where the file stands to its end, or nothing; replaces an older one."""

    def stat(self, key: str) -> StoredObject:
        """Raises `Missing` if there is none."""

    def open(self, key: str, start: int = 0, stop: int | None = None) -> Window:
        """The bytes from `start` up to, but not including, `stop`. Raises `Missing` if there is no object."""

    def sign(self, key: str, seconds: int, *, content_type: str = "", filename: str = "") -> str | None:
        """A link that anybody may read the object by for so long, with those headers if they are given.

        None if the store makes no links. The object need not exist.
        """

    def list(self, prefix: str = "") -> Iterator[StoredObject]:
        """All objects whose keys begin with `prefix`, in the order of their keys."""

    def delete(self, key: str) -> None:
        """A missing object is fine."""
