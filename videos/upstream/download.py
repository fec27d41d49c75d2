"""Fetching a result by its link."""

from collections.abc import Awaitable, Callable
from typing import IO

import aiohttp
import httpx

from videos.upstream.transport import pooled

CHUNK = 256 * 1024
MAX_BYTES = 4 * 1024**3
"""No video that a model makes comes near it."""
_TIMEOUT = httpx.Timeout(30.0)
"""Seconds, for each read and not for the whole: a large video over a slow line is no failure."""
_AS_IT_IS = {"accept-encoding": "identity"}
_MP4_MARK = b"ftyp"
"""Bytes 4 to 8 of every MP4."""


class DownloadFailed(Exception):
    """The link did not answer, or not with a whole MP4. The message holds no link."""


class Downloader:
    """Fetches results, over connections it keeps."""

    def __init__(self, transport: httpx.AsyncBaseTransport | None = None) -> None:
        """`transport` is handed in by tests."""
        self._http = httpx.AsyncClient(transport=transport or pooled(), timeout=_TIMEOUT)

    async def fetch(self, link: str, file: IO[bytes], alive: Callable[[], Awaitable[None]]) -> int:
        """Write the result to `file` and return its size in bytes; `alive` is called after each chunk.

        Raises `DownloadFailed`.
        """
        try:
            async with self._http.stream("GET", link, headers=_AS_IT_IS) as answer:
                if answer.status_code != httpx.codes.OK:
                    raise DownloadFailed(f"the link answered {answer.status_code}")
                async for chunk in answer.aiter_bytes(CHUNK):
                    file.write(chunk)
                    if file.tell() > MAX_BYTES:
                        raise DownloadFailed(f"it is larger than {MAX_BYTES} bytes")
                    await alive()
        except (httpx.HTTPError, httpx.InvalidURL, aiohttp.ClientError, OSError) as error:
            raise DownloadFailed(f"the link broke ({type(error.__cause__ or error).__name__})") from error
        return _checked_size(file, answer.headers.get("content-length"))

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()


def _checked_size(file: IO[bytes], promised: str | None) -> int:
    size = file.tell()
    if promised is not None and int(promised) != size:
        raise DownloadFailed(f"{size} bytes of {promised}")
    file.seek(0)
    if file.read(8)[4:] != _MP4_MARK:
        raise DownloadFailed("it is not an MP4")
    file.seek(0)
    return size
