"""Asks for what a link leads to: redirects are followed, each URL is checked anew, all within a deadline."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import TypeVar, cast
from urllib.parse import urljoin

import aiohttp
import httpx
from aiohttp.http import HttpProcessingError

from videos.upstream.decoding import Decoder, UnknownEncoding, decoder_of
from videos.upstream.download_errors import BadAddress, DownloadFailed, LinkBroken, LinkRefused, TooSlow
from videos.upstream.guard import MakeResolver, public_only
from videos.upstream.hosts import Hosts
from videos.upstream.pace import Clock
from videos.upstream.transport import pooled

MOST_REDIRECTS = 5
_HEADERS = {"accept": "*/*", "accept-encoding": "identity", "user-agent": "Reelay"}
_REDIRECTS = (301, 302, 303, 307, 308)
_REFUSALS = (401, 403, 404, 410)
_NETWORK_ERRORS = (
    *(httpx.HTTPError, httpx.InvalidURL, aiohttp.ClientError, HttpProcessingError),
    *(OSError, ValueError),
)

Choose = Callable[[str], httpx.AsyncBaseTransport]
"""The transport for a URL. Raises `BadAddress` if there is none."""
T = TypeVar("T")


@dataclass(frozen=True)
class Limits:
    """What a download may take."""

    seconds: float = 3600.0
    """For the whole, with all redirects and further attempts."""
    least_rate: float = 10 * 1024
    """Bytes a second that must come over `window`."""
    window: float = 30.0
    """Seconds; also how long a server may be silent."""
    most_bytes: int = 4 * 1024**3
    """After decoding."""


class Connections:
    """Connections to hosts that may be contacted.

    Those to trusted hosts are kept apart, as a connection to a private address must serve no other host. A
    proxy resolves names itself: there only URLs are checked, and its own rules must guard its network.
    """

    def __init__(
        self,
        transport: httpx.AsyncBaseTransport | None = None,
        *,
        proxy_url: str = "",
        resolver: MakeResolver = public_only,
    ) -> None:
        """`resolver` makes that of hosts that are not trusted. Raises `ValueError` for an invalid proxy."""
        self._trusted = transport or pooled(proxy_url)
        self._guarded = self._trusted if transport or proxy_url else pooled(resolver=resolver)

    def to(self, hosts: Hosts) -> Choose:
        """Chooses the transport for a URL. Raises `BadAddress` unless its host may be contacted."""
        return lambda url: self._trusted if hosts.trusts(url) else self._guarded

    async def aclose(self) -> None:
        await self._trusted.aclose()
        if self._guarded is not self._trusted:
            await self._guarded.aclose()


class Source:
    """What a link leads to. Its deadline begins with it."""

    def __init__(self, link: str, choose: Choose, limits: Limits, clock: Clock) -> None:
        self._link, self._choose = link, choose
        self._limits, self._clock = limits, clock
        self._deadline = clock() + limits.seconds

    async def ask(self, headers: Mapping[str, str]) -> httpx.Response:
        """The response at the end of all redirects. Raises `BadAddress`, `TooSlow` and `LinkBroken`."""
        url = self._link
        for _ in range(1 + MOST_REDIRECTS):
            response = await self._send(url, headers)
            if response.status_code not in _REDIRECTS:
                return response
            await response.aclose()
            url = _target(url, response.headers)
        raise LinkBroken(f"it redirects more than {MOST_REDIRECTS} times")

    async def in_time(self, work: Callable[[], Awaitable[T]]) -> T:
        """The result of work on the network. Raises `TooSlow` and `LinkBroken`."""
        left = self._deadline - self._clock()
        wait = min(left, self._limits.window)
        late = (
            f"it took longer than {self._limits.seconds:g} s" if left <= wait else f"nothing for {wait:g} s"
        )
        if left <= 0:
            raise TooSlow(late)
        try:
            async with asyncio.timeout(wait) as timer:
                return await work()
        except _NETWORK_ERRORS as error:
            if timer.expired():
                raise TooSlow(late) from error
            raise LinkBroken(f"the link broke ({type(error.__cause__ or error).__name__})") from error

    async def _send(self, url: str, headers: Mapping[str, str]) -> httpx.Response:
        # Without a client: that would keep cookies, which the next host must not see.
        transport = self._choose(url)
        request = httpx.Request("GET", url, headers={**_HEADERS, **headers})
        return await self.in_time(lambda: transport.handle_async_request(request))


def failure_of(status: int) -> DownloadFailed:
    """What a status means that brings no file."""
    return LinkRefused(status) if status in _REFUSALS else LinkBroken(f"the link answered {status}")


def is_encoded(headers: Mapping[str, str]) -> bool:
    """Whether the body is compressed: its length and ranges are not those of the file then."""
    return _encoding(headers) not in ("", "identity")


def decoder_for(headers: Mapping[str, str]) -> Decoder:
    """The decoder of a body. Raises `LinkBroken`."""
    try:
        return decoder_of(_encoding(headers))
    except UnknownEncoding:
        raise LinkBroken("its encoding is not known") from None


def pieces_of(response: httpx.Response) -> "aclosing[AsyncGenerator[bytes]]":
    """The body as it comes. Not by the response's own methods: those decode, with no bound."""
    return aclosing(cast("AsyncGenerator[bytes]", aiter(response.stream)))  # type: ignore[arg-type]


def _encoding(headers: Mapping[str, str]) -> str:
    return headers.get("content-encoding", "").strip().lower()


def _target(url: str, headers: Mapping[str, str]) -> str:
    """Where a redirect leads."""
    try:
        return urljoin(url, headers.get("location", ""))
    except ValueError:
        raise BadAddress("", "it redirects to what is no URL") from None
