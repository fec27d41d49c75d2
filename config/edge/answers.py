"""Responses, and how they are sent: from memory, as a file or a part of one, or as they come from a store."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from config.stores import base as store
from config.stores.folder import FileWindow

Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

BLOCK_BYTES = 128 * 1024
"""Block size for parts of files; the server buffers four blocks for a slow client."""
_READERS = ThreadPoolExecutor(max_workers=4, thread_name_prefix="file")
_STORE_READERS = ThreadPoolExecutor(max_workers=16, thread_name_prefix="store")
"""Apart from those of files, as a store may be slow; a slow client occupies none."""


@runtime_checkable
class Window(Protocol):
    """Bytes `start` to `stop` (exclusive) of a file on disk."""

    name: str
    start: int
    stop: int


class PassedThrough:
    """A body that is read from a store while it is sent; the response of the view does not close it."""

    def __init__(self, content: store.Window) -> None:
        self._content = content
        self._is_taken = False

    def read(self, size: int = -1) -> bytes:
        return self._content.read(size)

    def take(self) -> store.Window:
        """The content, which the caller closes."""
        self._is_taken = True
        return self._content

    def close(self) -> None:
        """Close the content unless it was taken."""
        if not self._is_taken:
            self._content.close()


def body_of(content: store.Window) -> Any:
    """The content as the body of a `FileResponse`, which is sent at the client's pace."""
    return content if isinstance(content, Window) else PassedThrough(content)


class ServedFile:
    """The `wsgi.file_wrapper`: what `Answer.take` knows is sent without a Django thread; the rest is not."""

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
    """Status, headers, and a body in memory, in a file or in a store."""

    status: int = 500
    headers: Headers = field(default_factory=list)
    body: bytes = b""
    file: Window | None = None
    passed: store.Window | None = None

    def start(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
        """WSGI's `start_response`."""
        self.status = int(status.partition(" ")[0])
        self.headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]

    def take(self, result: Iterable[bytes]) -> None:
        """Take the body from the result of a WSGI application."""
        content = result.file if isinstance(result, ServedFile) else None
        if isinstance(content, Window):
            self.file = content
        elif isinstance(content, PassedThrough):
            self.passed = content.take()
        else:
            self.body = b"".join(result)

    async def send(self, receive: Receive, send: Send, *, with_body: bool) -> None:
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        if self.passed is not None and not with_body:
            self.passed.close()
        if not with_body:
            await send({"type": "http.response.body", "body": b""})
        elif self.passed is not None:
            await _send_blocks(self.passed, _STORE_READERS, receive, send)
        elif self.file is None:
            await send({"type": "http.response.body", "body": self.body})
        elif _is_whole(self.file):
            await send({"type": "http.response.pathsend", "path": self.file.name})
        else:
            await _send_window(self.file, receive, send)


def _is_whole(window: Window) -> bool:
    return window.start == 0 and window.stop == Path(window.name).stat().st_size


async def _send_window(window: Window, receive: Receive, send: Send) -> None:
    opened = partial(FileWindow, Path(window.name), window.start, window.stop)
    content = await asyncio.get_running_loop().run_in_executor(_READERS, opened)
    await _send_blocks(content, _READERS, receive, send)


async def _send_blocks(
    content: store.Window, readers: ThreadPoolExecutor, receive: Receive, send: Send
) -> None:
    """Send a body at the client's pace as it is read, until it is complete or the client disconnects."""
    loop = asyncio.get_running_loop()
    gone = asyncio.ensure_future(_disconnected(receive))
    try:
        while not gone.done() and (block := await loop.run_in_executor(readers, content.read, BLOCK_BYTES)):
            await send({"type": "http.response.body", "body": block, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
    finally:
        gone.cancel()
        await loop.run_in_executor(readers, content.close)


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
