"""This process's open connections to upstream accounts and to results."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from contextvars import ContextVar
from typing import Protocol, TypeVar
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from django.conf import settings

from accounts import buckets
from accounts.encryption import UndecryptableError
from videos.models import Task, UpstreamAccount
from videos.products import Product
from videos.upstream.base import Connection, NotSent, Upstream
from videos.upstream.connections import connect
from videos.upstream.download import Downloader
from videos.upstream.hosts import Hosts
from videos.upstream.source import Limits
from videos.upstream.transport import Transport


class Closeable(Protocol):
    """Holds connections."""

    async def aclose(self) -> None:
        """Close them."""


C = TypeVar("C", bound=Closeable)
T = TypeVar("T")
Kept = dict[Hashable, tuple[Closeable, AsyncIterator[Closeable]]]

transport: ContextVar[Transport | None] = ContextVar("transport", default=None)
"""Of new clients and downloaders; None is the network. Tests set another."""
_kept: "WeakKeyDictionary[asyncio.AbstractEventLoop, Kept]" = WeakKeyDictionary()


async def client_for(account: UpstreamAccount) -> Upstream:
    """The client for the account; a changed connection gets a new client."""
    connection = connection_of(account)
    return await _once_per_loop(connection, lambda: new_client(connection))


def new_client(connection: Connection) -> Upstream:
    """A client of its own, to be closed with `aclose`. Raises `NotSent` for an invalid proxy."""
    try:
        return connect(
            connection,
            create_timeout=settings.UPSTREAM_CREATE_TIMEOUT,
            describe_timeout=settings.UPSTREAM_DESCRIBE_TIMEOUT,
            transport=transport.get(),
        )
    except ValueError as error:
        raise NotSent(str(error), code="InvalidProxy") from None


def call_once(account_id: int, call: Callable[[Upstream], Awaitable[T]]) -> T:
    """Make one call with a client of its own, where no event loop runs. Raises `UpstreamError`."""
    connection = connection_of(with_secrets(account_id))

    async def called() -> T:
        client = new_client(connection)
        try:
            return await call(client)
        finally:
            await client.aclose()

    return asyncio.run(called())


def with_secrets(account_id: int) -> UpstreamAccount:
    """The account with its state. Raises `NotSent` if a secret of it cannot be decrypted."""
    try:
        return UpstreamAccount.objects.select_related("state").get(pk=account_id)
    except UndecryptableError as error:
        raise NotSent(str(error), code="UndecryptableSecret") from None


def connection_of(account: UpstreamAccount) -> Connection:
    """How to reach the account."""
    return Connection(
        product=Product(account.product),
        endpoint=account.endpoint,
        secret_id=account.secret_id,
        secret_key=account.secret_key,
        region=account.region,
        sub_app_id=account.sub_app_id,
        proxy_url=account.proxy_url or "",
    )


async def downloader(proxy_url: str = "") -> Downloader:
    """The downloader of results, through the proxy of their account if it has one."""
    limits = Limits(
        seconds=settings.RESULT_FETCH_SECONDS,
        least_rate=settings.RESULT_LEAST_RATE,
        most_bytes=settings.RESULT_MAX_BYTES,
    )
    return await _once_per_loop(
        (Downloader, proxy_url, limits),
        lambda: Downloader(transport.get(), proxy_url=proxy_url, limits=limits),
    )


def result_hosts(task: Task) -> Hosts:
    """Where the task's result may be: `RESULT_HOSTS`, its account's own host on any port, and its bucket.

    The last two are trusted, as staff and the tenant named them: within the provider's network, its hosts
    have private addresses.
    """
    patterns = [*settings.RESULT_HOSTS]
    if task.account and (host := urlsplit(task.account.endpoint).hostname):
        patterns.append(f"[{host}]" if ":" in host else host)
    if to := task.destination:
        patterns.append(buckets.host(to.bucket, to.region))
    return Hosts.of(patterns)


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
