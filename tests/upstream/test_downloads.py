"""Downloads from servers that redirect, break, drip, encode and lie."""

import asyncio
import errno
import gzip
import hashlib
import io
import itertools
import os
import re
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import IO, Any

import pytest

from tests.support.rows import each
from tests.upstream.test_guard import Names
from videos.upstream import download_errors as errors
from videos.upstream.decoding import MOST_AT_ONCE, DamagedEncoding, decoder_of
from videos.upstream.download import CHUNK, Downloader
from videos.upstream.guard import PublicOnly
from videos.upstream.hosts import Hosts
from videos.upstream.received import Fetched
from videos.upstream.source import Limits

VIDEO = b"\0\0\0\x18ftypmp42" + bytes(range(256)) * 8
"""Enough to be sent in parts."""
SECRET = "sign-of-the-link"
RANGES: dict[str, Any] = {"Accept-Ranges": "bytes", "ETag": '"one"'}

Write = Callable[[asyncio.StreamWriter], Awaitable[None]]
Answer = bytes | Write


def answer(body: bytes = VIDEO, status: str = "200 OK", *, length: int | None = -1, **fields: str) -> bytes:
    """A response; with another `length` than the body's, or none, the connection ends with the body."""
    fields = {name.replace("_", "-"): value for name, value in fields.items()}
    if length is not None:
        fields["Content-Length"] = str(len(body) if length == -1 else length)
    if length != -1:
        fields["Connection"] = "close"
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + body


def to(url: str, status: str = "302 Found") -> bytes:
    return answer(b"", status, Location=url, Set_Cookie="a=b")


def part(start: int, *, stated: str = "", **fields: Any) -> bytes:
    """The rest of the file from a byte on, or what is `stated` to be that."""
    content_range = stated or f"bytes {start}-{len(VIDEO) - 1}/{len(VIDEO)}"
    return answer(VIDEO[start:], "206 Partial Content", Content_Range=content_range, **fields)


@dataclass
class Server:
    """Gives each request the next of its answers, and the last one to all further."""

    answers: list[Answer]
    heads: list[str] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/1.mp4?sign={SECRET}"

    def asked(self, name: str) -> list[str]:
        """The values of a header in all requests; empty where it is missing."""
        found = [re.search(rf"(?im)^{name}: (.*)\r$", head) for head in self.heads]
        return [match[1] if match else "" for match in found]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await self._head(reader):
                self.heads.append(head)
                given = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
                await (given(writer) if callable(given) else _written(writer, given))
                if b"close" in (given if isinstance(given, bytes) else b"close"):
                    break
        except ConnectionError:
            pass
        finally:
            writer.close()

    async def _head(self, reader: asyncio.StreamReader) -> str:
        try:
            return (await reader.readuntil(b"\r\n\r\n")).decode()
        except asyncio.IncompleteReadError:
            return ""


async def _written(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(data)
    await writer.drain()


def fetched(
    *servers: Server,
    link: str = "",
    hosts: Hosts | None = None,
    file: IO[bytes] | None = None,
    limits: Limits | None = None,
    beats: list[int] | None = None,
    **downloader: object,
) -> Fetched:
    """Fetch from the first of the servers, all of which are trusted unless there are other `hosts`.

    A link and answers that are texts may name the servers' ports, as {0}, {1}.
    """
    target = io.BytesIO() if file is None else file

    async def run() -> Fetched:
        async def alive() -> None:
            if beats is not None:
                beats.append(target.tell())

        listening = [await _started(server) for server in servers]
        trusted = Hosts(tuple(f"127.0.0.1:{server.port}" for server in servers))
        client = Downloader(limits=limits, **downloader)  # type: ignore[arg-type]
        try:
            url = link.format(*(server.port for server in servers)) or servers[0].url
            return await client.fetch(url, target, alive, hosts=hosts or trusted)
        finally:
            await client.aclose()
            for each_one in listening:
                each_one.close()

    return asyncio.run(run())


async def _started(server: Server) -> asyncio.Server:
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    return listening


def fails(
    kind: type[errors.DownloadFailed], *servers: Server, match: str | None = None, **changes: object
) -> str:
    """The message of the failure, which does not show the link anywhere."""
    with pytest.raises(kind, match=match) as raised:
        fetched(*servers, **changes)  # type: ignore[arg-type]
    error = raised.value
    assert error.__context__ is error.__cause__ is None
    assert SECRET not in f"{error!r} {error} {vars(error)}"
    return str(error)


def digest(data: bytes) -> Fetched:
    return Fetched(len(data), hashlib.sha256(data).hexdigest())


# --- plain downloads


def test_a_file_is_written_counted_and_digested() -> None:
    file, server = io.BytesIO(), Server([answer()])
    assert fetched(server, file=file) == digest(VIDEO)
    assert (file.tell(), file.getvalue()) == (0, VIDEO)
    assert server.asked("accept-encoding") == ["identity"]


@each("body", [VIDEO, b"\0\0\0\x08ftyp", b"\0\0\0\x14ftypqt  "])
def test_whatever_begins_like_a_video_is_taken(body: bytes) -> None:
    assert fetched(Server([answer(body)])) == digest(body)


@each(
    "body, reason",
    [
        (b"", "it is empty"),
        (b"\0\0\0\x08", "it is no video"),
        (b"<!DOCTYPE html><html>", "it is a page"),
        (b"\xef\xbb\xbf\r\n<?xml version", "it is a page"),
        (b'{"code": "NoSuchKey"}', "it is not an MP4"),
        (b"\x1aE\xdf\xa3webm....", "it is not an MP4"),
        (b"ftypmp42........", "it is not an MP4"),
    ],
)
def test_whatever_does_not_is_no_video(body: bytes, reason: str) -> None:
    assert fails(errors.NotVideo, Server([answer(body)])).startswith(reason)


def test_no_more_is_read_of_what_is_no_video() -> None:
    assert fails(
        errors.NotVideo, Server([answer(b"<html>" * 10, length=10**12)]), limits=Limits(most_bytes=10**13)
    )


@each("status", [401, 403, 404, 410])
def test_a_link_that_is_refused_says_so(status: int) -> None:
    with pytest.raises(errors.LinkRefused) as raised:
        fetched(Server([answer(b"no", f"{status} No")]))
    assert (raised.value.status, str(raised.value)) == (status, f"the link answered {status}")


@each("status", [201, 204, 206, 300, 304, 400, 407, 416, 429, 500, 502, 503])
def test_other_statuses_may_pass(status: int) -> None:
    body = b"" if status in (204, 304) else b"no"
    assert fails(errors.LinkBroken, Server([answer(body, f"{status} No")])) == f"the link answered {status}"


@each(
    "response",
    [
        b"",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nx\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n\0\0\0\x08ftyp\r\n",
        answer(length=len(VIDEO) + 1),
        answer(VIDEO[:100], length=len(VIDEO), ETag='"one"'),
        answer(VIDEO[:100], length=len(VIDEO), Accept_Ranges="bytes"),
        answer(VIDEO[:100], length=len(VIDEO), Accept_Ranges="bytes", ETag='W/"one"'),
        answer(VIDEO[:100], length=len(VIDEO), Accept_Ranges="none", ETag='"one"'),
    ],
)
def test_a_broken_response_is_a_broken_link(response: bytes) -> None:
    async def give(writer: asyncio.StreamWriter) -> None:
        await _written(writer, response)

    server = Server([give])
    fails(errors.LinkBroken, server)
    assert not any(server.asked("range"))


def test_a_server_that_is_not_there_is_a_broken_link() -> None:
    link = "http://127.0.0.1:9/1.mp4"
    fails(
        errors.LinkBroken,
        link=link,
        hosts=Hosts(("127.0.0.1:9",)),
        match="ClientConnectorError|ConnectionRefused",
    )


# --- redirects


@each("status", ["301 Moved", "302 Found", "303 Other", "307 Temporary", "308 Permanent"])
def test_a_redirect_is_followed_without_telling_where_it_came_from(status: str) -> None:
    second = Server([answer()])

    async def redirect(writer: asyncio.StreamWriter) -> None:
        await _written(writer, to(second.url.replace(SECRET, "other"), status))

    assert fetched(Server([redirect]), second) == digest(VIDEO)
    [head] = second.heads
    assert SECRET not in head
    for name in ("referer", "cookie", "authorization"):
        assert second.asked(name) == [""]


@each("hops", range(1, 6))
def test_up_to_five_redirects_are_followed(hops: int) -> None:
    server = Server([*[to(f"/{hop}.mp4") for hop in range(hops)], answer()])
    assert fetched(server) == digest(VIDEO)
    assert server.heads[-1].startswith(f"GET /{hops - 1}.mp4 ")


def test_the_sixth_redirect_is_not_followed() -> None:
    server = Server([to("?again")])
    fails(errors.LinkBroken, server, match="more than 5 times")
    assert len(server.heads) == 6


@each(
    "target",
    [
        *(
            "file:///etc/passwd",
            "ftp://127.0.0.1/1",
            "//10.0.0.1/1",
            "http://169.254.169.254/",
            "http://[::1]/",
        ),
        *(
            "http://127.0.0.1:1/",
            "http://localhost/",
            "http://2130706433/",
            "https://u:p@films.example/",
            "//[x/",
        ),
        *(
            "http://films.example/",
            "//evil.example\\@films.example/",
            "http://127.1/",
            "http://0x7f.1/",
        ),
    ],
)
def test_a_redirect_to_a_host_that_is_not_allowed_is_refused(target: str) -> None:
    for before in (0, 3):
        fails(errors.BadAddress, Server([*[to("/next")] * before, to(target)]))


@each(
    "target",
    ["http://10.0.0.1/", "http://db/", "http://x.internal/", "ftp://x.example/", "http://[fd00::1]/"],
)
def test_a_redirect_away_from_the_public_is_refused_even_if_any_public_host_is_allowed(target: str) -> None:
    server = Server([to(target)])

    def hosts() -> Hosts:
        return Hosts(("127.0.0.1",), any_public=True)

    fails(errors.BadAddress, server, hosts=hosts())
    assert len(server.heads) == 1


def test_a_redirect_without_a_target_ends_as_it_began() -> None:
    fails(errors.LinkBroken, Server([answer(b"", "302 Found")]), match="more than 5")


# --- names


def test_a_name_that_resolves_to_this_machine_is_refused_when_connecting() -> None:
    """There is one lookup, whose addresses are the ones that are connected to."""
    for addresses in (["127.0.0.1"], ["1.1.1.1", "127.0.0.1"], ["::1"]):
        names, server = Names(addresses), Server([answer()])
        link = "http://films.example:{0}/1.mp4"
        message = fails(
            errors.BadAddress,
            server,
            link=link,
            hosts=Hosts(("*.example",)),
            resolver=lambda names=names: PublicOnly(names),
        )
        assert message == "the host films.example is not contacted: it has an address that is not public"
        assert server.heads == names.answers == []


def test_a_redirect_to_a_name_that_is_private_by_then_is_refused() -> None:
    names = Names(["10.0.0.1"])
    server = Server([to("http://films.example/")])
    hosts = Hosts(("127.0.0.1", "*.example"))
    fails(errors.BadAddress, server, hosts=hosts, resolver=lambda: PublicOnly(names), match="films.example")
    assert len(server.heads) == 1


def test_a_name_that_is_named_exactly_may_be_this_machine() -> None:
    server = Server([answer()])
    assert fetched(server, link="http://localhost:{0}/", hosts=Hosts(("localhost",))) == digest(VIDEO)


def test_urls_are_checked_in_front_of_a_proxy_too() -> None:
    proxy = Server([answer()])

    async def run() -> None:
        listening = await _started(proxy)
        client = Downloader(proxy_url=f"http://127.0.0.1:{proxy.port}")
        for link in (
            "http://localhost/",
            "http://10.0.0.1/",
            "http://127.1/",
            "http://metadata.google.internal/",
        ):
            with pytest.raises(errors.BadAddress):
                await client.fetch(link, io.BytesIO(), _nothing, hosts=Hosts(any_public=True))
        done = await client.fetch(
            "http://films.example/", io.BytesIO(), _nothing, hosts=Hosts(any_public=True)
        )
        assert done == digest(VIDEO)
        await client.aclose()
        listening.close()

    asyncio.run(run())
    assert [head.split()[1] for head in proxy.heads] == ["http://films.example/"]


async def _nothing() -> None: ...


# --- encodings


def deflated(data: bytes) -> bytes:
    bare = zlib.compressobj(wbits=-15)
    return bare.compress(data) + bare.flush()


MEMBERS = gzip.compress(VIDEO[:100]) + gzip.compress(VIDEO[100:])


@each(
    "encoding, body",
    [
        ("identity", VIDEO),
        ("gzip", gzip.compress(VIDEO)),
        ("x-gzip", gzip.compress(VIDEO)),
        ("GZIP", MEMBERS),
        ("deflate", zlib.compress(VIDEO)),
        ("deflate", deflated(VIDEO)),
    ],
)
def test_an_encoding_that_was_not_asked_for_is_decoded(encoding: str, body: bytes) -> None:
    assert fetched(Server([answer(body, Content_Encoding=encoding)])) == digest(VIDEO)
    assert fetched(Server([answer(body, Content_Encoding=encoding, length=None)])) == digest(VIDEO)


@each(
    "encoding, body",
    [
        ("gzip", gzip.compress(VIDEO)[:-9]),
        ("gzip", VIDEO),
        ("gzip", gzip.compress(VIDEO) + b"more"),
        ("gzip", b""),
        ("deflate", zlib.compress(VIDEO)[:-1]),
        ("deflate", b"\xff" * 20),
        ("br", VIDEO),
        ("gzip, gzip", gzip.compress(gzip.compress(VIDEO))),
    ],
)
def test_a_damaged_or_unknown_encoding_is_a_broken_link(encoding: str, body: bytes) -> None:
    fails(errors.LinkBroken, Server([answer(body, Content_Encoding=encoding)]), match="its encoding")


def test_a_body_in_small_pieces_is_decoded() -> None:
    decoder = decoder_of("gzip")
    pieces = [part for byte in MEMBERS for part in decoder.decode(bytes([byte]))]
    decoder.finish()
    assert b"".join(pieces) == VIDEO


@each("encoding", ["gzip", "deflate"])
def test_decoded_pieces_are_small(encoding: str) -> None:
    size = 5 * MOST_AT_ONCE + 7
    packed = gzip.compress(bytes(size)) if encoding == "gzip" else zlib.compress(bytes(size))
    decoder = decoder_of(encoding)
    with pytest.raises(DamagedEncoding):
        decoder.finish()
    pieces = [len(piece) for piece in decoder.decode(packed)]
    decoder.finish()
    assert max(pieces) == MOST_AT_ONCE
    assert sum(pieces) == size


class Watched(io.BytesIO):
    """Remembers the largest write."""

    largest = 0

    def write(self, data: bytes, /) -> int:  # type: ignore[override]
        self.largest = max(self.largest, len(data))
        return super().write(data)


def test_a_bomb_is_cut_off_while_it_is_decoded() -> None:
    bomb = gzip.compress(VIDEO + bytes(32 * 1024**2))
    assert len(bomb) < 50_000
    file, most = Watched(), 1024**2
    server = Server([answer(bomb, Content_Encoding="gzip")])
    fails(errors.TooLarge, server, file=file, limits=Limits(most_bytes=most))
    assert len(file.getvalue()) <= most
    assert file.largest <= CHUNK


def test_empty_members_without_end_are_cut_off() -> None:
    body = gzip.compress(VIDEO) + gzip.compress(b"") * 200
    server = Server([answer(body, Content_Encoding="gzip")])
    fails(errors.TooLarge, server, limits=Limits(most_bytes=len(VIDEO)))


# --- limits


@each("length", [-1, None])
def test_a_file_that_is_too_large_is_given_up(length: int | None) -> None:
    file = io.BytesIO()
    server = Server([answer(length=length)])
    fails(errors.TooLarge, server, file=file, limits=Limits(most_bytes=len(VIDEO) - 1))
    assert len(file.getvalue()) < len(VIDEO)
    assert fetched(Server([answer(length=length)]), limits=Limits(most_bytes=len(VIDEO))) == digest(VIDEO)


def dripping(seconds: float = 0.005) -> Write:
    """A byte every few milliseconds, until the client has enough."""

    async def drip(writer: asyncio.StreamWriter) -> None:
        await _written(writer, answer(b"", length=len(VIDEO)))
        for byte in VIDEO:
            await _written(writer, bytes([byte]))
            await asyncio.sleep(seconds)

    return drip


def ticking(seconds: float) -> Callable[[], float]:
    """A clock that goes on by so many seconds whenever it is read."""
    moments = itertools.count()
    return lambda: next(moments) * seconds


def test_a_dripping_source_is_given_up_after_the_window() -> None:
    server = Server([dripping()])
    message = fails(errors.TooSlow, server, clock=ticking(7), limits=Limits(seconds=10**6))
    assert re.fullmatch(r"\d bytes came in (3|4)\d s", message)


def test_a_source_that_is_slow_enough_is_read_to_its_end() -> None:
    limits = Limits(seconds=10**6, least_rate=0.01)
    assert fetched(Server([dripping(0)]), clock=ticking(7), limits=limits) == digest(VIDEO)


def test_a_source_that_falls_silent_is_given_up() -> None:
    async def silent(writer: asyncio.StreamWriter) -> None:
        await _written(writer, answer(VIDEO[:100], length=len(VIDEO), **RANGES))
        await asyncio.sleep(1)

    fails(errors.TooSlow, Server([silent]), limits=Limits(window=0.05), match="nothing for 0.05 s")


def test_a_server_that_does_not_answer_is_given_up() -> None:
    async def silent(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(1)

    fails(errors.TooSlow, Server([silent]), limits=Limits(window=0.05), match="nothing for 0.05 s")


def test_a_head_that_drips_is_given_up() -> None:
    async def drip(writer: asyncio.StreamWriter) -> None:
        for byte in answer():
            await _written(writer, bytes([byte]))
            await asyncio.sleep(0.01)

    fails(errors.TooSlow, Server([drip]), limits=Limits(window=0.05))


def test_the_whole_has_a_deadline() -> None:
    limits = Limits(seconds=20, least_rate=0)
    fails(errors.TooSlow, Server([dripping()]), limits=limits, clock=ticking(1), match="longer than 20 s")
    limits = Limits(seconds=0.05, least_rate=0)
    fails(errors.TooSlow, Server([dripping(0.02)]), limits=limits, match=r"longer than 0\.05 s")


def test_redirects_and_attempts_share_the_deadline() -> None:
    server = Server([to("?again")])
    fails(errors.TooSlow, server, limits=Limits(seconds=3), clock=ticking(1), match="longer than 3 s")


def test_a_download_shows_that_it_is_alive() -> None:
    beats: list[int] = []
    large = VIDEO + bytes(4 * CHUNK)
    assert fetched(Server([answer(large)]), beats=beats) == digest(large)
    assert 3 <= len(beats) <= 5
    beats.clear()
    fetched(Server([dripping(0)]), beats=beats, clock=ticking(2), limits=Limits(seconds=10**6, least_rate=0))
    assert len(beats) > 3


# --- going on after a break


@each("fields", [RANGES, {"Accept-Ranges": "bytes", "Last-Modified": "Tue, 10 Mar 2026 10:00:00 GMT"}])
def test_a_broken_download_goes_on_where_it_ended(fields: dict[str, Any]) -> None:
    file = io.BytesIO()
    server = Server([answer(VIDEO[:100], length=len(VIDEO), **fields), part(100, **fields)])
    assert fetched(server, file=file) == digest(VIDEO)
    assert file.getvalue() == VIDEO
    assert server.asked("range") == ["", "bytes=100-"]
    assert server.asked("if-range") == ["", fields.get("ETag") or fields["Last-Modified"]]


def test_a_redirected_download_goes_on_through_the_same_link() -> None:
    server = Server(
        [to("/a"), answer(VIDEO[:100], length=len(VIDEO), **RANGES), to("/a"), part(100, **RANGES)]
    )
    assert fetched(server) == digest(VIDEO)
    assert [head.split()[1] for head in server.heads] == [f"/1.mp4?sign={SECRET}", "/a"] * 2


def pieces(size: int) -> list[Answer]:
    """The file in parts of that size, each with a connection that breaks."""
    first: list[Answer] = [answer(VIDEO[:size], length=len(VIDEO), **RANGES)]
    for start in range(size, len(VIDEO), size):
        stated = f"bytes {start}-{len(VIDEO) - 1}/{len(VIDEO)}"
        body, left = VIDEO[start : start + size], len(VIDEO) - start
        first.append(answer(body, "206 Partial", length=left, Content_Range=stated, **RANGES))
    return first


def test_it_goes_on_up_to_five_times() -> None:
    sixth = -(-len(VIDEO) // 6)
    assert fetched(Server(pieces(sixth))) == digest(VIDEO)
    server = Server(pieces(sixth - 1))
    fails(errors.LinkBroken, server)
    assert len(server.heads) == 6


def test_an_attempt_that_brings_nothing_is_the_last() -> None:
    nothing = answer(b"", "206 Partial", length=1, Content_Range=f"bytes 100-{len(VIDEO) - 1}/{len(VIDEO)}")
    for second in (nothing, answer(b"", "503 Busy"), answer(b"", "416 No")):
        server = Server([answer(VIDEO[:100], length=len(VIDEO), **RANGES), second])
        fails(errors.LinkBroken, server)
        assert len(server.heads) == 2


def test_a_link_that_is_refused_meanwhile_says_so() -> None:
    server = Server([answer(VIDEO[:100], length=len(VIDEO), **RANGES), answer(b"", "403 Expired")])
    fails(errors.LinkRefused, server)


def test_a_file_that_changed_meanwhile_is_fetched_anew() -> None:
    other = VIDEO[:12] + b"another video" * 9
    file = io.BytesIO()
    server = Server([answer(VIDEO[:1000], length=len(VIDEO), **RANGES), answer(other, ETag='"two"')])
    assert fetched(server, file=file) == digest(other)
    assert file.getvalue() == other


@each(
    "second",
    [
        part(100, stated=f"bytes 99-{len(VIDEO) - 1}/{len(VIDEO)}"),
        part(100, stated=f"bytes 0-{len(VIDEO) - 1}/{len(VIDEO)}"),
        part(100, stated=f"bytes 100-{len(VIDEO) - 1}/{len(VIDEO) + 1}"),
        part(100, stated=f"bytes 100-{len(VIDEO)}/{len(VIDEO) + 1}"),
        part(100, stated="bytes 100-200/*"),
        part(100, stated="bytes 100-99/100"),
        part(100, stated="bytes */100"),
        part(100, stated="nonsense"),
        part(100, Content_Encoding="gzip"),
        part(100, ETag='"two"'),
        answer(VIDEO[100:], "206 Partial Content", **RANGES),
    ],
)
def test_a_part_that_is_not_the_rest_is_a_broken_link(second: bytes) -> None:
    server = Server([answer(VIDEO[:100], length=len(VIDEO), **RANGES), second])
    fails(errors.LinkBroken, server, match="continue")
    assert len(server.heads) == 2


def test_a_rest_whose_total_is_not_stated_is_taken() -> None:
    server = Server(
        [
            answer(VIDEO[:100], length=len(VIDEO), **RANGES),
            part(100, stated=f"bytes 100-{len(VIDEO) - 1}/*"),
        ]
    )
    assert fetched(server) == digest(VIDEO)


def test_an_encoded_body_is_not_continued() -> None:
    packed = gzip.compress(VIDEO)
    server = Server([answer(packed[:50], length=len(packed), Content_Encoding="gzip", **RANGES)])
    fails(errors.LinkBroken, server)
    assert len(server.heads) == 1


# --- our own disk


class Disk(io.BytesIO):
    """Has room for a few bytes, and then fails."""

    def __init__(self, code: int, *, room: int) -> None:
        super().__init__()
        self._code, self._room = code, room

    def write(self, data: bytes, /) -> int:  # type: ignore[override]
        if self.tell() + len(data) > self._room:
            raise OSError(self._code, os.strerror(self._code))
        return super().write(data)

    def flush(self) -> None:
        if self._room == len(VIDEO):
            raise OSError(self._code, os.strerror(self._code))


@each(
    "code, room",
    [(code, room) for code in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG) for room in (100, len(VIDEO))],
)
def test_a_full_disk_is_not_the_links_fault(code: int, room: int) -> None:
    fails(errors.StorageFull, Server([answer()]), file=Disk(code, room=room), match=os.strerror(code))


def test_another_error_of_the_disk_is_not_a_failed_download() -> None:
    with pytest.raises(OSError, match=os.strerror(errno.EIO)):
        fetched(Server([answer()]), file=Disk(errno.EIO, room=100))
