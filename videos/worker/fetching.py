"""Places for results that are being fetched, so that slow sources hold up nobody else.

A worker fetches at most `RESULT_FETCHES` results at a time, of one tenant at most half of them. A source that
sends next to nothing gives its place up after half a second and goes on beside the others, since it takes
neither line nor memory; the downloader ends it if it stays too slow.
"""

import asyncio
import os
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import IO
from uuid import UUID
from weakref import WeakKeyDictionary

from django.conf import settings

from config import stores
from config.stores.base import Saved, Store
from config.stores.blocks import Measured

Alive = Callable[[], Awaitable[None]]
"""Called while a fetch goes on."""
MOST_SLOW = 200
"""Slow sources that one worker follows beside those with places."""
SLOW_AFTER = 0.5
"""Seconds after which a source that sends next to nothing gives up its place."""
SLOW_RATE = 64 * 1024
"""Bytes a second; a source that sends less is slow."""
PATIENCE = 1.0
"""Seconds between renewals of the lease of a task that waits for a place."""


class Places:
    """The places of one event loop."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._most_of_one = max(1, most // 2)
        self._taken = 0
        self._of_tenants: Counter[UUID] = Counter()
        self._waiting: set[asyncio.Future[None]] = set()

    async def take(self, tenant_id: UUID, alive: Alive) -> None:
        """Wait for a place; `alive` is called while waiting."""
        while not self._is_free(tenant_id):
            await self._wait()
            await alive()
        self._taken += 1
        self._of_tenants[tenant_id] += 1

    def give_back(self, tenant_id: UUID) -> None:
        self._taken -= 1
        self._of_tenants[tenant_id] -= 1
        if not self._of_tenants[tenant_id]:
            del self._of_tenants[tenant_id]
        for waiting in list(self._waiting):
            if not waiting.done():
                waiting.set_result(None)

    def _is_free(self, tenant_id: UUID) -> bool:
        return self._taken < self._most and self._of_tenants[tenant_id] < self._most_of_one

    async def _wait(self) -> None:
        """Wait until a place is given back, but not for long."""
        freed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(freed)
        try:
            await asyncio.wait([freed], timeout=PATIENCE)
        finally:
            self._waiting.discard(freed)


class Progress:
    """How a fetch with a place gets on."""

    def __init__(self, began: float) -> None:
        self._began = began
        self.bytes = 0

    def moved(self, position: int) -> None:
        """So many bytes are there."""
        self.bytes = position

    def is_slow(self, now: float) -> bool:
        """Whether its source sent next to nothing up to `now`, in seconds of `time.monotonic`."""
        return self.bytes < SLOW_RATE * (now - self._began)


_places: WeakKeyDictionary[asyncio.AbstractEventLoop, tuple[Places, asyncio.Semaphore]] = WeakKeyDictionary()


class _Held:
    """A place that was taken."""

    def __init__(self, places: Places, tenant_id: UUID) -> None:
        self._places, self._tenant_id = places, tenant_id
        self._is_held = True

    def release(self) -> None:
        """Give it back, if that was not done yet."""
        if self._is_held:
            self._is_held = False
            self._places.give_back(self._tenant_id)


@asynccontextmanager
async def place(tenant_id: UUID, alive: Alive) -> AsyncIterator[Progress]:
    """A place, held until the block ends or its source proves to be slow. `alive` is called while waiting."""
    places, slow = _of_loop()
    await places.take(tenant_id, alive)
    held, progress = _Held(places, tenant_id), Progress(time.monotonic())
    watch = asyncio.create_task(_release_if_slow(held, slow, progress))
    try:
        yield progress
    finally:
        watch.cancel()
        held.release()


async def _release_if_slow(held: _Held, slow: asyncio.Semaphore, progress: Progress) -> None:
    """Once the source is slow, hold one of the places beside the others instead, until this is cancelled."""
    while True:
        await asyncio.sleep(SLOW_AFTER)
        if progress.is_slow(time.monotonic()):
            break
    async with slow:
        held.release()
        await asyncio.Event().wait()


def _of_loop() -> tuple[Places, asyncio.Semaphore]:
    loop = asyncio.get_running_loop()
    if loop not in _places:
        _places[loop] = Places(settings.RESULT_FETCHES), asyncio.Semaphore(MOST_SLOW)
    return _places[loop]


async def copied(store: Store, key: str, file: IO[bytes], alive: Alive) -> Saved:
    """Copy an object into a file. Raises `StoreError`."""
    with closing(await asyncio.to_thread(store.open, key)) as window:
        measured = Measured(window)
        blocks = iter(measured)
        while block := await asyncio.to_thread(next, blocks, b""):
            file.write(block)
            await alive()
    return measured.saved


@contextmanager
def file() -> Iterator[tuple[IO[bytes], Path]]:
    """A file to fetch a result into, and a path by which other processes of ours can read it.

    It has no name where the system allows that, so a process that dies leaves nothing behind.
    """
    with tempfile.TemporaryFile(dir=_folder()) as nameless:
        path = Path(f"/proc/{os.getpid()}/fd/{nameless.fileno()}")
        if path.exists():
            yield nameless, path
            return
    with tempfile.NamedTemporaryFile() as named:
        yield named, Path(named.name)


def _folder() -> Path | None:
    """The disk that results are kept on, if that is ours; else that of temporary files."""
    folder = stores.folder_of_results()
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    return folder
