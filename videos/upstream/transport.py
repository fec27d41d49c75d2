"""How requests travel: over aiohttp, which takes a twentieth of the CPU of httpx's own transport."""

import ssl
from functools import lru_cache

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

_MAX_CONNECTIONS = 200
_LIMITS = httpx.Limits(max_connections=_MAX_CONNECTIONS, keepalive_expiry=30)


def pooled() -> AiohttpTransport:
    """Keeps connections alive and uses them again."""
    return AiohttpTransport(verify=_trusted(), limits=_LIMITS)


def single_use() -> AiohttpTransport:
    """Gives each request a connection of its own.

    On one kept alive, a request can fail just because the other side had closed it, and nobody could tell
    that from an answer lost.
    """
    return AiohttpTransport(verify=_trusted(), client=_unpooled_session)


def _unpooled_session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=_MAX_CONNECTIONS, force_close=True, ssl=_trusted())
    )


@lru_cache(maxsize=1)
def _trusted() -> ssl.SSLContext:
    # Reading the certificates takes tens of milliseconds, too long for an event loop to do often.
    return httpx.create_ssl_context()
