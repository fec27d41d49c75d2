"""This process's open connections to upstream accounts and to results."""

import asyncio
from collections.abc import AsyncIterator, Callable, Hashable
from typing import Protocol, TypeVar
from weakref import WeakKeyDictionary

from django.conf import settings

from videos.models import UpstreamAccount
from videos.upstream.base import Upstream
from videos.upstream.connections import connect
from videos.upstream.download import Downloader


class Closeable(Protocol):
    """Holds connections."""

    async def aclose(self) -> None:
        """Close them."""


C = TypeVar("C", bound=Closeable)
Kept = dict[Hashable, tuple[Closeable, AsyncIterator[Closeable]]]

_kept: "WeakKeyDictionary[asyncio.AbstractEventLoop, Kept]" = WeakKeyDictionary()


async def client_for(account: UpstreamAccount) -> Upstream:
    """The client for the account; changed credentials get a new client."""
    identity = (account.endpoint, account.secret_id, account.secret_key)
    return await _once_per_loop(
        identity,
        lambda: connect(
            *identity,
            create_timeout=settings.UPSTREAM_CREATE_TIMEOUT,
            describe_timeout=settings.UPSTREAM_DESCRIBE_TIMEOUT,
        ),
    )


async def downloader() -> Downloader:
    """The downloader of results."""
    return await _once_per_loop(Downloader, Downloader)


async def _once_per_loop(identity: Hashable, make: Callable[[], C]) -> C:
    kept = _kept.setdefault(asyncio.get_running_loop(), {})
    if identity not in kept:
        holder = _held(make())
        kept[identity] = (await anext(holder), holder)
    return kept[identity][0]  # type: ignore[return-value]  # made by `make` for this identity


async def _held(client: C) -> AsyncIterator[C]:
    """Hold a client until the event loop ends, which closes its async generators and so the client."""
    try:
        yield client
    finally:
        await client.aclose()
