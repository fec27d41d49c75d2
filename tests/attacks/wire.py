"""HTTP over plain sockets, so that malformed requests can be sent."""

import http.client
import json
import secrets
import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tests.attacks.attack import Target

ME = "127.0.0.2"
"""Default source address of attacks; on Linux every address of 127/8 can be used."""
PATIENCE = 5.0
"""Seconds to wait for an answer."""
RECOVERY = 60.0
"""Seconds to wait until a broken server answers again."""
_PIECE = 64 * 1024

Field = tuple[str, str | bytes]


@dataclass(frozen=True)
class Answer:
    """The server's answer, and the seconds it took."""

    status: int
    headers: http.client.HTTPMessage
    content: bytes
    seconds: float

    @property
    def json(self) -> Any:
        """The content as JSON, or None if it is not."""
        try:
            return json.loads(self.content)
        except ValueError:
            return None

    @property
    def code(self) -> str:
        """The error code of a refusal in the API's envelope; otherwise empty."""
        body = self.json
        return str(body.get("code", "")) if isinstance(body, dict) and "error" in body else ""

    @property
    def message(self) -> str:
        body = self.json
        return str(body.get("message", "")) if isinstance(body, dict) else ""

    def __str__(self) -> str:
        return f"{self.status} {self.code}".strip()


class Connection:
    """A connection from a chosen source address."""

    def __init__(self, target: Target, source: str = ME, patience: float = PATIENCE) -> None:
        self.socket = socket.create_connection((target.host, target.port), patience, (source, 0))
        self._began = time.monotonic()

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, *error: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> bool:
        """Returns whether the connection was still open."""
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            return False
        return True

    def finish(self) -> None:
        """Close the sending side only."""
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            return  # already closed by the server

    def answer(self) -> Answer | None:
        """The next answer; None if the server closed the connection. Raises `TimeoutError`."""
        response = http.client.HTTPResponse(self.socket)
        try:
            response.begin()
            content = response.read()
        except (ConnectionError, http.client.HTTPException):
            return None
        return Answer(response.status, response.headers, content, time.monotonic() - self._began)

    def wait_for_end(self, seconds: float) -> float | None:
        """Seconds from the start until the server closed; None if it did not within `seconds`."""
        while (left := self._began + seconds - time.monotonic()) > 0:
            self.socket.settimeout(left)
            try:
                if not self.socket.recv(_PIECE):
                    break
            except TimeoutError:
                return None
            except OSError:
                break
        else:
            return None
        return time.monotonic() - self._began

    def received(self) -> bytes | None:
        """The data received so far: None if there is none, empty if the server closed."""
        self.socket.setblocking(False)
        try:
            return self.socket.recv(_PIECE)
        except BlockingIOError:
            return None
        except OSError:
            return b""

    @property
    def is_open(self) -> bool:
        return self.received() != b""


def head(
    target: Target, method: str, path: str, fields: Iterable[Field] = (), *, host: str | None = None
) -> bytes:
    lines = [f"{method} {path} HTTP/1.1".encode(), f"Host: {host or target.netloc}".encode()]
    lines += [
        name.encode() + b": " + (value if isinstance(value, bytes) else value.encode())
        for name, value in fields
    ]
    return b"\r\n".join(lines) + b"\r\n\r\n"


def bearer(key: str | None) -> list[Field]:
    return [("Authorization", f"Bearer {key}")] if key else []


def posted(
    target: Target, path: str, body: bytes, fields: Iterable[Field], length: int | None = None
) -> bytes:
    """A POST of the body, with its own Content-Length or another."""
    announced = ("Content-Length", str(len(body) if length is None else length))
    return head(target, "POST", path, [*fields, announced]) + body


def ask(target: Target, request: bytes, source: str = ME, patience: float = PATIENCE) -> Answer | None:
    """The answer to one request on a new connection; None if the server closed it."""
    with Connection(target, source, patience) as connection:
        connection.send(request)
        return connection.answer()


def get(target: Target, path: str, fields: Iterable[Field] = (), *, host: str | None = None) -> Answer | None:
    return ask(target, head(target, "GET", path, [*bearer(target.key), *fields], host=host))


def post_json(target: Target, path: str, body: object, fields: Iterable[Field] = ()) -> Answer | None:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    sent = [*bearer(target.key), ("Content-Type", "application/json"), *fields]
    return ask(target, posted(target, path, content, sent))


def form(fields: Iterable[tuple[str, str]]) -> tuple[Field, bytes]:
    """A multipart form: its Content-Type field and its body."""
    boundary = f"part{secrets.token_hex(8)}"
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields
    ]
    content_type = ("Content-Type", f"multipart/form-data; boundary={boundary}")
    return content_type, "".join([*parts, f"--{boundary}--\r\n"]).encode()


def recover(target: Target) -> None:
    """Wait until the server answers fast again, for up to `RECOVERY` seconds."""
    deadline = time.monotonic() + RECOVERY
    while time.monotonic() < deadline:
        try:
            answer = ask(target, head(target, "GET", "/healthz"), patience=1.0)
        except OSError:
            time.sleep(0.2)
            continue
        if answer is not None and answer.seconds < target.bars.latency:
            return
        time.sleep(0.1)
