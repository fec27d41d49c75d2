"""Tries out a store: may its objects be written, read, listed and deleted?"""

import io
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from secrets import token_hex

from config.stores.base import Misconfigured, Store, StoreError, Unreachable

PROBE = "probe-"
"""Begins the name of the small object that is written; a random part follows."""


class Step(StrEnum):
    """What is tried, in this order."""

    WRITE = "write"
    READ = "read"
    LIST = "list"
    DELETE = "delete"


@dataclass(frozen=True)
class Finding:
    """What became of a step; `error` is None if it succeeded, or was not tried."""

    step: Step
    error: StoreError | None = None
    was_tried: bool = True


class Different(StoreError):
    """What is read or listed is not what was written."""


def preflight(store: Store, folder: str) -> list[Finding]:
    """Write, read, list and delete a small object in the folder; returns a finding for each step.

    What is left out would say nothing new: all that follows if there is no such bucket, reading what was not
    written, and listing where nobody answers. The object is deleted even if it is only possible that it
    exists. A store that hangs is bounded by its own timeouts alone.
    """
    return _Preflight(store, f"{folder}/{PROBE}{token_hex(8)}").run()


class _Preflight:
    """One run with one object, `key`."""

    def __init__(self, store: Store, key: str) -> None:
        self._store = store
        self._key = key
        self._content = f"Reelay checks that it can use {store.place}.\n{key}\n".encode()

    def run(self) -> list[Finding]:
        written = _tried(Step.WRITE, self._write)
        if isinstance(written.error, Misconfigured):
            return [written, *(_left_out(step) for step in (Step.READ, Step.LIST, Step.DELETE))]
        try:
            looked = [*self._looked(is_written=written.error is None, hangs=_hangs(written))]
        finally:  # also if something of ours breaks
            deleted = _tried(Step.DELETE, lambda: self._store.delete(self._key))
        return [written, *looked, deleted]

    def _looked(self, *, is_written: bool, hangs: bool) -> Iterator[Finding]:
        read = _tried(Step.READ, self._read) if is_written else _left_out(Step.READ)
        yield read
        if hangs or _hangs(read):
            yield _left_out(Step.LIST)
        else:
            yield _tried(Step.LIST, partial(self._list, is_written=is_written))

    def _write(self) -> None:
        self._store.put(self._key, io.BytesIO(self._content), "text/plain")

    def _read(self) -> None:
        """Raises `Different` unless it is what was written, byte by byte."""
        size = self._store.stat(self._key).size
        with closing(self._store.open(self._key)) as window:
            content = window.read(len(self._content) + 1)
        if size != len(self._content) or content != self._content:
            raise Different(f"{self._store.place}: what is read is not what was written")

    def _list(self, *, is_written: bool) -> None:
        """Raises `Different` unless what was written is listed."""
        listed = [found.key for found in self._store.list(self._key)]
        if is_written and listed != [self._key]:
            raise Different(f"{self._store.place}: what was written is not listed")


def _tried(step: Step, work: Callable[[], None]) -> Finding:
    try:
        work()
    except StoreError as error:
        return Finding(step, error)
    return Finding(step)


def _hangs(found: Finding) -> bool:
    return isinstance(found.error, Unreachable)


def _left_out(step: Step) -> Finding:
    return Finding(step, was_tried=False)
