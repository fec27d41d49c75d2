"""Every refusal on every route is machine-readable and has a request id."""

import json
import socket
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest
from django.test import Client

from accounts.models import Role
from tests.conftest import Caller
from tests.support.fork_server import ForkServer
from tests.support.people import Browser, make_person, text
from tests.support.refusals import METHODS, assert_refused
from tests.support.rows import check_each, each
from tests.support.web_process import WebProcess
from videos.models import UpstreamAccount

ASSET = "/static/admin/css/base.css"
PAGES = (
    "/",
    "/log-in/",
    "/admin/",
    "/admin/login/",
    "/language/",
    "/portal/01a21cab-b866-72b8-8a41-da17a78b1ba7/videos/",
)
ALLOWED = {
    **dict.fromkeys(PAGES, ("GET", "HEAD", "POST")),
    **dict.fromkeys(("/healthz", "/healthz/", "/readyz"), ("GET", "HEAD")),
}
EVERY_METHOD = (*METHODS, "CONNECT", "PROPFIND")


@each(
    "path, method",
    [(path, method) for path, allowed in ALLOWED.items() for method in EVERY_METHOD if method not in allowed],
)
def test_a_wrong_method_gets_405_with_the_allowed_ones_on_every_page(
    path: str, method: str, nobody: Caller, db: None
) -> None:
    answer = nobody.request(method, path)
    assert answer.status_code == 405
    assert {*answer.headers["allow"].split(", ")} == {*ALLOWED[path]}
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert assert_refused(answer, 405, "method_not_allowed") == f'Method "{method}" not allowed.'


@each("path", ["*", "/nowhere", "/v1", "/portal/x/", "/v1/"])
@each("method", ["OPTIONS", "TRACE", "CONNECT", "BREW", "GET"])
def test_an_unknown_route_gets_404_for_every_method(path: str, method: str, nobody: Caller) -> None:
    assert_refused(nobody.request(method, path), 404, "not_found")


def test_an_address_that_only_takes_a_form_is_a_page_for_browsers(
    owner: Caller, account: UpstreamAccount
) -> None:
    alice = make_person("alice", owner.tenant, Role.OWNER, is_staff=True, is_superuser=True)
    tenant, in_console = f"/portal/{owner.tenant.pk}", f"/admin/videos/upstreamaccount/{account.pk}"
    browser = Browser(alice)

    def holds(path: str) -> None:
        for language, words in ("en", "This address is not a page"), ("zh-hans", "此地址不是页面"):
            answer = browser.get(path, headers={"accept-language": language})
            assert (answer.status_code, answer["allow"].split(", ")[0]) == (405, "POST")
            assert words in text(answer)
            assert "default-src" in answer["content-security-policy"]
        program = browser.get(path, headers={"accept": "application/json"})
        assert_refused(program, 405, "method_not_allowed")

    paths = (
        "/log-out/",
        "/profile/second-factor/off/",
        f"{tenant}/members/leave/",
        f"{tenant}/members/1/role/",
        f"{in_console}/check/",
        f"{in_console}/restore/",
    )
    check_each(paths, holds)
    listed = browser.post(f"{tenant}/statement/")
    assert (listed.status_code, "This kind of request is not supported" in text(listed)) == (405, True)
    refused: Any = Browser().client.put("/v1/models")
    assert_refused(refused, 405, "method_not_allowed")


def test_a_form_without_csrf_token_gets_a_readable_refusal(db: None) -> None:
    for accept, is_page in ("*/*", False), ("text/html", True):
        answer: Any = Client(enforce_csrf_checks=True, headers={"accept": accept}).post("/log-in/")
        assert answer.status_code == 403
        assert ("html" in answer.headers["content-type"]) is is_page
        if not is_page:
            assert_refused(answer, 403, "permission_denied")


# --- over the wire


class Wire(NamedTuple):
    """Raw bytes and the expected refusal; the code is None if the server itself refuses without a body."""

    line: str
    head: str
    status: int
    code: str | None
    body: str = ""


def fields(count: int) -> str:
    return "".join(f"x-{number}: 1\r\n" for number in range(count))


LENGTH = "Content-Type: application/json\r\nContent-Length: {}\r\n"
WIRES = [
    Wire("OPTIONS * HTTP/1.1", "", 404, "not_found"),
    Wire("OPTIONS /v1/videos HTTP/1.1", "", 405, "method_not_allowed"),
    Wire("TRACE /v1/videos HTTP/1.1", "", 405, "method_not_allowed"),
    Wire("CONNECT /v1/videos HTTP/1.1", "", 405, "method_not_allowed"),
    Wire("CONNECT example.com:443 HTTP/1.1", "", 405, "method_not_allowed"),
    Wire("CONNECT / HTTP/1.1", "", 405, "method_not_allowed"),
    Wire("TRACE / HTTP/1.1", "", 405, "method_not_allowed"),
    Wire("BREW /log-in/ HTTP/1.1", "", 405, "method_not_allowed"),
    Wire("PUT /healthz HTTP/1.1", "", 405, "method_not_allowed"),
    Wire(f"PUT {ASSET} HTTP/1.1", "", 405, "method_not_allowed"),
    Wire(f"GET {ASSET} HTTP/1.1", "Range: bytes=99999999-\r\n", 416, "invalid_range"),
    Wire("GET http://localhost/v1/nowhere HTTP/1.1", "", 404, "not_found"),
    Wire("GET /v1/nowhere HTTP/1.0", "", 404, "not_found"),
    Wire(
        "POST /v1/videos HTTP/1.1",
        "Expect: 100-continue\r\n" + LENGTH.format(2),
        401,
        "invalid_api_key",
        "{}",
    ),
    Wire("POST /v1/videos HTTP/1.1", "Expect: tea\r\n" + LENGTH.format(2), 401, "invalid_api_key", "{}"),
    Wire("POST /v1/videos HTTP/1.1", LENGTH.format(9223372036854775807), 401, "invalid_api_key", "{}"),
    Wire("GET /v1/videos HTTP/1.1", fields(64), 431, "header_too_large"),
    Wire("GET /v1/videos HTTP/1.1", fields(98), 431, "header_too_large"),
    Wire("GET /v1/videos HTTP/1.1", f"x: {'a' * 60_000}\r\n", 431, "header_too_large"),
    Wire(f"GET /v1/{'a' * 60_000} HTTP/1.1", "", 431, "header_too_large"),
    # The server refuses these itself as malformed or too large (`config.edge.server`).
    Wire("GET /v1/videos HTTP/1.1", fields(150), 431, None),
    Wire(f"GET /v1/{'a' * 70_000} HTTP/1.1", "", 414, None),
    Wire("GET /v1/videos?a=\xe9 HTTP/1.1", "", 400, None),
    Wire("GET v1/videos HTTP/1.1", "", 400, None),
    Wire("G@T /v1/videos HTTP/1.1", "", 400, None),
    Wire("GET /v1/videos HTTP/9.9", "", 400, None),
    Wire("GET /v1/videos HTTP/1.1", "a header\r\n", 400, None),
    Wire("POST /v1/videos HTTP/1.1", LENGTH.format("-1"), 400, None),
    Wire("POST /v1/videos HTTP/1.1", LENGTH.format(2) + "Content-Length: 3\r\n", 400, None, "{}"),
    Wire("POST /v1/videos HTTP/1.1", "Transfer-Encoding: gzip\r\n", 400, None, "{}"),
]


def asked(url: str, wire: Wire) -> tuple[int, dict[str, str], bytes]:
    address = urlsplit(url)
    sent = f"{wire.line}\r\nHost: localhost\r\nConnection: close\r\n{wire.head}\r\n{wire.body}"
    with socket.create_connection((address.hostname or "", address.port or 0), timeout=20) as connection:
        connection.sendall(sent.encode("latin-1"))
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    answer = answer.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n")
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    pairs = (line.split(": ", 1) for line in lines)
    return int(status.split()[1]), {name.lower(): value for name, value in pairs}, body


@pytest.mark.processes
def test_a_malformed_request_over_the_wire_gets_the_envelope(
    transactional_db: None, fork_server: ForkServer, tmp_path: Path
) -> None:
    process = WebProcess(fork_server, tmp_path / "web.log")
    try:
        process.wait()
        for wire in WIRES:
            status, headers, body = asked(process.url, wire)
            found: Any = json.loads(body)["error"]["code"] if body else None
            assert (status, found, "x-request-id" in headers) == (
                wire.status,
                wire.code,
                wire.code is not None,
            ), wire.line[:60]
    finally:
        process.kill()
