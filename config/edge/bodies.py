"""Request bodies: read completely or not at all, at a minimum rate and within a budget of memory and disk."""

import asyncio
import io
import os
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, NoReturn, Self

Receive = Callable[[], Awaitable[Mapping[str, Any]]]

SMALL_BYTES = 128 * 1024
"""A body up to this size is read before authentication; a larger one only if Django needs it."""
GRACE_SECONDS = 10.0
LEAST_BYTES_PER_SECOND = 16 * 1024
"""A body may take `GRACE_SECONDS`, plus the time its bytes take at this rate."""
MOST_BYTES_OF_ALL = 64 * 1024 * 1024
MOST_BYTES_OF_ONE = 16 * 1024 * 1024
"""Bytes of request bodies that a process holds at a time: of all callers, and of one."""
MOST_ON_DISK_OF_ALL = 4 * 1024 * 1024 * 1024
MOST_ON_DISK_OF_ONE = 1024 * 1024 * 1024
"""The same of bodies in temporary files."""
_WRITTEN_BYTES = 256 * 1024
"""So much is collected before it is written to the disk, which takes a thread."""
_WRITERS = ThreadPoolExecutor(max_workers=2, thread_name_prefix="spool")


class IncompleteBody(Exception):
    """The body was cut off or too slow; the message says which."""


class TooManyBodies(Exception):
    """The budget for bodies, of one caller or of all, is used up, or the disk is full."""


class BodyNeeded(BaseException):
    """Django turned out to need a body that was not read yet.

    Not an `Exception`, so that only the edge handles it, which then reads the body and runs Django again.
    """


class Budget:
    """Limits the bytes of bodies held in memory or on disk, in total and per caller."""

    def __init__(self, of_all: int = MOST_BYTES_OF_ALL, of_one: int = MOST_BYTES_OF_ONE) -> None:
        self._of_all, self._of_one = of_all, of_one
        self._total = 0
        self._held: dict[bytes, int] = {}

    def take(self, caller: bytes, count: int) -> None:
        """Reserve `count` bytes for the caller. Raises `TooManyBodies`."""
        held = self._held.get(caller, 0) + count
        if held > self._of_one or self._total + count > self._of_all:
            raise TooManyBodies
        self._held[caller] = held
        self._total += count

    def give_back(self, caller: bytes, count: int) -> None:
        self._total -= count
        self._held[caller] -= count
        if not self._held[caller]:
            del self._held[caller]


class Body:
    """The body of one request, as far as it was read; as a context manager it frees its share of memory."""

    def __init__(
        self,
        receive: Receive,
        declared: int | None,
        caller: bytes,
        budget: Budget,
        disk: Budget | None = None,
    ) -> None:
        """`declared` is the announced length in bytes, None if it is not known; `disk` is for `spool`."""
        self._receive, self._caller, self._budget = receive, caller, budget
        self._disk = disk or Budget(MOST_ON_DISK_OF_ALL, MOST_ON_DISK_OF_ONE)
        self._pieces: list[bytes] = []
        self._on_disk = 0
        self._file: SpoolFile | None = None
        self._began = asyncio.get_running_loop().time()
        self.declared = declared
        self.length = 0
        """Bytes read so far."""
        self.is_whole = declared == 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._forget_pieces()
        self._file = None
        if self._on_disk:
            self._disk.give_back(self._caller, self._on_disk)
            self._on_disk = 0

    @property
    def size(self) -> int:
        """Its size in bytes as far as known."""
        return max(self.declared or 0, self.length)

    async def read(self, limit: int) -> bool:
        """Read it up to about `limit` bytes; returns whether it is complete and within the limit.

        Raises `IncompleteBody` and `TooManyBodies`.
        """
        while not self.is_whole and self.size <= limit:
            piece = await self._next(self._deadline())
            if piece:
                self._budget.take(self._caller, len(piece))
                self._pieces.append(piece)
        return self.is_whole and self.size <= limit

    async def spool(self, limit: int) -> "SpoolFile | None":
        """Read it to a temporary file, which stands at its begin; None if it exceeds about `limit` bytes.

        Holds at most `_WRITTEN_BYTES` and a piece in memory. Raises `IncompleteBody` and `TooManyBodies`.
        """
        self._file = SpoolFile()
        try:
            while not self.is_whole and self.size <= limit:
                if sum(map(len, self._pieces)) >= _WRITTEN_BYTES:
                    await self._write()
                piece = await self._next(self._deadline())
                if piece:
                    self._budget.take(self._caller, len(piece))
                    self._pieces.append(piece)
            if not self.is_whole or self.size > limit:
                return None
            await self._write()
        except OSError as error:  # the disk is full
            raise TooManyBodies from error
        self._file.seek(0)
        return self._file

    async def _write(self) -> None:
        content, file = b"".join(self._pieces), self._file
        if not content or file is None:
            return
        self._disk.take(self._caller, len(content))
        self._on_disk += len(content)
        await asyncio.get_running_loop().run_in_executor(_WRITERS, file.write_all, content)
        self._forget_pieces()

    def _forget_pieces(self) -> None:
        if self._pieces:
            self._budget.give_back(self._caller, sum(map(len, self._pieces)))
            self._pieces = []

    async def discard(self, limit: int, seconds: float) -> None:
        """Read and drop up to `limit` more bytes, so that a client still sending reads the response."""
        until, end = asyncio.get_running_loop().time() + seconds, self.length + limit
        with suppress(IncompleteBody):
            while not self.is_whole and self.length < end:
                await self._next(until)

    def content(self) -> bytes:
        """What was read."""
        return self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)

    def _deadline(self) -> float:
        return self._began + GRACE_SECONDS + self.length / LEAST_BYTES_PER_SECOND

    async def _next(self, until: float) -> bytes:
        try:
            async with asyncio.timeout_at(until):
                message = await self._receive()
        except TimeoutError:
            raise IncompleteBody("The request body arrived too slowly") from None
        if message["type"] != "http.request":
            raise IncompleteBody("The request body did not arrive whole")
        piece: bytes = message.get("body", b"")
        self.length += len(piece)
        self.is_whole = self.length == self.declared or not message.get("more_body", False)
        if self.is_whole and self.declared not in (None, self.length):
            raise IncompleteBody("The request body is not as long as Content-Length says")
        return piece


class SpoolFile(io.FileIO):
    """A temporary file without a name, which ends with the last reference to it.

    Nobody closes it: if a request is given up, a thread may still be reading or writing it.
    """

    def __init__(self) -> None:
        with tempfile.TemporaryFile(buffering=0) as file:
            super().__init__(os.dup(file.fileno()), "r+b")

    def __del__(self) -> None:
        self.close()

    def write_all(self, content: bytes) -> None:
        """Write all of it."""
        left = memoryview(content)
        while left:
            left = left[self.write(left) :]


class Withheld(io.RawIOBase):
    """Stands in for a body that was not read: reading it raises an error."""

    def __init__(self, error: Callable[[], BaseException]) -> None:
        self._error = error

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1) -> NoReturn:
        raise self._error()

    readline = read
