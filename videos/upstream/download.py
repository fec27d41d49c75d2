"""Downloads results: only from hosts that may be contacted, within limits, and on from where a link broke."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import IO

import httpx

from videos.upstream.decoding import DamagedEncoding, Decoder, decoder_of
from videos.upstream.download_errors import DownloadFailed, LinkBroken, without_cause
from videos.upstream.guard import MakeResolver, public_only
from videos.upstream.hosts import Hosts
from videos.upstream.pace import Clock, Pace
from videos.upstream.received import Fetched, Received
from videos.upstream.resuming import Described
from videos.upstream.source import Connections, Limits, Source, decoder_for, failure_of, is_encoded, pieces_of

CHUNK = 256 * 1024
"""Bytes after which a download shows that it is alive, and lets other work go on."""
MOST_RESUMES = 5
_BEAT = 1.0
"""Seconds after which a slow download shows that it is alive."""
_OK, _PARTIAL = 200, 206

Alive = Callable[[], Awaitable[None]]


class Downloader:
    """Downloads over pooled connections, directly or through a proxy; tests pass a `transport`."""

    def __init__(
        self,
        transport: httpx.AsyncBaseTransport | None = None,
        *,
        proxy_url: str = "",
        limits: Limits | None = None,
        clock: Clock = time.monotonic,
        resolver: MakeResolver = public_only,
    ) -> None:
        """`resolver` makes that of hosts that are not trusted. Raises `ValueError` for an invalid proxy."""
        self._limits, self._clock = limits or Limits(), clock
        self._connections = Connections(transport, proxy_url=proxy_url, resolver=resolver)

    async def fetch(self, link: str, file: IO[bytes], alive: Alive, *, hosts: Hosts) -> Fetched:
        """Write the result to `file`, which is empty, and rewind it.

        `alive` is called every `CHUNK` bytes or second, unless nothing comes. Raises `DownloadFailed`.
        """
        received = Received(file, self._limits.most_bytes)
        source = Source(link, self._connections.to(hosts), self._limits, self._clock)
        try:
            return await _Download(source, received, alive, self._limits, self._clock).run()
        except DownloadFailed as error:
            failure = error
        raise without_cause(failure)

    async def aclose(self) -> None:
        await self._connections.aclose()


class _Interrupted(LinkBroken):
    """The body ended too early; what came of it is good."""


@dataclass(frozen=True)
class _Body:
    """How to read a body."""

    decoder: Decoder
    length: int | None
    """Bytes as sent; None if that is not known."""


class _Download:
    """One download, of one or more attempts."""

    def __init__(
        self, source: Source, received: Received, alive: Alive, limits: Limits, clock: Clock
    ) -> None:
        self._source, self._received, self._alive = source, received, alive
        self._limits, self._clock = limits, clock
        self._file = Described()
        self._begun_at = 0
        """Bytes there were when the current attempt began to receive."""
        self._beat, self._beaten = clock(), 0
        """When it was last shown that this is alive, and bytes since then."""

    async def run(self) -> Fetched:
        for _ in range(MOST_RESUMES):
            try:
                return await self._attempt()
            except _Interrupted:
                # An attempt that brought nothing would be repeated at once, and in vain.
                if not self._file.validator or self._received.size == self._begun_at:
                    raise
        return await self._attempt()

    async def _attempt(self) -> Fetched:
        so_far = self._received.size
        response = await self._source.ask(self._file.ask(so_far) if so_far else {})
        try:
            await self._read(response, self._accepted(response))
        finally:
            await response.aclose()
        return self._received.finish()

    def _accepted(self, response: httpx.Response) -> _Body:
        """How to read the response. Raises `LinkRefused`, `LinkBroken` and `TooLarge`."""
        status = response.status_code
        if status == _PARTIAL and self._received.size:
            length = self._file.check_rest(response.headers, self._received.size)
            body = _Body(decoder_of(""), length)
        elif status == _OK:
            body = self._begun(response.headers)
        else:
            raise failure_of(status)
        self._begun_at = self._received.size
        return body

    def _begun(self, headers: Mapping[str, str]) -> _Body:
        """From the first byte on, even if the rest was asked for: then the file is another now."""
        if self._received.size:
            self._received.start_over()
        decoder = decoder_for(headers)
        self._file = Described() if is_encoded(headers) else Described.by(headers)
        self._received.check_size(self._file.total or 0)
        return _Body(decoder, self._file.total)

    async def _read(self, response: httpx.Response, body: _Body) -> None:
        pace = Pace(self._limits.least_rate, self._limits.window, self._clock)
        count = 0
        async with pieces_of(response) as pieces:
            while (piece := await self._next(pieces)) is not None:
                count += len(piece)
                self._received.check_size(count)  # an encoding may hold nothing, without end
                pace.received(len(piece))
                await self._take(piece, body.decoder)
        _check_end(count, body)

    async def _next(self, pieces: AsyncIterator[bytes]) -> bytes | None:
        try:
            return await self._source.in_time(lambda: anext(pieces, None))
        except LinkBroken as error:
            raise _Interrupted(str(error)) from error

    async def _take(self, piece: bytes, decoder: Decoder) -> None:
        try:
            for part in decoder.decode(piece):
                self._received.write(part)
                await self._show_alive(len(part))
        except DamagedEncoding:
            raise LinkBroken("its encoding is damaged") from None

    async def _show_alive(self, size: int) -> None:
        self._beaten += size
        if self._beaten < CHUNK and self._clock() - self._beat < _BEAT:
            return
        self._beat, self._beaten = self._clock(), 0
        await self._alive()
        # A fast source, or one that decodes to much, must not keep this process from all else.
        await asyncio.sleep(0)


def _check_end(count: int, body: _Body) -> None:
    try:
        body.decoder.finish()
    except DamagedEncoding:
        raise LinkBroken("its encoding ends too early") from None
    if body.length is not None and count != body.length:
        raise _Interrupted(f"{count} bytes of {body.length}")
