"""A proxy whose answers come late, though the server behind it has long acted."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from time import sleep
from typing import ClassVar
from urllib.parse import urlsplit

DELAY = 2.5
"""Seconds that a late answer takes."""
_OWN = {"connection", "transfer-encoding", "keep-alive", "date", "server", "content-length"}
"""Headers of one connection, which the proxy writes itself."""


class _Proxy(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    site: ClassVar[str]
    late: ClassVar[Collection[str]]

    def do_GET(self) -> None:
        self._pass_on(b"")

    def do_POST(self) -> None:
        self._pass_on(self.rfile.read(int(self.headers.get("Content-Length", 0))))

    def _pass_on(self, body: bytes) -> None:
        answer, content = self._asked(body)
        sleep(DELAY if self._is_late(answer) else 0)
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in _OWN:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _is_late(self, answer: HTTPResponse) -> bool:
        """Styles, scripts and pictures come at once, as from a cache."""
        return self.command in self.late and (
            self.command != "GET" or answer.headers.get_content_type() == "text/html"
        )

    def _asked(self, body: bytes) -> tuple[HTTPResponse, bytes]:
        """The answer of the site, and its body."""
        connection = HTTPConnection(self.site, timeout=30)
        try:
            connection.request(self.command, self.path, body, dict(self.headers))
            answer = connection.getresponse()
            return answer, answer.read()
        finally:
            connection.close()

    def handle(self) -> None:
        try:
            super().handle()
        except ConnectionError:  # the browser left the page
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name it has there
        """Keep quiet."""


@contextmanager
def slow(site: str, late: Collection[str] = ("POST",)) -> Iterator[str]:
    """The address of a proxy before the site, which delays the answers to these methods."""
    handler = type("Proxy", (_Proxy,), {"site": urlsplit(site).netloc, "late": late})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
