"""Responses, and how they are sent: from memory, as a file or a part of one, or as they come from a store."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

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
_CLOSING = ThreadPoolExecutor(max_workers=1, thread_name_prefix="close")
"""Apart from the event loop, as closing the connection of a store takes time."""


class PassedThrough:
    """A body that is sent at the client's pace, for a `FileResponse`; the response does not close it."""

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


class ServedFile:
    """The `wsgi.file_wrapper`: what `Answer.take` knows is sent without a Django thread; the rest is not."""

    def __init__(self, file: Any, block_size: int = 8192) -> None:
        self.file = file
        self._block_size = block_size

    def __iter__(self) -> Iterator[bytes]:
        """The blocks of a file that is not passed through, such as a static asset."""
        return iter(lambda: self.file.read(self._block_size), b"")

    def close(self) -> None:
        """Close the file, which also closes the response it belongs to."""
        self.file.close()


@dataclass
class Answer:
    """Status, headers, and a body in memory or in a store, such as a folder."""

    status: int = 500
    headers: Headers = field(default_factory=list)
    body: bytes = b""
    content: store.Window | None = None

    def start(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
        """WSGI's `start_response`."""
        self.status = int(status.partition(" ")[0])
        self.headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]

    def take(self, result: Iterable[bytes]) -> None:
        """Take the body from the result of a WSGI application."""
        file = result.file if isinstance(result, ServedFile) else None
        if isinstance(file, PassedThrough):
            self.content = file.take()
        else:
            self.body = b"".join(result)

    async def send(self, receive: Receive, send: Send, *, with_body: bool) -> None:
        """Send it, and close its content."""
        try:
            await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
            if self.content is not None and with_body:
                await _send_content(self.content, receive, send)
            else:
                await send({"type": "http.response.body", "body": self.body if with_body else b""})
        finally:
            self.close()

    def close(self) -> None:
        """Release what its content needs; for an answer that nobody waits for any more, instead of `send`."""
        if self.content is not None:
            _CLOSING.submit(self.content.close)


async def _send_content(content: store.Window, receive: Receive, send: Send) -> None:
    if not isinstance(content, FileWindow):
        await _send_blocks(content, _STORE_READERS, receive, send)
    elif path := content.path_of_whole():
        await send({"type": "http.response.pathsend", "path": path})
    else:
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


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
