"""Looks at the beginning of a file at a URL, and at its size."""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from videos.upstream.decoding import DamagedEncoding
from videos.upstream.download_errors import DownloadFailed, LinkBroken, without_cause
from videos.upstream.guard import MakeResolver, public_only
from videos.upstream.hosts import Hosts
from videos.upstream.resuming import Described
from videos.upstream.source import Connections, Limits, Source, decoder_for, failure_of, is_encoded, pieces_of

HEAD_BYTES = 64 * 1024
"""Bytes of the beginning that are kept; the size of a picture stands there."""
_OK, _PARTIAL, _BEYOND_END = 200, 206, 416
_TOTAL = re.compile(r"bytes (?:[0-9]{1,18}-[0-9]{1,18}|\*)/([0-9]{1,18})")


@dataclass(frozen=True)
class Seen:
    """The beginning of a file, at most `HEAD_BYTES`, and its size in bytes.

    The size is None if it is not known, and that of a part if the file is too large to be counted.
    """

    head: bytes
    size: int | None


class Looker:
    """Looks at files of hosts that may be contacted, within a time that includes redirects."""

    def __init__(self, seconds: float, *, resolver: MakeResolver = public_only) -> None:
        self._limits = Limits(seconds=seconds, window=seconds)
        self._connections = Connections(resolver=resolver)

    async def look(self, link: str, hosts: Hosts, most: int) -> Seen:
        """The beginning and the size; if the server does not tell that, it counts up to beyond `most` bytes.

        With 0 it is not counted. Raises `DownloadFailed`.
        """
        source = Source(link, self._connections.to(hosts), self._limits, time.monotonic)
        try:
            response = await source.ask({"range": f"bytes=0-{HEAD_BYTES - 1}"})
            try:
                return await source.in_time(lambda: _seen(response, most))
            finally:
                await response.aclose()
        except DownloadFailed as error:
            failure = error
        raise without_cause(failure)

    async def aclose(self) -> None:
        await self._connections.aclose()


async def _seen(response: httpx.Response, most: int) -> Seen:
    if response.status_code not in (_OK, _PARTIAL, _BEYOND_END):
        raise failure_of(response.status_code)
    if response.status_code == _BEYOND_END:  # of an empty file there is no first byte
        return Seen(b"", 0)
    total = _total(response)
    counted = 0 if total is not None else most
    read = await _read(response, max(HEAD_BYTES, counted))
    is_counted = read.is_whole or counted
    return Seen(read.head, total if total is not None else read.count if is_counted else None)


def _total(response: httpx.Response) -> int | None:
    """The size of the file, if it is sent as it is."""
    headers: Mapping[str, str] = response.headers
    if is_encoded(headers):
        return None
    if response.status_code == _PARTIAL:
        found = _TOTAL.fullmatch(headers.get("content-range", "").strip())
        return int(found[1]) if found else None
    return Described.by(headers).total


@dataclass(frozen=True)
class _Read:
    """The beginning of what was read, its bytes after decoding, and whether they are all."""

    head: bytes
    count: int
    is_whole: bool


async def _read(response: httpx.Response, enough: int) -> _Read:
    """Read until there are more bytes than `enough`, or to the end."""
    head, count = bytearray(), 0
    decoder = decoder_for(response.headers)
    try:
        async with pieces_of(response) as pieces:
            async for piece in pieces:
                for part in decoder.decode(piece):
                    head += part[: HEAD_BYTES - len(head)]
                    count += len(part)
                    if count > enough:
                        return _Read(bytes(head), count, is_whole=False)
        if response.status_code != _PARTIAL:  # of a part, the encoding has no end
            decoder.finish()
    except DamagedEncoding:
        raise LinkBroken("its encoding is damaged") from None
    return _Read(bytes(head), count, is_whole=True)
