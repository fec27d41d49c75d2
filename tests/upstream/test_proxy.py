"""Calls and downloads through a proxy, whose password is in no text."""

import asyncio
import base64
import io
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import httpx
import pytest
from httpx_aiohttp import AiohttpTransport

from videos.local.processes import free_port
from videos.products import Product
from videos.upstream.base import Connection, OutcomeUnknown, Submitted, Unavailable
from videos.upstream.connections import connect
from videos.upstream.download import Downloader
from videos.upstream.download_errors import DownloadFailed
from videos.upstream.hosts import Hosts
from videos.upstream.transport import pooled, single_use

PASSWORD = "hunter-two"
ENCODED = base64.b64encode(f"bob:{PASSWORD}".encode()).decode()
TASK = b'{"Response": {"TaskId": "4-x", "Status": "RUN", "RequestId": "r"}}'
VIDEO = b"\x00\x00\x00\x18ftypmp42"
Work = Callable[[str], Awaitable[object]]


@asynccontextmanager
async def proxy(status: str, body: bytes = b"") -> AsyncIterator[tuple[str, list[bytes]]]:
    """A proxy that gives every request the same answer; yields its address and what it was asked."""
    heads: list[bytes] = []
    answer = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(answer)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with server:
        yield f"bob:{PASSWORD}@127.0.0.1:{server.sockets[0].getsockname()[1]}", heads


def through(status: str, body: bytes, work: Work) -> list[bytes]:
    """Do the work with the address of a proxy; returns what the proxy was asked."""

    async def run() -> list[bytes]:
        async with proxy(status, body) as (address, heads):
            await work(f"http://{address}")
        return heads

    return asyncio.run(run())


def calling(endpoint: str) -> Work:
    """A create and a query of an account at this endpoint."""

    async def work(proxy_url: str) -> None:
        connection = Connection(Product.VOD, endpoint, "AKIDx", "y", proxy_url=proxy_url)
        upstream = connect(connection, create_timeout=5, describe_timeout=5)
        assert PASSWORD not in f"{connection} {connection!r} {upstream!r}"
        try:
            assert await upstream.create({"Prompt": "a cat"}) == Submitted("4-x", "r")
            await upstream.describe("4-x")
        finally:
            await upstream.aclose()

    return work


def fetching(link: str) -> Work:
    async def work(proxy_url: str) -> None:
        async def alive() -> None: ...

        downloader = Downloader(proxy_url=proxy_url)
        try:
            fetched = await downloader.fetch(link, io.BytesIO(), alive, hosts=Hosts(any_public=True))
            assert fetched.size == len(VIDEO)
        finally:
            await downloader.aclose()

    return work


def asked(heads: list[bytes]) -> list[str]:
    """The first line of each request, which must name the proxy's user."""
    assert all(f"proxy-authorization: basic {ENCODED}".lower() in head.decode().lower() for head in heads)
    return [head.decode().splitlines()[0] for head in heads]


def test_both_kinds_of_connections_go_through_the_proxy() -> None:
    heads = through("200 OK", TASK, calling("http://vod.example"))
    assert asked(heads) == ["POST http://vod.example/ HTTP/1.1"] * 2


def test_a_download_goes_through_the_proxy() -> None:
    heads = through("200 OK", VIDEO, fetching("http://cdn.example/1.mp4"))
    assert asked(heads) == ["GET http://cdn.example/1.mp4 HTTP/1.1"]


def fails(work: Work, status: str, kind: type[Exception]) -> list[bytes]:
    """Like `through` for work that fails, in whose error the password must not be."""
    heads: list[bytes] = []

    async def failing(proxy_url: str) -> None:
        with pytest.raises(kind) as raised:
            await work(proxy_url)
        hides_the_password(raised.value)

    heads += through(status, b"", failing)
    return heads


def hides_the_password(error: BaseException) -> None:
    assert error.__context__ is error.__cause__ is None
    told = "".join(traceback.format_exception(error))
    for text in (told, repr(error), repr(vars(error))):
        assert PASSWORD not in text
        assert ENCODED not in text


@pytest.mark.parametrize("status", ["407 Proxy Authentication Required", "502 Bad Gateway"])
def test_without_a_tunnel_nothing_was_sent(status: str) -> None:
    heads = fails(calling("https://vod.example"), status, Unavailable)
    assert asked(heads) == ["CONNECT vod.example:443 HTTP/1.1"]


def test_an_answer_of_the_proxy_itself_leaves_the_outcome_unknown() -> None:
    fails(calling("http://vod.example"), "502 Bad Gateway", OutcomeUnknown)


def test_a_download_without_a_tunnel_fails() -> None:
    assert asked(fails(fetching("https://cdn.example/1.mp4"), "407 No", DownloadFailed))


def test_a_proxy_that_is_not_there_means_not_received() -> None:
    work = calling("https://vod.example")

    async def run() -> None:
        await work(f"http://bob:{PASSWORD}@127.0.0.1:{free_port(0)}")

    with pytest.raises(Unavailable) as raised:
        asyncio.run(run())
    hides_the_password(raised.value)


@pytest.mark.parametrize("make", [pooled, single_use])
@pytest.mark.parametrize(
    "url", ["socks5://{}@x.example:1", "ftp://{}@x.example", "x.example:1", "http://{}@", "http://{}@x:port"]
)
def test_only_addresses_of_http_proxies_are_taken(make: Callable[[str], object], url: str) -> None:
    with pytest.raises(ValueError, match="a proxy must be") as raised:
        make(url.format(f"bob:{PASSWORD}"))
    hides_the_password(raised.value)


@pytest.mark.parametrize("make", [pooled, single_use])
def test_a_proxy_may_itself_be_reached_by_https(make: Callable[[str], object]) -> None:
    assert make("https://bob:x@proxy.example:8443")
    assert make("")


@pytest.mark.parametrize("make", [pooled, single_use])
def test_a_transport_shows_no_password(make: Callable[[str], AiohttpTransport]) -> None:
    transport = make(f"http://bob:{PASSWORD}@proxy.example:3128")
    for text in (repr(transport), repr(transport.proxy), str(vars(transport))):
        assert PASSWORD not in text
        assert ENCODED not in text


def test_the_server_behind_a_tunnel_is_not_told_the_password() -> None:
    """Only requests that the proxy itself reads have it as a header."""
    sent: list[str] = []

    async def work() -> None:
        transport = single_use(f"http://bob:{PASSWORD}@127.0.0.1:{free_port(0)}")
        for address in ("https://vod.example", "http://vod.example"):
            request = httpx.Request("GET", address)
            with suppress(httpx.HTTPError):
                await transport.handle_async_request(request)
            sent.append(request.headers.get("proxy-authorization", ""))
        await transport.aclose()

    asyncio.run(work())
    assert sent == ["", f"Basic {ENCODED}"]
