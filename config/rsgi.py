"""Django on Granian: requests run in threads, files leave without one.

Granian's own WSGI mode keeps a thread for as long as a client takes to download: sixteen slow downloads, and
nobody else is served (measured: the seventeenth request waited 29 s). Here the event loop reads requests,
a few threads run Django, and a file answered through `wsgi.file_wrapper` is sent by the server itself.
"""

import asyncio
import io
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from queue import SimpleQueue
from typing import Any, Protocol, runtime_checkable

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

Environ = dict[str, Any]
Headers = list[tuple[str, str]]

UNREADABLE = "\N{REPLACEMENT CHARACTER}"
"""Stands for the value of a header that the server does not hand out."""
DISCARDED_BYTES = 32 * 1024 * 1024
"""Of a body that is too large, this much is read and dropped, so that the client can read the refusal."""


@runtime_checkable
class Window(Protocol):
    """A part of a file on disk, from byte `start` up to but without `stop`, that the server can send."""

    name: str
    start: int
    stop: int


class ServedFile:
    """The `wsgi.file_wrapper` of this server: a `Window` is kept for the server to send, others are read."""

    def __init__(self, file: Any, block_size: int = 8192) -> None:
        self.file = file
        self._block_size = block_size

    def __iter__(self) -> Iterator[bytes]:
        """The blocks of any other file, such as a static asset."""
        return iter(lambda: self.file.read(self._block_size), b"")

    def close(self) -> None:
        """Close the file, and with it the response it belongs to."""
        self.file.close()


@dataclass
class Answer:
    """What a WSGI application answered."""

    status: int = 500
    headers: Headers = field(default_factory=list)
    body: bytes = b""
    file: Window | None = None

    def start(self, status: str, headers: Headers, exc_info: Any = None) -> None:
        """WSGI's `start_response`."""
        self.status = int(status.partition(" ")[0])
        self.headers = [(name.lower(), value) for name, value in headers]

    def send(self, proto: Any, *, with_body: bool) -> None:
        """Hand it to the server."""
        if not with_body:
            proto.response_empty(self.status, self.headers)
        elif self.file is not None:
            window = self.file
            proto.response_file_range(self.status, self.headers, window.name, window.start, window.stop)
        else:
            proto.response_bytes(self.status, self.headers, self.body)


class Threads:
    """Threads that do one sort of work, for an event loop to hand it to.

    Like the standard library's executor, at a fifth of its cost (measured here: 5 instead of 25 µs), which
    shows where a request takes some hundred.
    """

    def __init__(self, work: Callable[[Environ], Answer], count: int) -> None:
        self._work = work
        self._waiting: SimpleQueue[tuple[Environ, asyncio.Future[Answer]]] = SimpleQueue()
        for number in range(count):
            threading.Thread(target=self._serve, name=f"request-{number}", daemon=True).start()

    async def run(self, environ: Environ) -> Answer:
        """Have it done by the next free thread. Raises what the work raises."""
        done: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.put((environ, done))
        return await done

    def _serve(self) -> None:
        while True:
            environ, done = self._waiting.get()
            try:
                settle = partial(_settle, done, self._work(environ))
            except BaseException as error:  # whatever it is belongs to whoever waits for the answer
                settle = partial(_settle, done, error)
            with suppress(RuntimeError):  # the loop has ended, and nobody waits any more
                done.get_loop().call_soon_threadsafe(settle)


def _settle(done: "asyncio.Future[Answer]", outcome: Answer | BaseException) -> None:
    if done.done():  # the client went away
        return
    if isinstance(outcome, BaseException):
        done.set_exception(outcome)
    else:
        done.set_result(outcome)


class Application:
    """An RSGI application around a WSGI one."""

    def __init__(self, wsgi: Callable[..., Iterable[bytes]], *, threads: int, max_body: int) -> None:
        """`threads` requests are worked on at a time; bodies over `max_body` bytes come in empty."""
        self._wsgi = wsgi
        self._max_body = max_body
        self._threads = Threads(self._call, threads)

    async def __rsgi__(self, scope: Any, proto: Any) -> None:
        """Serve one request."""
        body, length = await _read(proto, self._max_body)
        answer = await self._threads.run(_environ(scope, body, length))
        answer.send(proto, with_body=scope.method != "HEAD")

    def _call(self, environ: Environ) -> Answer:
        answer = Answer()
        result = self._wsgi(environ, answer.start)
        try:
            if isinstance(result, ServedFile) and isinstance(result.file, Window):
                answer.file = result.file
            else:
                answer.body = b"".join(result)
        finally:
            if hasattr(result, "close"):
                result.close()
        return answer


async def _read(proto: Any, limit: int) -> tuple[bytes, int]:
    """The body and its length; a body over the limit comes back empty, with a length over the limit."""
    chunks, length = [], 0
    async for chunk in proto:
        length += len(chunk)
        if length <= limit:
            chunks.append(bytes(chunk))
        elif length > DISCARDED_BYTES:
            break
    return (b"".join(chunks) if length <= limit else b""), length


def _environ(scope: Any, body: bytes, length: int) -> Environ:
    host, _, port = scope.server.rpartition(":")
    environ: Environ = {
        "REQUEST_METHOD": scope.method,
        "SCRIPT_NAME": "",
        # WSGI carries the bytes of the path as Latin-1 characters.
        "PATH_INFO": scope.path.encode().decode("latin-1"),
        "QUERY_STRING": scope.query_string,
        "SERVER_NAME": host,
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "REMOTE_ADDR": scope.client.rpartition(":")[0],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.scheme,
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "wsgi.file_wrapper": ServedFile,
    }
    for name in scope.headers:
        # A value that is not ASCII is not handed out; it must not look as if it had not been sent.
        for value in scope.headers.get_all(name) or [UNREADABLE]:
            _add_header(environ, name, value)
    environ["CONTENT_LENGTH"] = str(length)
    return environ


def _add_header(environ: Environ, name: str, value: str) -> None:
    # A name with an underscore would pass for one with a hyphen.
    if "_" in name or name == "content-length":
        return
    key = "CONTENT_TYPE" if name == "content-type" else f"HTTP_{name.upper().replace('-', '_')}"
    separator = "; " if name == "cookie" else ","
    environ[key] = f"{environ[key]}{separator}{value}" if key in environ else value


def _django() -> Application:
    from django.conf import settings
    from django.core.management import call_command

    from config.wsgi import application as wsgi

    call_command("check", verbosity=0)  # no server starts on a bad configuration
    return Application(wsgi, threads=settings.API_THREADS, max_body=settings.MAX_BODY_BYTES)


application = _django()
