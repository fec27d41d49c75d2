"""Many clients that download slowly: `python -m tests.bench.slow_client URL KEY CLIENTS BYTES_PER_SECOND`.

Follows one redirect, and prints how many bytes each client got as soon as it is done.
"""

import asyncio
import re
import sys
import time
from urllib.parse import urlsplit

_SIP = 16 * 1024
"""Bytes read at a time."""
_LOCATION = re.compile(rb"(?im)^location: (\S+)\r$")


async def _download(url: str, key: str, rate: int) -> int:
    """Returns the bytes of the body."""
    head, reader, writer = await _asked(url, f"Authorization: Bearer {key}\r\n")
    if found := _LOCATION.search(head):
        writer.close()
        head, reader, writer = await _asked(found[1].decode(), "")
    began, count = time.monotonic(), 0
    while part := await reader.read(_SIP):
        count += len(part)
        await asyncio.sleep(max(0.0, began + count / rate - time.monotonic()))
    writer.close()
    return count


async def _asked(url: str, headers: str) -> tuple[bytes, asyncio.StreamReader, asyncio.StreamWriter]:
    """The head of the response, and what reads its body."""
    parts = urlsplit(url)
    # A small buffer, so that the server and not the kernel feels the pace.
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port, limit=_SIP)
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    request = f"GET {target} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n{headers}\r\n"
    writer.write(request.encode())
    return await reader.readuntil(b"\r\n\r\n"), reader, writer


async def _main(url: str, key: str, clients: int, rate: int) -> None:
    for done in asyncio.as_completed([_download(url, key, rate) for _ in range(clients)]):
        sys.stdout.write(f"{await done}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
