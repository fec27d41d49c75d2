"""Looks at files over the network, for threads that wait: in one event loop, in a thread of its own."""

import asyncio
import atexit
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from django.conf import settings

from videos.inputs.facts import Facts, Known, Unreadable
from videos.upstream.download_errors import DownloadFailed
from videos.upstream.hosts import Hosts
from videos.upstream.look import Looker

_CLOSING_SECONDS = 2.0
_one_at_a_time = threading.Lock()
_MOST_NAMES = 64
"""Names that are resolved together; a name whose servers are silent holds its thread for a while."""


def look(urls: Mapping[str, int]) -> dict[str, Known]:
    """Look at all files at once; `urls` gives for each how many bytes are counted, see `Looker.look`."""
    with _one_at_a_time:  # two threads must not make two loops
        loop = _loop()
    return asyncio.run_coroutine_threadsafe(_look(urls), loop).result()


async def _look(urls: Mapping[str, int]) -> dict[str, Known]:
    found = await asyncio.gather(*(_look_at(url, most) for url, most in urls.items()))
    return dict(zip(urls, found, strict=True))


async def _look_at(url: str, most: int) -> Known:
    hosts = Hosts(tuple(settings.INPUT_HOSTS), any_public=True)
    try:
        seen = await _looker(settings.CHECK_INPUTS_SECONDS).look(url, hosts, most)
    except DownloadFailed as error:
        return Unreadable(str(error))
    return Facts.by(seen.head, seen.size)


@cache
def _looker(seconds: float) -> Looker:
    made = Looker(seconds)
    atexit.register(lambda: asyncio.run_coroutine_threadsafe(made.aclose(), _loop()).result(_CLOSING_SECONDS))
    return made


@cache
def _loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    loop.set_default_executor(ThreadPoolExecutor(_MOST_NAMES, "names"))
    threading.Thread(target=loop.run_forever, name="inputs", daemon=True).start()
    return loop
