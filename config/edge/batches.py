"""A thread that serves requests in batches: all that wait at the moment, without waiting for more.

Requests that are looked up, written and committed together share what most of their time goes into: the
event loop's hand-over to a thread, the planning of a statement, and the commit.
"""

import asyncio
import copy
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Generic, TypeVar

import structlog

from config.edge.threads import settle
from config.watchdog import Watchdog

log = structlog.get_logger(__name__)
MOST_AT_ONCE = 64
Asked = TypeVar("Asked")
Outcome = TypeVar("Outcome")


@dataclass(slots=True)
class Waiting(Generic[Asked, Outcome]):
    """A request, and the future for its outcome."""

    asked: Asked
    done: "asyncio.Future[Outcome]"


@dataclass(eq=False)
class Batches(Generic[Asked, Outcome]):
    """Serves requests in one thread, up to `MOST_AT_ONCE` at a time; callers take turns."""

    name: str
    serve: Callable[[Sequence[Asked]], Sequence[Outcome | Exception]]
    """Returns the outcomes in the order of the requests, or the errors to raise; raises an error of all."""
    begin: Callable[[], None]
    """Runs in the thread before it serves anything."""
    seconds: float
    """How long a batch may take before the thread's database connection is shut down, which fails it."""
    watchdog: Watchdog
    _waiting: "OrderedDict[bytes, deque[Waiting[Asked, Outcome]]]" = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _woken: "SimpleQueue[None]" = field(default_factory=SimpleQueue)
    _is_idle: bool = True

    def start(self) -> "Batches[Asked, Outcome]":
        threading.Thread(target=self._run, name=self.name, daemon=True).start()
        return self

    async def run(self, caller: bytes, asked: Asked, seconds: float) -> Outcome:
        """Serve the request with those that wait when the thread is free.

        Raises what `serve` raises, and `TimeoutError` if that takes longer than `seconds`.
        """
        loop = asyncio.get_running_loop()
        waiting: Waiting[Asked, Outcome] = Waiting(asked, loop.create_future())
        timer = loop.call_later(seconds, settle, waiting.done, TimeoutError())
        self._add(caller, waiting)
        try:
            return await waiting.done
        finally:
            timer.cancel()
            del waiting  # otherwise it and a raised error would keep each other, and the connection, alive

    def _add(self, caller: bytes, waiting: Waiting[Asked, Outcome]) -> None:
        with self._lock:
            self._waiting.setdefault(caller, deque()).append(waiting)
            was_idle, self._is_idle = self._is_idle, False
        if was_idle:
            self._woken.put(None)

    def _next(self) -> list[Waiting[Asked, Outcome]]:
        """The next batch: one request of each caller in turn. Empty if none waits."""
        batch: list[Waiting[Asked, Outcome]] = []
        with self._lock:
            while self._waiting and len(batch) < MOST_AT_ONCE:
                caller, own = self._waiting.popitem(last=False)
                batch.append(own.popleft())
                if own:
                    self._waiting[caller] = own  # to the end of the line
            self._is_idle = not batch
        return batch

    def _run(self) -> None:
        self.begin()
        while True:
            self._woken.get()
            while self._serve_next():
                pass

    def _serve_next(self) -> bool:
        batch = self._next()
        wanted = [waiting for waiting in batch if not waiting.done.done()]  # neither timed out nor cancelled
        if wanted:
            outcomes = self._outcomes([waiting.asked for waiting in wanted])
            with suppress(RuntimeError):  # the loop has ended
                wanted[0].done.get_loop().call_soon_threadsafe(_settle_all, wanted, outcomes)
        return bool(batch)

    def _outcomes(self, asked: Sequence[Asked]) -> Sequence[object]:
        try:
            with self.watchdog.unit(self.seconds):
                return self.serve(asked)
        except BaseException as error:  # raised in `run`
            log.exception("a batch failed", requests=len(asked))
            # Each request raises its own, without the traceback of all.
            return [copy.copy(error).with_traceback(None) for _ in asked]


def _settle_all(batch: Sequence[Waiting[Asked, Outcome]], outcomes: Sequence[object]) -> None:
    for waiting, outcome in zip(batch, outcomes, strict=True):
        settle(waiting.done, outcome)
