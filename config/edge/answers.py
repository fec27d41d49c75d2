"""Responses, and how they are sent: from memory, as a file by the server, or as a part of a file."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

BLOCK_BYTES = 128 * 1024
"""Block size for parts of files; the server buffers four blocks for a slow client."""
_READERS = ThreadPoolExecutor(max_workers=4, thread_name_prefix="file")


@runtime_checkable
class Window(Protocol):
    """Bytes `start` to `stop` (exclusive) of a file on disk."""

    name: str
    start: int
    stop: int


class ServedFile:
    """The `wsgi.file_wrapper`: a `Window` is sent without a Django thread, other files are read in one."""

    def __init__(self, file: Any, block_size: int = 8192) -> None:
        self.file = file
        self._block_size = block_size

    def __iter__(self) -> Iterator[bytes]:
        """The blocks of a file that is not a `Window`, such as a static asset."""
        return iter(lambda: self.file.read(self._block_size), b"")

    def close(self) -> None:
        """Close the file, which also closes the response it belongs to."""
        self.file.close()


@dataclass
class Answer:
    """Status, headers, and a body in memory or in a file."""

    status: int = 500
    headers: Headers = field(default_factory=list)
    body: bytes = b""
    file: Window | None = None

    def start(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
        """WSGI's `start_response`."""
        self.status = int(status.partition(" ")[0])
        self.headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]

    async def send(self, receive: Receive, send: Send, *, with_body: bool) -> None:
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        if self.file is None or not with_body:
            await send({"type": "http.response.body", "body": self.body if with_body else b""})
        elif _is_whole(self.file):
            await send({"type": "http.response.pathsend", "path": self.file.name})
        else:
            await _send_window(self.file, receive, send)


def _is_whole(window: Window) -> bool:
    return window.start == 0 and window.stop == Path(window.name).stat().st_size


async def _send_window(window: Window, receive: Receive, send: Send) -> None:
    """Send a part of a file at the client's pace, until it is complete or the client disconnects."""
    loop = asyncio.get_running_loop()
    gone = asyncio.ensure_future(_disconnected(receive))
    try:
        with await loop.run_in_executor(_READERS, Path(window.name).open, "rb") as file:
            file.seek(window.start)
            left = window.stop - window.start
            while left and not gone.done():
                block = await loop.run_in_executor(_READERS, file.read, min(left, BLOCK_BYTES))
                left = left - len(block) if block else 0
                await send({"type": "http.response.body", "body": block, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
    finally:
        gone.cancel()


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
