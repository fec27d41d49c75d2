"""HTTP transports on aiohttp, which takes a twentieth of the CPU of httpx's own transport."""

import ssl
from functools import lru_cache

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

_MAX_CONNECTIONS = 200
_LIMITS = httpx.Limits(max_connections=_MAX_CONNECTIONS, keepalive_expiry=30)


def pooled() -> AiohttpTransport:
    """A transport that keeps connections alive and reuses them."""
    return AiohttpTransport(verify=_ssl_context(), limits=_LIMITS)


def single_use() -> AiohttpTransport:
    """A transport with a new connection for each request.

    On a kept-alive connection a request can fail just because the server had closed it, which cannot be told
    apart from a lost response.
    """
    return AiohttpTransport(verify=_ssl_context(), client=_unpooled_session)


def _unpooled_session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=_MAX_CONNECTIONS, force_close=True, ssl=_ssl_context())
    )


@lru_cache(maxsize=1)
def _ssl_context() -> ssl.SSLContext:
    # Cached, as loading the certificates blocks the event loop for tens of milliseconds.
    return httpx.create_ssl_context()
