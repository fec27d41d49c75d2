"""Downloads results."""

from collections.abc import Awaitable, Callable
from typing import IO

import aiohttp
import httpx

from videos.upstream.transport import pooled

CHUNK = 256 * 1024
MAX_BYTES = 4 * 1024**3
"""Far more than any model's video."""
_TIMEOUT = httpx.Timeout(30.0)
"""Seconds, per read and not in total: a large video may take long over a slow line."""
_UNCOMPRESSED = {"accept-encoding": "identity"}
_MP4_MARK = b"ftyp"
"""Bytes 4 to 8 of every MP4."""


class DownloadFailed(Exception):
    """The link did not return a complete MP4. The message does not contain the link."""


class Downloader:
    """Downloads results over pooled connections, directly or through a proxy; tests pass a `transport`."""

    def __init__(self, transport: httpx.AsyncBaseTransport | None = None, *, proxy_url: str = "") -> None:
        """Raises `ValueError` for an invalid proxy."""
        self._uses_proxy = bool(proxy_url)
        self._http = httpx.AsyncClient(transport=transport or pooled(proxy_url), timeout=_TIMEOUT)

    async def fetch(self, link: str, file: IO[bytes], alive: Callable[[], Awaitable[None]]) -> int:
        """Write the result to `file` and return its size in bytes; `alive` is called after each chunk.

        Raises `DownloadFailed`.
        """
        try:
            content_length = await self._write(link, file, alive)
        except (httpx.HTTPError, httpx.InvalidURL, aiohttp.ClientError, OSError) as error:
            failure, cause = (
                DownloadFailed(f"the link broke ({type(error.__cause__ or error).__name__})"),
                error,
            )
        else:
            return _checked_size(file, content_length)
        # Outside the handler, as aiohttp's errors hold the proxy's password.
        raise failure from (None if self._uses_proxy else cause)

    async def _write(self, link: str, file: IO[bytes], alive: Callable[[], Awaitable[None]]) -> str | None:
        """Write the result to `file` and return the stated length."""
        async with self._http.stream("GET", link, headers=_UNCOMPRESSED) as response:
            if response.status_code != httpx.codes.OK:
                raise DownloadFailed(f"the link answered {response.status_code}")
            async for chunk in response.aiter_bytes(CHUNK):
                file.write(chunk)
                if file.tell() > MAX_BYTES:
                    raise DownloadFailed(f"it is larger than {MAX_BYTES} bytes")
                await alive()
            length: str | None = response.headers.get("content-length")
        return length

    async def aclose(self) -> None:
        await self._http.aclose()


def _checked_size(file: IO[bytes], content_length: str | None) -> int:
    size = file.tell()
    if content_length is not None and int(content_length) != size:
        raise DownloadFailed(f"{size} bytes of {content_length}")
    file.seek(0)
    if file.read(8)[4:] != _MP4_MARK:
        raise DownloadFailed("it is not an MP4")
    file.seek(0)
    return size
