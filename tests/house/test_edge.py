"""The HTTP edge: complete bodies, bounded heads, threads shared fairly."""

import asyncio
import gc
import http.client
import json
import socket
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.exceptions import RequestDataTooBig

from config.edge.answers import Answer, PassedThrough
from config.edge.application import Application
from config.edge.bodies import (
    LEAST_BYTES_PER_SECOND,
    SMALL_BYTES,
    Body,
    Budget,
    IncompleteBody,
    TooManyBodies,
)
from config.edge.connections import Connections
from config.edge.head import MOST_BYTES, MOST_FIELDS
from config.edge.limits import BodyLimits
from config.edge.server import command
from config.edge.threads import Threads
from config.networks import subscriber_network
from config.routes import CREATE_PATHS
from config.stores.folder import FileWindow
from tests.conftest import GOOD_BODY, Caller, MakeTask
from tests.support.worker_process import child_environment
from videos.local.processes import ProcessGroup, free_port
from videos.models import Task, UpstreamAccount
from videos.states import Status

MEDIA = bytes(range(256)) * 256 * 1024
"""Larger than the buffers of a connection."""
MEBIBYTE = 1024 * 1024
LIMITS = BodyLimits(
    max_body=MEBIBYTE, max_form=2 * MEBIBYTE, max_picture=2 * MEBIBYTE, max_upload=4 * MEBIBYTE
)
Message = dict[str, Any]


# --- requests


class Exchange:
    """A request as an ASGI server passes it, and its answer."""

    def __init__(self, path: str = "/v1/videos", method: str = "POST", **headers: str | bytes) -> None:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        self.scope: Message = {
            "type": "http",
            "http_version": "1.1",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "scheme": "http",
            "server": ("127.0.0.1", "8000"),
            "client": ("127.0.0.1", "50000"),
            "headers": [(b"host", b"localhost")]
            + [(n.encode(), v if isinstance(v, bytes) else v.encode()) for n, v in sent.items()],
        }
        self.received = 0
        """Pieces of the body the application asked for."""
        self.sent: list[Message] = []

    def of(self, application: Application, *pieces: bytes | None) -> "Exchange":
        """Send it to the application. The body arrives in pieces; None is a disconnect."""
        asyncio.run(application(self.scope, self._receiver(pieces), self._send))
        return self

    def _receiver(self, pieces: tuple[bytes | None, ...]) -> Callable[[], Any]:
        left = [*pieces]

        async def receive() -> Mapping[str, Any]:
            self.received += 1
            await asyncio.sleep(0)
            piece = left.pop(0) if left else b""
            if piece is None:
                return {"type": "http.disconnect"}
            return {"type": "http.request", "body": piece, "more_body": bool(left)}

        return receive

    async def _send(self, message: Message) -> None:
        self.sent.append(message)

    @property
    def status(self) -> int:
        return int(self.sent[0]["status"])

    @property
    def headers(self) -> dict[bytes, bytes]:
        return dict(self.sent[0]["headers"])

    @property
    def content(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent[1:])

    @property
    def body(self) -> Any:
        return json.loads(self.content)

    @property
    def refusal(self) -> tuple[int, str]:
        return self.status, self.body["error"]["code"]


Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def serving(wsgi: Wsgi, *, threads: int = 2, http_2: bool = False) -> Application:
    connections = Connections(0)
    return Application(wsgi, threads=threads, limits=LIMITS, connections=connections, http_2=http_2)


def echo(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
    """An application that returns what it received."""
    length = int(environ["CONTENT_LENGTH"])
    received = {name: value for name, value in environ.items() if isinstance(value, str)}
    body = environ["wsgi.input"].read(length)
    start("200 OK", [("Content-Type", "application/json")])
    return [json.dumps({**received, "read": len(body)}).encode()]


def refusing(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
    """An application that refuses without reading the body."""
    start("401 Unauthorized", [])
    return [b'{"error": {"code": "nobody"}}']


def _downloading(path: Path, *, deletes: bool, start: int = 0) -> Wsgi:
    """An application that returns a file, which something else deletes meanwhile."""

    def download(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        content = PassedThrough(FileWindow(path, start))
        if deletes:
            path.unlink()
        start_response("200 OK", [])
        wrapped: Iterable[bytes] = environ["wsgi.file_wrapper"](content)
        return wrapped

    return download


@pytest.mark.parametrize("start", [0, 1000])
def test_a_file_that_is_deleted_while_it_is_served_arrives_whole(start: int, tmp_path: Path) -> None:
    path = tmp_path / "video.mp4"
    path.write_bytes(MEDIA[:300_000])
    answer = Exchange(method="GET").of(serving(_downloading(path, deletes=True, start=start)))
    assert (answer.status, answer.content) == (200, MEDIA[start:300_000])


class Content:
    """The content of a store; `closed` is set once it is released."""

    def __init__(self) -> None:
        self.closed = threading.Event()

    def read(self, size: int = -1) -> bytes:
        return b"x" * size

    def __iter__(self) -> Iterator[bytes]:
        return iter(())

    def close(self) -> None:
        self.closed.set()


def _returning(content: Content) -> Wsgi:
    def read(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        start_response("200 OK", [])
        wrapped: Iterable[bytes] = environ["wsgi.file_wrapper"](PassedThrough(content))
        return wrapped

    return read


def test_content_is_released_for_head_and_when_the_client_leaves() -> None:
    for method, pieces in (("HEAD", ()), ("GET", (b"", None))):
        content = Content()
        Exchange(method=method).of(serving(_returning(content)), *pieces)
        assert content.closed.wait(60), method


def test_content_is_released_if_nothing_can_be_sent() -> None:
    content, exchange = Content(), Exchange(method="GET")

    async def refuse(message: Message) -> None:
        raise ConnectionResetError

    receive = exchange._receiver(())
    with pytest.raises(ConnectionResetError):
        asyncio.run(serving(_returning(content))(exchange.scope, receive, refuse))
    assert content.closed.wait(60)


def test_content_is_released_if_it_comes_too_late() -> None:
    content, goes_on = Content(), threading.Event()

    def work() -> Answer:
        goes_on.wait(60)
        return Answer(content=content)

    async def asking() -> None:
        with pytest.raises(TimeoutError):
            await Threads(1).run(b"", work, 0.01)
        goes_on.set()
        assert await asyncio.to_thread(content.closed.wait, 60)

    asyncio.run(asking())


def test_the_server_reads_a_whole_file_by_itself(tmp_path: Path) -> None:
    path = tmp_path / "video.mp4"
    path.write_bytes(MEDIA[:1000])
    answer = Exchange(method="GET").of(serving(_downloading(path, deletes=False)))
    assert answer.sent[1] == {"type": "http.response.pathsend", "path": str(path)}


@pytest.mark.parametrize(
    "pieces", [[b"x" * 62, None], [b"x" * 62, b""], [None]], ids=["cut off", "ended early", "gone"]
)
def test_a_body_shorter_than_its_length_is_refused(pieces: list[bytes | None]) -> None:
    assert Exchange(content_length="562").of(serving(echo), *pieces).refusal == (400, "incomplete_body")


def test_a_chunked_body_that_breaks_off_is_refused() -> None:
    exchange = Exchange(transfer_encoding="chunked").of(serving(echo), b'{"a": 1}', None)
    assert exchange.refusal == (400, "incomplete_body")
    assert exchange.headers[b"connection"] == b"close"
    assert exchange.headers[b"x-request-id"].startswith(b"req_")


def test_whole_bodies_arrive_in_any_number_of_pieces() -> None:
    application = serving(echo)
    for pieces in ([b"abcd"], [b"ab", b"cd"], [b"a", b"", b"bcd", b""]):
        assert Exchange(content_length="4").of(application, *pieces).body["read"] == 4
        assert Exchange(transfer_encoding="chunked").of(application, *pieces).body["read"] == 4
    assert Exchange(method="GET").of(application).received == 0


@pytest.mark.parametrize("path", ["/v1/videos", "/log-in/"])
@pytest.mark.parametrize("framing", [{"content_length": "900000"}, {"transfer_encoding": "chunked"}])
def test_a_request_refused_by_its_headers_is_answered_before_its_body_is_read(
    path: str, framing: dict[str, str]
) -> None:
    exchange = Exchange(path, **framing).of(serving(refusing), *[b"x" * 50_000] * 18)
    assert exchange.status == 401
    assert exchange.received * 50_000 <= 3 * SMALL_BYTES  # at most this much is buffered or dropped


@pytest.mark.parametrize("framing", [{"content_length": "900000"}, {"transfer_encoding": "chunked"}])
def test_a_large_body_is_read_only_by_the_api_and_when_needed(framing: dict[str, str]) -> None:
    assert Exchange(**framing).of(serving(echo), *[b"x" * 50_000] * 18).body["read"] == 900_000
    with pytest.raises(Exception, match=r"^$"):
        Exchange("/log-in/", **framing).of(serving(echo), *[b"x" * 50_000] * 18)


def test_the_number_and_size_of_header_fields_are_limited() -> None:
    application = serving(echo)
    fields = {f"x-{number}": "a" for number in range(MOST_FIELDS - 1)}
    assert Exchange(method="GET", **fields).of(application).status == 200
    assert Exchange(method="GET", **fields, one_more="a").of(application).refusal == (431, "header_too_large")
    assert Exchange(method="GET", x=b"a" * MOST_BYTES).of(application).refusal == (431, "header_too_large")
    long = Exchange(method="GET")
    long.scope["query_string"] = b"a" * MOST_BYTES
    assert long.of(application).refusal == (431, "header_too_large")


def test_header_values_are_passed_on_as_bytes() -> None:
    exchange = Exchange(method="GET", x_forwarded_for=b"\xe9, 203.0.113.7", cookie=b"a=1")
    exchange.scope["headers"] += [
        (b"cookie", "b=ü".encode()),
        (b"accept", b"a"),
        (b"accept", b"b"),
        (b"x_y", b""),
    ]
    received = exchange.of(serving(echo)).body
    assert received["HTTP_X_FORWARDED_FOR"] == "é, 203.0.113.7"
    assert received["HTTP_COOKIE"].encode("latin-1") == "a=1; b=ü".encode()
    assert received["HTTP_ACCEPT"] == "a,b"
    assert "HTTP_X_Y" not in received


def test_a_missing_host_stays_missing() -> None:
    exchange = Exchange(method="GET")
    exchange.scope["headers"] = [(b"host", b"")]
    assert "HTTP_HOST" not in exchange.of(serving(echo)).body


def test_http_2_is_refused_unless_the_settings_enable_it() -> None:
    exchange = Exchange(method="GET")
    exchange.scope["http_version"] = "2"
    assert exchange.of(serving(echo)).refusal == (505, "http_version_not_supported")
    exchange.sent = []
    assert exchange.of(serving(echo, http_2=True), b"").status == 200


def test_health_is_answered_while_every_thread_is_busy() -> None:
    release = threading.Event()

    def stuck(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        release.wait(60)
        return echo(environ, start)

    async def both() -> tuple[int, int]:
        application, busy, probe = (
            serving(stuck, threads=1),
            Exchange(method="GET"),
            Exchange("/healthz", "GET"),
        )
        probe.scope["headers"] = [(b"host", b"evil.example")]
        working = asyncio.ensure_future(application(busy.scope, busy._receiver(()), busy._send))
        await asyncio.sleep(0)
        await application(probe.scope, probe._receiver(()), probe._send)
        release.set()
        await working
        return probe.status, busy.status

    assert asyncio.run(both()) == (200, 200)


# --- bodies


def test_a_body_must_arrive_at_a_minimum_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("config.edge.bodies.GRACE_SECONDS", 0.05)
    pieces = iter([b"x" * LEAST_BYTES_PER_SECOND, b"x"])

    async def receive() -> Message:
        try:
            return {"type": "http.request", "body": next(pieces), "more_body": True}
        except StopIteration:
            await asyncio.Event().wait()
            raise

    async def read() -> int:
        body = Body(receive, None, b"somebody", Budget())
        with body, pytest.raises(IncompleteBody, match="too slowly"):
            await body.read(SMALL_BYTES)
        return body.length

    assert asyncio.run(read()) == LEAST_BYTES_PER_SECOND + 1


def test_one_client_cannot_use_up_the_memory_for_bodies() -> None:
    budget = Budget(of_all=100, of_one=40)
    budget.take(b"a", 40)
    with pytest.raises(TooManyBodies):
        budget.take(b"a", 1)
    budget.take(b"b", 40)
    with pytest.raises(TooManyBodies):
        budget.take(b"c", 21)
    budget.take(b"c", 20)
    budget.give_back(b"a", 40)
    budget.take(b"c", 20)
    budget.give_back(b"c", 40)
    budget.give_back(b"b", 40)
    budget.take(b"d", 40)


def test_bodies_beyond_the_memory_budget_are_refused_and_their_memory_is_returned() -> None:
    application = serving(echo)
    application._budget = Budget(of_all=100, of_one=100)
    for _ in range(3):
        refused = Exchange(content_length="150").of(application, b"x" * 80, b"x" * 70)
        assert refused.refusal == (503, "overloaded")
        assert refused.headers[b"retry-after"] == b"1"
        assert Exchange(content_length="80").of(application, b"x" * 80).body["read"] == 80


def test_an_upload_passes_through_a_file_and_only_after_authentication() -> None:
    seen = []

    def upload(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        seen.append(environ["wsgi.input"])
        return echo(environ, start)

    pieces = [b"x" * 64 * 1024] * 40
    taken = Exchange("/v1/files", content_length=str(40 * 64 * 1024)).of(serving(upload), *pieces)
    assert taken.body["read"] == 40 * 64 * 1024
    assert [type(stream).__name__ for stream in seen] == ["Withheld", "SpoolFile"]
    refused = Exchange("/v1/files", content_length=str(40 * 64 * 1024)).of(serving(refusing), *pieces)
    assert refused.status == 401
    assert refused.received * 64 * 1024 <= 3 * SMALL_BYTES


@pytest.mark.parametrize(
    "headers", [{"content_length": str(5 * 1024 * 1024)}, {"transfer_encoding": "chunked"}]
)
def test_an_upload_is_cut_off_at_its_limit(headers: dict[str, str]) -> None:
    limited = [b"x" * 64 * 1024] * 80
    with pytest.raises(RequestDataTooBig):
        Exchange("/v1/files", **headers).of(serving(echo), *limited)


def test_forms_with_files_may_be_larger_than_other_bodies() -> None:
    form, pieces = "multipart/form-data; boundary=x", [b"x" * 100_000] * 15
    playground = f"/portal/{'0' * 36}/videos/new/"
    for path in (*CREATE_PATHS, playground, "/admin/videos/task/add/"):
        taken = Exchange(path, content_length="1500000", content_type=form).of(serving(echo), *pieces)
        assert taken.body["read"] == 1_500_000
    for path, kind in (("/v1/videos", "application/json"), ("/v1/usage", form), ("/log-in/", form)):
        with pytest.raises(RequestDataTooBig):
            Exchange(path, content_length="1500000", content_type=kind).of(serving(echo), *pieces)


def test_one_client_cannot_fill_the_disk_with_bodies() -> None:
    application = serving(echo)
    application._disk = Budget(of_all=400_000, of_one=400_000)
    for _ in range(3):
        refused = Exchange("/v1/files", content_length="600000").of(application, *[b"x" * 100_000] * 6)
        assert refused.refusal == (503, "overloaded")
        taken = Exchange("/v1/files", content_length="300000").of(application, *[b"x" * 100_000] * 3)
        assert taken.body["read"] == 300_000


# --- threads


def test_a_client_cannot_take_all_threads_and_waiting_clients_take_turns() -> None:
    started: list[str] = []
    begun, release = threading.Semaphore(0), threading.Event()

    def work(name: str) -> str:
        started.append(name)
        begun.release()
        release.wait(60)
        return name

    async def crowd() -> list[str]:
        threads = Threads(8)
        asked = [f"a{number}" for number in range(6)] + ["b0", "b1", "b2", "c0", "c1"]
        runs = [threads.run(name[0].encode(), partial(work, name)) for name in asked]
        waiting = [asyncio.ensure_future(run) for run in runs]
        for _ in range(5):
            await asyncio.to_thread(begun.acquire)
        first = sorted(started)
        release.set()
        assert await asyncio.gather(*waiting) == asked
        return first

    assert asyncio.run(crowd()) == ["a0", "a1", "b0", "b1", "c0"]
    assert len(started) == 11


def test_one_thread_serves_clients_in_turn() -> None:
    async def crowd() -> list[str]:
        threads = Threads(1)
        done: list[str] = []
        asked = ["a0", "a1", "a2", "b0", "c0", "b1"]
        work = [threads.run(name[0].encode(), partial(done.append, name)) for name in asked]
        await asyncio.gather(*work)
        return done

    assert asyncio.run(crowd()) == ["a0", "a1", "b0", "c0", "a2", "b1"]


def test_an_error_in_a_thread_is_raised_in_its_awaiter() -> None:
    async def asking() -> None:
        threads = Threads(1)
        for _ in range(3):
            with pytest.raises(ZeroDivisionError):
                await threads.run(b"", partial(divmod, 1, 0))

    asyncio.run(asking())


def test_a_finished_request_is_not_kept_in_memory() -> None:
    """A reference to it would keep its connection open."""

    class Work:
        def __call__(self) -> None:
            raise KeyError

    freed = threading.Event()

    async def asking() -> None:
        threads, work = Threads(1), Work()
        weakref.finalize(work, freed.set)
        with suppress(KeyError):
            await threads.run(b"", work)

    gc.disable()
    try:
        asyncio.run(asking())
        assert freed.wait(60)
    finally:
        gc.enable()


# --- connections


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listening:
        yield listening


def _connect(listener: socket.socket, source: str) -> tuple[socket.socket, socket.socket]:
    client = socket.create_connection(listener.getsockname(), source_address=(source, 0), timeout=10)
    return client, listener.accept()[0]


def _is_open(client: socket.socket) -> bool:
    client.setblocking(False)
    try:
        return client.recv(1) != b""
    except BlockingIOError:
        return True


def test_with_too_many_connections_the_longest_idle_are_closed(listener: socket.socket) -> None:
    connections = Connections(0)
    connections._most = 3
    pairs = [_connect(listener, "127.0.0.2") for _ in range(6)]
    others = [_connect(listener, "127.0.0.3") for _ in range(3)]
    for asked in (4, 0):  # the first of them sent a request last
        host, port = pairs[asked][0].getsockname()
        connections.hear((host, str(port)))
    assert connections.close_excess() == 3
    still = [_is_open(client) for client, _ in pairs]
    assert (still[0], still[4], sum(still)) == (True, True, 3)
    assert all(_is_open(client) for client, _ in others)
    for one in (*pairs, *others):
        for end in one:
            end.close()


@pytest.mark.parametrize(
    ("text", "counted"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2::", "2001:db8:1:2::"),
        ("fe80::1%eth0", "fe80::"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("::1", "::1"),
        ("::", "::"),
        ("nonsense", "nonsense"),
    ],
)
def test_all_addresses_of_a_subscriber_count_as_one(text: str, counted: str) -> None:
    assert subscriber_network(text) == counted


# --- real processes


@pytest.fixture
def server(transactional_db: None, results_folder: Path, tmp_path: Path) -> Iterator[str]:
    port = free_port(0)
    environment = child_environment(API_THREADS="2", RESULTS_DIR=str(results_folder))
    with ProcessGroup(tmp_path / "logs") as family:
        child = family.start("web", command("127.0.0.1", port), environment)
        url = f"http://127.0.0.1:{port}"
        family.wait_until_answers(child, f"{url}/healthz")
        yield url


def _request(
    url: str, method: str, path: str, key: str | None = None, body: bytes | None = None, **headers: Any
) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
    authorization = {"Authorization": f"Bearer {key}"} if key else {}
    connection.request(method, path, body, {**authorization, **headers})
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}, content


@pytest.mark.processes
def test_the_server_speaks_http_as_clients_expect(
    server: str, owner: Caller, make_task: MakeTask, results_folder: Path
) -> None:
    results_folder.mkdir(parents=True)
    (results_folder / "video.mp4").write_bytes(MEDIA)
    task = make_task(Status.SUCCEEDED, media_name="video.mp4")
    path, key = f"/v1/videos/{task.public_id}/content", owner.text

    assert _request(server, "GET", path, key)[2] == MEDIA
    status, headers, content = _request(server, "GET", path, key, Range="bytes=5-9")
    assert (status, headers["content-range"], content) == (206, f"bytes 5-9/{len(MEDIA)}", MEDIA[5:10])
    status, headers, content = _request(server, "HEAD", path, key)
    assert (status, headers["content-length"], content) == (200, str(len(MEDIA)), b"")

    status, headers, content = _request(server, "GET", "/static/admin/css/base.css")
    assert (status, headers["content-type"].split(";")[0]) == (200, "text/css")
    assert int(headers["content-length"]) == len(content)

    too_large = b" " * (3 * 1024 * 1024)
    json = {"Content-Type": "application/json"}
    assert _request(server, "POST", "/v1/videos", key, too_large, **json)[0] == 413
    status, _, content = _request(server, "GET", "/v1/models/%E4%B8%AD", key)
    assert (status, "中".encode() in content) == (404, True)


@pytest.mark.processes
def test_slow_downloads_do_not_block_other_requests(
    server: str, owner: Caller, make_task: MakeTask, results_folder: Path
) -> None:
    results_folder.mkdir(parents=True)
    (results_folder / "video.mp4").write_bytes(MEDIA)
    task = make_task(Status.SUCCEEDED, media_name="video.mp4")
    request = (
        f"GET /v1/videos/{task.public_id}/content HTTP/1.1\r\nHost: localhost\r\n"
        f"Authorization: Bearer {owner.text}\r\n\r\n"
    ).encode()
    address = urlsplit(server)
    assert address.hostname
    assert address.port
    downloads = [socket.create_connection((address.hostname, address.port), timeout=10) for _ in range(8)]
    for download in downloads:
        download.sendall(request)
        assert download.recv(64).startswith(b"HTTP/1.1 200")  # started and then paused
    assert _request(server, "GET", f"/v1/videos/{task.public_id}", owner.text)[0] == 200
    for download in downloads:
        download.close()


@pytest.mark.processes
def test_an_unreadable_idempotency_key_is_refused_and_never_ignored(
    server: str, owner: Caller, account: UpstreamAccount
) -> None:
    body, headers = json.dumps(GOOD_BODY).encode(), {"Content-Type": "application/json"}
    for key in ("订单-7".encode(), "käse".encode("latin-1")):
        status, _, content = _request(
            server, "POST", "/v1/videos", owner.text, body, **headers, **{"Idempotency-Key": key}
        )
        assert (status, b"Idempotency-Key" in content) == (400, True)
    assert not Task.objects.exists()
