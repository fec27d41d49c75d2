"""The body of a request: read whole or not at all, no slower than a least rate, within a budget of memory."""

import asyncio
import io
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Any, NoReturn, Self

Receive = Callable[[], Awaitable[Mapping[str, Any]]]

SMALL_BYTES = 128 * 1024
"""A body up to this size is read before anybody is known; a larger one when somebody wants it."""
GRACE_SECONDS = 10.0
LEAST_BYTES_PER_SECOND = 16 * 1024
"""A body may take `GRACE_SECONDS`, and longer only while it keeps up this rate."""
MOST_BYTES_OF_ALL = 64 * 1024 * 1024
MOST_BYTES_OF_ONE = 16 * 1024 * 1024
"""What a process holds of the bodies of all callers at a time, and of one caller's."""


class IncompleteBody(Exception):
    """The body did not arrive whole, or too slowly; the message says which."""


class TooManyBodies(Exception):
    """The process holds as much of the bodies of one caller, or of all, as it may."""


class BodyNeeded(BaseException):
    """Whoever answers a request by its head alone turned out to want the body.

    No `Exception`, for only the edge is to handle it, which then reads the body and asks again.
    """


class Budget:
    """How many bytes of bodies are held in memory, of all callers and of each."""

    def __init__(self, of_all: int = MOST_BYTES_OF_ALL, of_one: int = MOST_BYTES_OF_ONE) -> None:
        self._of_all, self._of_one = of_all, of_one
        self._total = 0
        self._held: dict[bytes, int] = {}

    def take(self, caller: bytes, count: int) -> None:
        """Hold `count` bytes more of the caller's. Raises `TooManyBodies`."""
        held = self._held.get(caller, 0) + count
        if held > self._of_one or self._total + count > self._of_all:
            raise TooManyBodies
        self._held[caller] = held
        self._total += count

    def give_back(self, caller: bytes, count: int) -> None:
        """Hold `count` bytes less of the caller's, which were taken before."""
        self._total -= count
        self._held[caller] -= count
        if not self._held[caller]:
            del self._held[caller]


class Body:
    """The body of one request, as far as it was read. As a context manager it gives back what it holds."""

    def __init__(self, receive: Receive, declared: int | None, caller: bytes, budget: Budget) -> None:
        """`declared` is the length that the head tells, None where it tells none."""
        self._receive, self._caller, self._budget = receive, caller, budget
        self._pieces: list[bytes] = []
        self._began = asyncio.get_running_loop().time()
        self.declared = declared
        self.length = 0
        """How much was read, in bytes."""
        self.is_whole = declared == 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pieces:
            self._budget.give_back(self._caller, sum(map(len, self._pieces)))
            self._pieces = []

    @property
    def size(self) -> int:
        """How large it is, in bytes, as far as is known yet."""
        return max(self.declared or 0, self.length)

    async def read(self, limit: int) -> bool:
        """Read it, up to `limit` bytes and a little. Says whether it was no larger and is whole.

        Raises `IncompleteBody` and `TooManyBodies`.
        """
        while not self.is_whole and self.size <= limit:
            piece = await self._next(self._deadline())
            if piece:
                self._budget.take(self._caller, len(piece))
                self._pieces.append(piece)
        return self.is_whole and self.size <= limit

    async def discard(self, limit: int, seconds: float) -> None:
        """Read and drop up to `limit` bytes more, so that a client that is still sending reads the answer."""
        until, end = asyncio.get_running_loop().time() + seconds, self.length + limit
        try:
            while not self.is_whole and self.length < end:
                await self._next(until)
        except IncompleteBody:
            pass  # it was not wanted anyway

    def file(self) -> io.BytesIO:
        """What was read, to be read once more."""
        return io.BytesIO(b"".join(self._pieces))

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


class Withheld(io.RawIOBase):
    """Stands for a body that was not read: to read it raises an error instead."""

    def __init__(self, error: Callable[[], BaseException]) -> None:
        self._error = error

    def readable(self) -> bool:
        """As far as anybody is told."""
        return True

    def read(self, size: int | None = -1) -> NoReturn:
        """Raise the error."""
        raise self._error()

    def readline(self, size: int | None = -1) -> NoReturn:
        """Raise the error."""
        raise self._error()
