"""A small server on loopback that speaks S3 and COS as far as stores need it.

It keeps objects in memory, checks every signature and right, and does what tests script: fails, stalls,
breaks off. `endpoint` takes buckets in the path, or in the host as `bucket.s3.test`: it is a proxy as well,
so no such host must exist. `cos_endpoint` is the host of one bucket.
"""

import hashlib
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, quote, unquote, urlsplit
from xml.sax.saxutils import escape

import pytest

from tests.support.s3_signatures import Key, Refused, Request, check

BUCKET = "videos-1250000000"
REGION = "eu-test-1"
KEY_ID, SECRET = "AKIDtestkey", "test-secret-never-shown"
VIRTUAL = "s3.test"
BLOCK = 64 * 1024
LEAST_PART = 1024 * 1024
"""Bytes of every part but the last; S3 says 5 MiB and COS 1."""


@dataclass(frozen=True)
class Stored:
    """An object."""

    content: bytes
    content_type: str
    modified_at: datetime

    @cached_property
    def etag(self) -> str:
        return f'"{hashlib.sha256(self.content).hexdigest()[:32]}"'


@dataclass
class Upload:
    """A multipart upload that is not complete."""

    key: str
    content_type: str
    parts: dict[int, bytes] = field(default_factory=dict)


@dataclass
class Answer:
    """Status, headers and body of an answer."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass
class Fault:
    """What to do, instead or besides, with the next `times` requests that match.

    `status` answers with the error `code`, or with `text` or a `location` instead; `hang` waits so many
    seconds and answers nothing; `drop_after` ends the connection after so many bytes of the body, and `pace`
    limits the body to so many bytes a second.
    """

    times: int = 1
    method: str = ""
    having: str = ""
    """A parameter of the query."""
    status: int = 0
    code: str = ""
    text: str | None = None
    location: str = ""
    hang: float = 0
    drop_after: int = -1
    pace: int = 0

    def matches(self, request: Request) -> bool:
        return (
            self.times > 0 and request.method.startswith(self.method) and self.having in ("", *request.query)
        )

    def answer(self) -> Answer:
        """The scripted answer."""
        if self.text is None and not self.location:
            return _error(Refused(self.status, self.code))
        headers = {"Location": self.location} if self.location else {}
        return Answer(self.status, headers, (self.text or "").encode())


class S3Server:
    """The server's state, which tests read and change while it runs."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.released = threading.Event()
        self.reset()
        self._servers = [_listening(self, is_cos=is_cos) for is_cos in (False, True)]
        self.endpoint, self.cos_endpoint = (
            f"http://127.0.0.1:{server.server_port}" for server in self._servers
        )

    def reset(self) -> None:
        """Forget everything but one bucket and one key."""
        self.keys: dict[str, Key] = {KEY_ID: Key(SECRET)}
        self.buckets: dict[str, dict[str, Stored]] = {BUCKET: {}}
        self.uploads: dict[str, Upload] = {}
        self.faults: list[Fault] = []
        self.region = REGION
        self.clock_offset = timedelta()
        self.page_size = 3
        self.requests: list[Request] = []
        self.forgetful = False
        """Keep no contents, so that tests of memory can write much."""

    @property
    def objects(self) -> dict[str, Stored]:
        return self.buckets[BUCKET]

    def results_url(self, prefix: str) -> str:
        """The `RESULTS_URL` of a prefix of the bucket."""
        return f"s3://{BUCKET}/{prefix}?endpoint={self.endpoint}&region={REGION}&addressing=path"

    def script(self, **fault: object) -> None:
        """Add a `Fault`."""
        self.faults.append(Fault(**fault))  # type: ignore[arg-type]

    def now(self) -> datetime:
        return datetime.now(UTC) + self.clock_offset

    def close(self) -> None:
        self.released.set()
        for server in self._servers:
            server.shutdown()
            server.server_close()

    def fault_for(self, request: Request) -> Fault | None:
        with self.lock:
            fault = next((each for each in self.faults if each.matches(request)), None)
            if fault:
                fault.times -= 1
            return fault

    def answer(self, request: Request, bucket: str, key: str, *, is_cos: bool) -> Answer:
        """Do what the request asks. Raises `Refused`."""
        by = check(request, self.keys, self.region, self.now())
        operation = _operation(request.method, request.query, key)
        with self.lock:
            self.requests.append(request)
            if bucket not in self.buckets:
                raise Refused(404, "NoSuchBucket")
            if operation.right not in by.rights:
                raise Refused(403, "AccessDenied")
            return operation.run(Call(self, request, self.buckets[bucket], key, is_cos))


@dataclass(frozen=True)
class Call:
    """One request to a bucket."""

    server: S3Server
    request: Request
    objects: dict[str, Stored]
    key: str
    is_cos: bool

    @property
    def upload(self) -> Upload:
        try:
            return self.server.uploads[self.request.query["uploadId"]]
        except KeyError:
            raise Refused(404, "NoSuchUpload") from None

    @property
    def content_type(self) -> str:
        return self.request.headers.get("content-type", "application/octet-stream")


def _put(call: Call) -> Answer:
    return _saved(call, call.request.body, call.content_type)


def _saved(call: Call, content: bytes, content_type: str) -> Answer:
    stored = Stored(content, content_type, call.server.now())
    call.objects[call.key] = stored
    return Answer(headers={"ETag": stored.etag})


def _get(call: Call) -> Answer:
    stored = call.objects.get(call.key)
    if stored is None:
        raise Refused(404, "NoSuchKey")
    headers = {
        "ETag": stored.etag,
        "Last-Modified": f"{stored.modified_at:%a, %d %b %Y %H:%M:%S GMT}",
        "Content-Type": call.request.query.get("response-content-type", stored.content_type),
        "Accept-Ranges": "bytes",
    }
    if disposition := call.request.query.get("response-content-disposition"):
        headers["Content-Disposition"] = disposition
    asked = re.fullmatch(r"bytes=(\d+)-(\d*)", call.request.headers.get("range", ""))
    if asked is None:
        return Answer(200, headers, stored.content)
    start, size = int(asked[1]), len(stored.content)
    stop = min(int(asked[2]) + 1 if asked[2] else size, size)
    if start >= size:
        raise Refused(416, "InvalidRange")
    headers["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
    return Answer(206, headers, stored.content[start:stop])


def _delete(call: Call) -> Answer:
    call.objects.pop(call.key, None)
    return Answer(204)


def _begin(call: Call) -> Answer:
    name = f"upload-{len(call.server.uploads) + 1}+/="  # characters that must be quoted in a query
    call.server.uploads[name] = Upload(call.key, call.content_type)
    return _xml("InitiateMultipartUploadResult", f"<Key>{escape(call.key)}</Key><UploadId>{name}</UploadId>")


def _part(call: Call) -> Answer:
    number, content = int(call.request.query["partNumber"]), call.request.body
    call.upload.parts[number] = b"" if call.server.forgetful else content
    return Answer(headers={"ETag": f'"{hashlib.sha256(content).hexdigest()[:32]}"'})


def _complete(call: Call) -> Answer:
    upload = call.upload
    listed = re.findall(rb"<PartNumber>(\d+)</PartNumber>", call.request.body)
    if [int(number) for number in listed] != sorted(upload.parts):
        raise Refused(400, "InvalidPart")
    parts = [content for _, content in sorted(upload.parts.items())]
    if any(len(part) < LEAST_PART for part in parts[:-1]) and not call.server.forgetful:
        raise Refused(400, "EntityTooSmall")
    _saved(call, b"".join(parts), upload.content_type)
    del call.server.uploads[call.request.query["uploadId"]]
    return _xml("CompleteMultipartUploadResult", '<ETag>"complete"</ETag>')


def _abort(call: Call) -> Answer:
    assert call.upload
    del call.server.uploads[call.request.query["uploadId"]]
    return Answer(204)


def _list(call: Call) -> Answer:
    query = call.request.query
    is_second = query.get("list-type") == "2"
    after = query.get("continuation-token") or query.get("start-after") if is_second else query.get("marker")
    keys = [key for key in sorted(call.objects, key=str.encode) if key.startswith(query.get("prefix", ""))]
    keys = [key for key in keys if key.encode() > (after or "").encode()]
    page = keys[: min(call.server.page_size, int(query.get("max-keys", 1000)))]
    is_last = page == keys
    written = quote if query.get("encoding-type") == "url" else escape
    text = f"<IsTruncated>{'false' if is_last else 'true'}</IsTruncated>"
    if not is_last:
        name = "NextContinuationToken" if is_second else "NextMarker"
        text += f"<{name}>{written(page[-1])}</{name}>"
    return _xml("ListBucketResult", text + "".join(_listed(key, call.objects[key], written) for key in page))


def _listed(key: str, stored: Stored, written: Callable[[str], str]) -> str:
    modified = f"{stored.modified_at:%Y-%m-%dT%H:%M:%S.000Z}"
    return (
        f"<Contents><Key>{written(key)}</Key><LastModified>{modified}</LastModified>"
        f"<ETag>{escape(stored.etag)}</ETag><Size>{len(stored.content)}</Size></Contents>"
    )


@dataclass(frozen=True)
class Operation:
    """What a request does, and the right that it needs."""

    right: str
    run: Callable[[Call], Answer]


_OPERATIONS: dict[tuple[str, str], Operation] = {
    ("PUT", ""): Operation("write", _put),
    ("GET", ""): Operation("read", _get),
    ("HEAD", ""): Operation("read", _get),
    ("DELETE", ""): Operation("delete", _delete),
    ("POST", "uploads"): Operation("write", _begin),
    ("PUT", "uploadId"): Operation("write", _part),
    ("POST", "uploadId"): Operation("write", _complete),
    ("DELETE", "uploadId"): Operation("write", _abort),
}
"""By method and the parameter that names a multipart upload."""
_LIST = Operation("list", _list)


def _operation(method: str, query: dict[str, str], key: str) -> Operation:
    if method == "GET" and not key:
        return _LIST
    about = next((name for name in ("uploads", "uploadId") if name in query), "")
    try:
        return _OPERATIONS[method, about]
    except KeyError:
        raise Refused(405, "MethodNotAllowed") from None


def _xml(name: str, text: str) -> Answer:
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<{name}>{text}</{name}>'
    return Answer(headers={"Content-Type": "application/xml"}, body=body.encode())


def _error(refused: Refused) -> Answer:
    answer = _xml("Error", f"<Code>{refused.code}</Code><Message>{escape(refused.detail)}</Message>")
    answer.status = refused.status
    return answer


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or a client's delayed acknowledgement adds 40 ms
    server: "_Listener"

    def do_GET(self) -> None:
        request, bucket, key = self._read()
        fault = self.server.owner.fault_for(request)
        if fault and fault.hang:
            self.server.owner.released.wait(fault.hang)
            self.close_connection = True
            return
        self._write(self._answer(request, bucket, key, fault), fault)

    do_HEAD = do_PUT = do_POST = do_DELETE = do_GET  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass

    def _read(self) -> tuple[Request, str, str]:
        target = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length", 0)))
        query = dict(parse_qsl(target.query, keep_blank_values=True))
        path = unquote(target.path)
        host = headers["host"].removesuffix(f".{VIRTUAL}")
        if self.server.is_cos:
            bucket, key = BUCKET, path[1:]
        elif host != headers["host"]:
            bucket, key = host, path[1:]
        else:
            bucket, _, key = path[1:].partition("/")
        return Request(self.command, path, query, headers, body), bucket, key

    def _answer(self, request: Request, bucket: str, key: str, fault: Fault | None) -> Answer:
        try:
            if fault and fault.status:
                return fault.answer()
            return self.server.owner.answer(request, bucket, key, is_cos=self.server.is_cos)
        except Refused as error:
            return _error(error)

    def _write(self, answer: Answer, fault: Fault | None) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.status != 204:
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        body = b"" if self.command == "HEAD" else answer.body
        if fault and fault.drop_after >= 0:
            body = body[: fault.drop_after]
            self.close_connection = True
        try:
            self._send(body, fault.pace if fault else 0)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def _send(self, body: bytes, pace: int) -> None:
        size = max(1, pace // 20) if pace else BLOCK
        for start in range(0, len(body), size):
            self.wfile.write(body[start : start + size])
            if pace and self.server.owner.released.wait(size / pace):
                return


class _Listener(ThreadingHTTPServer):
    owner: S3Server
    is_cos: bool

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients of these tests break connections off."""


def _listening(owner: S3Server, *, is_cos: bool) -> _Listener:
    server = _Listener(("127.0.0.1", 0), _Handler)
    server.owner, server.is_cos = owner, is_cos
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    return server


@pytest.fixture(scope="session")
def s3_server_of_session() -> Iterator[S3Server]:
    """One server for all tests of this process."""
    server = S3Server()
    yield server
    server.close()


@pytest.fixture
def s3_server(s3_server_of_session: S3Server) -> S3Server:
    """The server with one empty bucket and one key."""
    s3_server_of_session.reset()
    return s3_server_of_session
