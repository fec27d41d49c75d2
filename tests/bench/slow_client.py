"""Many clients that download slowly: `python -m tests.bench.slow_client URL KEY CLIENTS BYTES_PER_SECOND`."""

import asyncio
import sys
from urllib.parse import urlsplit

_SIP = 16 * 1024
"""Bytes read at a time."""


async def _download(url: str, key: str, rate: int) -> None:
    parts = urlsplit(url)
    # A small buffer, so that the server and not the kernel feels the pace.
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port, limit=_SIP)
    request = f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nAuthorization: Bearer {key}\r\n\r\n"
    writer.write(request.encode())
    while await reader.read(_SIP):  # noqa: ASYNC110 - it keeps a pace and waits for nothing
        await asyncio.sleep(_SIP / rate)


async def _main(url: str, key: str, clients: int, rate: int) -> None:
    await asyncio.gather(*(_download(url, key, rate) for _ in range(clients)))


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
