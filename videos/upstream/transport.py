"""HTTP transports on aiohttp, which takes a twentieth of the CPU of httpx's own transport.

They take a proxy by its http:// or https:// address, with an optional `user:password@`. Calls of https://
addresses go through a tunnel (CONNECT), so that the proxy sees only host and port; inside a proxy that itself
is reached by https:// that is TLS in TLS, which asyncio has from Python 3.11 on. SOCKS is not supported.
"""

import ssl
from base64 import b64encode
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import aiohttp
import httpx
from aiohttp.abc import AbstractResolver
from httpx_aiohttp import AiohttpTransport
from httpx_aiohttp.transport import AiohttpResponseStream

_MAX_CONNECTIONS = 200
_KEPT_ALIVE = 30.0
"""Seconds that an idle connection is kept."""
_MOST_READ = 256 * 1024
"""Bytes of a body that are taken at once; aiohttp buffers half of that."""
_AUTHORIZATION = "proxy-authorization"


Transport = httpx.AsyncBaseTransport


def pooled(
    proxy_url: str = "", *, resolver: Callable[[], AbstractResolver] | None = None
) -> AiohttpTransport:
    """A transport that keeps connections alive and reuses them. Raises `ValueError` for an invalid proxy.

    `resolver` makes what resolves names instead of the system, once the event loop runs.
    """
    return _transport(proxy_url, resolver, keepalive_timeout=_KEPT_ALIVE)


def single_use(proxy_url: str = "") -> AiohttpTransport:
    """A transport with a new connection for each request. Raises `ValueError` for an invalid proxy.

    On a kept-alive connection a request can fail just because the server had closed it, which cannot be told
    apart from a lost response.
    """
    return _transport(proxy_url, None, force_close=True)


class _Proxy(httpx.Proxy):
    """A proxy whose credentials are in a header: aiohttp's parameter for them is deprecated."""

    def __repr__(self) -> str:
        return f"Proxy({str(self.url)!r})"


class _Transport(AiohttpTransport):
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        # aiohttp sends the headers of the proxy only to open a tunnel. Other requests the proxy reads itself.
        if self.proxy and _AUTHORIZATION in self.proxy.headers and request.url.scheme == "http":
            request.headers[_AUTHORIZATION] = self.proxy.headers[_AUTHORIZATION]
        response = await super().handle_async_request(request)
        if isinstance(response.stream, AiohttpResponseStream):
            # All that has arrived at once, instead of 16 KiB: each piece costs as much as its bytes.
            response.stream.CHUNK_SIZE = _MOST_READ
        return response


def _transport(
    proxy_url: str, resolver: Callable[[], AbstractResolver] | None, **connections: Any
) -> AiohttpTransport:
    def session() -> aiohttp.ClientSession:  # made on first use, in the event loop
        connector = aiohttp.TCPConnector(
            limit=_MAX_CONNECTIONS,
            ssl=_ssl_context(),
            resolver=resolver() if resolver else None,
            **connections,
        )
        # Upstream's cookies mean nothing to us.
        return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())

    return _Transport(verify=_ssl_context(), client=session, proxy=_proxy(proxy_url))


def _proxy(url: str) -> _Proxy | None:
    parsed = _parsed(url)
    if url and (parsed is None or parsed.scheme not in ("http", "https") or not parsed.host):
        # The address is left out, as it may hold a password.
        raise ValueError("a proxy must be an http:// or https:// address")
    return _Proxy(parsed.copy_with(userinfo=b""), headers=_credentials(parsed)) if url and parsed else None


def _parsed(url: str) -> httpx.URL | None:
    try:
        return httpx.URL(url)
    except httpx.InvalidURL:
        return None


def _credentials(url: httpx.URL) -> dict[str, str]:
    if not url.userinfo:
        return {}
    encoded = b64encode(f"{url.username}:{url.password}".encode()).decode()
    return {_AUTHORIZATION: f"Basic {encoded}"}


@lru_cache(maxsize=1)
def _ssl_context() -> ssl.SSLContext:
    # Cached, as loading the certificates blocks the event loop for tens of milliseconds.
    return httpx.create_ssl_context()
