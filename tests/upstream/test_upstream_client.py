"""Upstream calls: what each answer, and each missing answer, means for a paid call."""

import asyncio
import gzip
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx
import pytest

from videos.local.processes import free_port
from videos.products import Product
from videos.upstream.base import (
    Connection,
    NotSent,
    OutcomeUnknown,
    Refused,
    Submitted,
    Throttled,
    Unavailable,
    UpstreamError,
)
from videos.upstream.connections import connect
from videos.upstream.tencent.client import MOST_BYTES, TencentClient
from videos.upstream.tencent.mps import MpsUpstream
from videos.upstream.tencent.signing import Credential, authorization

SECRET = "the secret half"
CREDENTIAL = Credential("AKIDtest", SECRET)
TIMESTAMP = 1773141337
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def client_over(transport: httpx.AsyncBaseTransport, endpoint: str = "https://mps.example") -> TencentClient:
    return TencentClient(
        Connection(Product.MPS, endpoint, CREDENTIAL.secret_id, CREDENTIAL.secret_key),
        service="mps",
        version="2019-06-12",
        transport=transport,
        clock=lambda: TIMESTAMP + 0.9,
    )


def answering(*answers: httpx.Response | Exception) -> httpx.MockTransport:
    left = list(answers)

    def handle(request: httpx.Request) -> httpx.Response:
        answer = left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return httpx.MockTransport(handle)


def call(transport: httpx.AsyncBaseTransport, payload: dict[str, Any] | None = None) -> dict[str, Any]:
    async def work() -> dict[str, Any]:
        client = client_over(transport)
        try:
            return await client.call("CreateAigcVideoTask", payload or {}, seconds=5)
        finally:
            await client.aclose()

    return asyncio.run(work())


def verdict(transport: httpx.AsyncBaseTransport) -> UpstreamError:
    with pytest.raises(UpstreamError) as raised:
        call(transport)
    return raised.value


def refusal(code: str, message: str = "No.") -> httpx.Response:
    return httpx.Response(
        200, json={"Response": {"Error": {"Code": code, "Message": message}, "RequestId": "r-1"}}
    )


# --- requests


def test_a_call_is_signed_exactly_as_sent() -> None:
    requests: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(200, json={"Response": {"RequestId": "r"}})

    payload = {"Prompt": "a 猫 runs", "Duration": 5}
    assert call(httpx.MockTransport(handle), payload) == {"RequestId": "r"}
    [request] = requests
    assert (request.method, str(request.url)) == ("POST", "https://mps.example/")
    assert json.loads(request.content) == payload
    signed = {"content-type": request.headers["content-type"], "host": request.headers["host"]}
    assert request.headers["authorization"] == authorization(
        CREDENTIAL, service="mps", headers=signed, body=request.content, timestamp=TIMESTAMP
    )
    named = {name: request.headers[f"x-tc-{name}"] for name in ("action", "version", "timestamp")}
    assert named == {"action": "CreateAigcVideoTask", "version": "2019-06-12", "timestamp": str(TIMESTAMP)}


# --- answers


def test_an_error_before_sending_means_not_received() -> None:
    # A dash that cannot be sent in a header.
    connection = Connection(Product.MPS, "https://mps.example", "AKID\u2014copied", "secret")
    client = TencentClient(connection, service="mps", version="v", transport=answering())
    error = verdict_of(client, {"Prompt": "a cat"})
    assert type(error) is NotSent
    fine = client_over(answering())
    assert type(verdict_of(fine, {"Prompt": "\ud800"})) is NotSent  # which UTF-8 cannot encode
    assert type(verdict_of(fine, {"Prompt": {1}})) is NotSent
    assert "copied" not in str(error.as_detail())


def verdict_of(client: TencentClient, payload: dict[str, Any]) -> UpstreamError:
    with pytest.raises(UpstreamError) as caught:
        asyncio.run(client.call("CreateAigcVideoTask", payload, seconds=5))
    return caught.value


def test_an_endless_answer_is_not_read_further() -> None:
    bomb = gzip.compress(b" " * (64 * 1024 * 1024))
    answer = httpx.Response(200, content=bomb, headers={"content-encoding": "gzip"})
    error = verdict(answering(answer))
    assert (type(error), error.message) == (OutcomeUnknown, f"the answer is longer than {MOST_BYTES} bytes")


# --- over real connections


async def _head(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(line for line in head.lower().splitlines() if line.startswith(b"content-length"))
    return head + await reader.readexactly(int(length.partition(b":")[2]))


def _answer(document: object) -> bytes:
    body = json.dumps(document).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def closes_after_reading(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await _head(reader)
    writer.close()


async def closes_at_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def resets(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await _head(reader)
    writer.transport.abort()


async def resets_in_the_middle_of_the_answer(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    await _head(reader)
    writer.write(_answer({"Response": {"TaskId": "1"}})[:-5])
    await writer.drain()
    writer.transport.abort()


async def never_answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    writer.close()


async def trickles(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await _head(reader)
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.02)


async def talks_nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await _head(reader)
    writer.write(b"what?\r\n\r\n")
    writer.close()


async def answers_with_a_task(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await _head(reader)
    writer.write(_answer({"Response": {"TaskId": "4-x", "Status": "RUN", "RequestId": "r"}}))
    await writer.drain()


def at(endpoint: str) -> Connection:
    return Connection(Product.MPS, endpoint, "AKIDtest", SECRET)


def create_at(endpoint: str, seconds: float = 0.3) -> Submitted:
    async def work() -> Submitted:
        upstream = connect(at(endpoint), create_timeout=seconds, describe_timeout=seconds)
        try:
            return await upstream.create({"Prompt": "a cat"})
        finally:
            await upstream.aclose()

    return asyncio.run(work())


@asynccontextmanager
async def _serving(serve: Serve) -> AsyncIterator[str]:
    """A server that closes all its connections at the end; yields its address."""
    handlers: list[asyncio.Task[None]] = []
    writers: list[asyncio.StreamWriter] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        handlers.append(task)
        writers.append(writer)
        try:
            await serve(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for writer in writers:
            writer.transport.abort()
        await asyncio.gather(*handlers, return_exceptions=True)


async def _with_server(serve: Serve, seconds: float = 0.3) -> Submitted:
    async with _serving(serve) as endpoint:
        upstream = connect(at(endpoint), create_timeout=seconds, describe_timeout=seconds)
        try:
            return await upstream.create({"Prompt": "a cat"})
        finally:
            await upstream.aclose()


def test_an_accepted_task_has_its_id() -> None:
    assert asyncio.run(_with_server(answers_with_a_task)) == Submitted("4-x", "r")


@pytest.mark.parametrize(
    "serve",
    [
        closes_after_reading,
        closes_at_once,
        resets,
        resets_in_the_middle_of_the_answer,
        never_answers,
        trickles,
        talks_nonsense,
    ],
)
def test_an_unanswered_call_is_in_doubt(serve: Serve) -> None:
    with pytest.raises(UpstreamError) as raised:
        asyncio.run(_with_server(serve))
    assert type(raised.value) is OutcomeUnknown
    _holds_no_secret(raised.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "nowhere.invalid"])
def test_a_refused_connection_means_not_received(host: str) -> None:
    with pytest.raises(UpstreamError) as raised:
        create_at(f"http://{host}:{free_port(0)}", seconds=5)
    assert type(raised.value) is Unavailable
    _holds_no_secret(raised.value)


def test_a_connection_timeout_means_not_received() -> None:
    # A full backlog drops new connections, as a firewall does.
    with socket.socket() as listener, socket.socket() as first, socket.socket() as second:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        for filler in (first, second):
            filler.setblocking(False)
            filler.connect_ex(address)
        with pytest.raises(UpstreamError) as raised:
            create_at(f"http://127.0.0.1:{address[1]}")
    assert type(raised.value) is Unavailable


def test_a_paid_call_uses_its_own_connection() -> None:
    used: list[list[bytes]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        calls: list[bytes] = []
        used.append(calls)
        while True:
            head = await _head(reader)
            calls.append(b"create" if b"CreateAigc" in head else b"describe")
            writer.write(_answer({"Response": {"TaskId": "4-x", "Status": "RUN"}}))

    async def work() -> None:
        async with _serving(serve) as endpoint:
            upstream = connect(at(endpoint), create_timeout=5, describe_timeout=5)
            for _ in range(2):
                await upstream.describe("4-x")
                await upstream.create({"Prompt": "a cat"})
            await upstream.aclose()

    asyncio.run(work())
    assert sorted(used) == [[b"create"], [b"create"], [b"describe", b"describe"]]


# --- secrets


def _holds_no_secret(error: UpstreamError) -> None:
    assert "Signature=" not in f"{error} {error!r} {vars(error)}"
    cause: BaseException | None = error
    while cause is not None:
        assert SECRET not in f"{cause} {cause!r} {vars(cause)}"
        cause = cause.__cause__


def test_clients_and_credentials_show_no_secret() -> None:
    client = client_over(answering())
    upstream = MpsUpstream(client, create_timeout=1, describe_timeout=1)
    for thing in (client, upstream, CREDENTIAL, [CREDENTIAL], {"key": CREDENTIAL}):
        assert SECRET not in f"{thing} {thing!r}"


@pytest.mark.parametrize("kind", [Refused, Throttled, Unavailable, OutcomeUnknown])
def test_the_text_of_an_error_has_its_code_and_message(kind: type[UpstreamError]) -> None:
    assert str(kind("No.", code="X.Y")) == "X.Y: No."
    assert str(kind("No.")) == "No."
