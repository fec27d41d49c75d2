"""Django as an ASGI application: an event loop reads requests and sends responses, threads run Django.

Django's own ASGI handler starts threads for each request, which exhausts database connections. A WSGI server
keeps a thread busy for a whole download: with sixteen slow downloads nobody else is served (measured: the
seventeenth request waited 29 s).
"""

import asyncio
import io
from collections.abc import Callable, Iterable
from functools import partial
from typing import Protocol, TypeVar

from django.core.exceptions import RequestDataTooBig

from config.edge import head, refusals
from config.edge.answers import Answer, Receive, Send, ServedFile
from config.edge.bodies import (
    MOST_ON_DISK_OF_ALL,
    MOST_ON_DISK_OF_ONE,
    SMALL_BYTES,
    Body,
    BodyNeeded,
    Budget,
    IncompleteBody,
    SpoolFile,
    TooManyBodies,
    Withheld,
)
from config.edge.connections import Connections
from config.edge.head import Environ, Scope
from config.edge.limits import BodyLimit, BodyLimits
from config.edge.threads import Threads
from config.networks import subscriber_network
from config.routes import (
    ACTION_HEADER,
    API_PREFIX,
    PROGRAM_PREFIXES,
    READING,
    SIGNED_PREFIX,
    served_path,
)
from config.watchdog import Watchdog

Outcome = TypeVar("Outcome")

DISCARDED_BYTES = 32 * 1024 * 1024
"""How much of an authenticated caller's oversized body is read and dropped, so that the refusal is read."""
DISCARDED_SECONDS = 30.0
DISCARDED_SIGNED_BYTES = 4 * 1024 * 1024
"""The same of a request to the signed API, whose signature cannot be verified without the body."""
LINGERING_SECONDS = 1.0
"""How long up to `SMALL_BYTES` of any other unread body are read and dropped, for the same reason."""
TOO_LARGE = 413
API_SECONDS, PAGE_SECONDS = 8.0, 60.0
"""How long a thread may work on a request before its database connection is shut down, which fails it.

An upload, which is checked and stored meanwhile, may take as long as a page.
"""
ANSWER_SECONDS = 14.0
"""How long an API client waits for a response, including the wait for a thread."""
LOST_AFTER_SECONDS = 75.0
"""A thread that works on one request this long counts as lost; if all are lost, the process ends."""
_ALIVE = ("/healthz", "/healthz/")
FAILURE = "reelay.failure"
"""Key in the WSGI environ of an error that a view raises instead of serving the request."""


class Lanes(Protocol):
    """Serves some requests instead of Django."""

    async def answer(self, scope: Scope, body: bytes, caller: bytes, seconds: float) -> Answer | None:
        """The response; None if Django is to serve the request.

        Raises `TimeoutError` after `seconds`, and other errors that Django is to answer.
        """


class Application:
    """An ASGI application around a WSGI one."""

    def __init__(
        self,
        wsgi: Callable[..., Iterable[bytes]],
        *,
        threads: int,
        limits: BodyLimits,
        connections: Connections,
        http_2: bool = False,
        lanes: Lanes | None = None,
        reword: Callable[[Answer], Answer] | None = None,
    ) -> None:
        """Runs `threads` requests at a time; `reword` puts refusals in the words of the signed API."""
        self._wsgi = wsgi
        self._limits = limits
        self._http_2 = http_2
        self._connections = connections
        self._lanes = lanes
        self._reword = reword
        self._threads = Threads(threads)
        self._watchdog = Watchdog(threads, LOST_AFTER_SECONDS).start()
        self._budget = Budget()
        self._disk = Budget(MOST_ON_DISK_OF_ALL, MOST_ON_DISK_OF_ONE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope = _routed(scope)
        self._connections.hear(scope["client"])
        with_body = scope["method"] != "HEAD"
        if refusal := self._refusal(scope):
            await self._worded(scope, refusal).send(receive, send, with_body=with_body)
            return
        caller = _caller(scope)
        with Body(receive, head.declared_length(scope), caller, self._budget, self._disk) as body:
            answer = await self._in_time(scope, body, caller)
            await answer.send(receive, send, with_body=with_body)
            if not body.is_whole:
                await _linger(scope, body, answer)
        self._connections.hear(scope["client"])

    def _refusal(self, scope: Scope) -> Answer | None:
        """The response that needs no Django, if any."""
        if head.is_too_large(scope):
            return refusals.header_too_large(head.MOST_FIELDS, head.MOST_BYTES)
        if scope["http_version"] == "2" and not self._http_2:
            return refusals.http_2_not_spoken()
        return refusals.alive() if scope["path"] in _ALIVE and scope["method"] in READING else None

    def _worded(self, scope: Scope, refusal: Answer) -> Answer:
        """A refusal of ours, in the words of the API that the request was sent to."""
        is_signed = scope["path"].startswith(SIGNED_PREFIX)
        return self._reword(refusal) if self._reword and is_signed else refusal

    async def _in_time(self, scope: Scope, body: Body, caller: bytes) -> Answer:
        """The response, or a 503 if it takes too long. Reading the body has its own deadline."""
        try:
            return await self._answer(scope, body, caller)
        except TimeoutError:
            return self._worded(scope, refusals.no_answer_in_time())

    async def _run(
        self, path: str, caller: bytes, work: Callable[[], Outcome], seconds: float = ANSWER_SECONDS
    ) -> Outcome:
        """Run it in a thread. Raises `TimeoutError` if the API takes longer than `seconds`."""
        if path.startswith(PROGRAM_PREFIXES):
            return await self._threads.run(caller, partial(self._watched, API_SECONDS, work), seconds)
        return await self._threads.run(caller, partial(self._watched, PAGE_SECONDS, work))

    def _watched(self, limit: float, work: Callable[[], Outcome]) -> Outcome:
        with self._watchdog.unit(limit):
            return work()

    async def _answer(self, scope: Scope, body: Body, caller: bytes) -> Answer:
        try:
            if await body.read(SMALL_BYTES):
                return await self._whole(scope, body, caller)
            return await self._large(scope, body, caller, self._limits.of(scope))
        except IncompleteBody as error:
            return self._worded(scope, refusals.incomplete_body(str(error)))
        except TooManyBodies:
            return self._worded(scope, refusals.too_many_bodies())

    async def _large(self, scope: Scope, body: Body, caller: bytes, limit: BodyLimit) -> Answer:
        """Run Django with the head alone; read the body only if it asks for it, after authentication."""
        if body.size <= limit.most:
            by_head = head.environ(scope, Withheld(BodyNeeded), body.size)
            work = partial(self._call_unless_body_is_needed, by_head)
            if answer := await self._run(scope["path"], caller, work):
                return answer
            if limit.on_disk:
                if file := await body.spool(limit.most):
                    return await self._spooled(scope, body, caller, file)
            elif await body.read(limit.most):
                return await self._whole(scope, body, caller)
        too_large = head.environ(scope, Withheld(RequestDataTooBig), body.size)
        return await self._run(scope["path"], caller, partial(self._call, too_large))

    async def _whole(self, scope: Scope, body: Body, caller: bytes) -> Answer:
        """Serve a request whose body has arrived: in a lane, else by Django."""
        loop = asyncio.get_running_loop()
        until, failure, content = loop.time() + ANSWER_SECONDS, {}, body.content()
        if self._lanes:
            try:
                if answer := await self._lanes.answer(scope, content, caller, ANSWER_SECONDS):
                    return answer
            except TimeoutError:
                raise
            except Exception as error:
                failure = {FAILURE: error.with_traceback(None)}  # which would keep this request in memory
        environ = head.environ(scope, io.BytesIO(content), body.length) | failure
        work = partial(self._call, environ)
        return await self._run(scope["path"], caller, work, until - loop.time())

    async def _spooled(self, scope: Scope, body: Body, caller: bytes, file: SpoolFile) -> Answer:
        """Serve a request whose body is in a file. Not cut short, as nobody would know what became of it."""
        environ = head.environ(scope, file, body.length)
        return await self._threads.run(
            caller, partial(self._watched, PAGE_SECONDS, partial(self._call, environ))
        )

    def _call_unless_body_is_needed(self, environ: Environ) -> Answer | None:
        try:
            return self._call(environ)
        except BodyNeeded:
            return None

    def _call(self, environ: Environ) -> Answer:
        answer = Answer()
        environ["wsgi.file_wrapper"] = ServedFile
        result = self._wsgi(environ, answer.start)
        try:
            answer.take(result)
        finally:
            if hasattr(result, "close"):
                result.close()
        return answer


def _routed(scope: Scope) -> Scope:
    """The scope with the path that serves the request."""
    path = scope["path"]
    if path != "/":  # looking for a header costs more
        return scope
    names_action = head.field(scope, ACTION_HEADER.encode()) is not None
    return {**scope, "path": served_path(scope["method"], path, names_action=names_action)}


def _caller(scope: Scope) -> bytes:
    """Identifies the sender before authentication: by the Authorization header, cookie or address."""
    proof = head.field(scope, b"authorization") or head.field(scope, b"cookie")
    return proof or subscriber_network(str(scope["client"][0])).encode()


async def _linger(scope: Scope, body: Body, answer: Answer) -> None:
    """Let a client that is still sending read the response before the connection closes."""
    if answer.status == TOO_LARGE and scope["path"].startswith(API_PREFIX):  # the caller was authenticated
        await body.discard(DISCARDED_BYTES, DISCARDED_SECONDS)
    elif scope["path"].startswith(SIGNED_PREFIX):  # refusals have another status, and may go to anybody
        await body.discard(DISCARDED_SIGNED_BYTES, LINGERING_SECONDS)
    else:
        await body.discard(SMALL_BYTES, LINGERING_SECONDS)
