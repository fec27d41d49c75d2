"""Fetches reference pictures, which the video shows, from this machine; no other host is contacted."""

import asyncio
import logging
import uuid
from pathlib import Path

import aiohttp
from yarl import URL

logger = logging.getLogger(__name__)

LOOPBACK = {"127.0.0.1", "localhost", "::1"}
TIMEOUT = 5  # seconds
LARGEST = 10 * 1024 * 1024  # bytes
MOST = 4


async def fetch_references(urls: list[str], folder: Path) -> tuple[str, ...]:
    """Fetch the pictures at loopback addresses into `folder`; return the paths of those that succeeded."""
    local = [url for url in urls if _is_local(url)][:MOST]
    if not local:
        return ()
    # Redirects are not followed: they could lead off this machine.
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT)) as session:
        paths = await asyncio.gather(*(_fetch(session, url, folder) for url in local))
    return tuple(str(path) for path in paths if path)


def discard(paths: tuple[str, ...]) -> None:
    """Delete fetched pictures."""
    for path in paths:
        Path(path).unlink(missing_ok=True)


def _is_local(url: str) -> bool:
    try:
        return URL(url).host in LOOPBACK
    except ValueError:
        return False


async def _fetch(session: aiohttp.ClientSession, url: str, folder: Path) -> Path | None:
    try:
        async with session.get(url, allow_redirects=False) as response:
            data = await _limited(response)
    except (aiohttp.ClientError, TimeoutError) as error:
        logger.info("reference picture not shown: %s", type(error).__name__)
        return None
    if data is None:
        return None
    path = folder / f"reference-{uuid.uuid4().hex}"
    await asyncio.to_thread(path.write_bytes, data)
    return path


async def _limited(response: aiohttp.ClientResponse) -> bytes | None:
    """Return a picture's bytes; None for an error status or for more than `LARGEST` bytes."""
    if response.status != 200:
        return None
    data = bytearray()
    async for chunk in response.content.iter_chunked(1 << 16):
        data += chunk
        if len(data) > LARGEST:
            return None
    return bytes(data)
