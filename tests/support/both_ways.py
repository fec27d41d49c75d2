"""Serves each request of the test client that the lane recognises both ways, and compares the responses.

The lane goes first, in a transaction that is rolled back; then the view, whose response counts.
"""

import gzip
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

from django.core.signals import setting_changed
from django.db import Error, connection, transaction
from django.test.client import ClientHandler, FakePayload
from django.utils import timezone

from accounts.api import throttles
from accounts.models import APIKey
from config.edge.answers import Answer
from videos.lane import asked, origin
from videos.lane.asked import recognise
from videos.lane.lanes import Serve, serving
from videos.lane.routes import Kind

HEADERS_OF_ONE_WAY = frozenset({"x-request-id", "content-length", "etag"})
"""Headers that depend on the request or on the exact second."""
LONG_AGO = 1_000_000_000
"""Greater numbers are times, in Unix seconds."""
BUSY = 60
"""Seconds that a busy machine may take between the two responses."""
_GZIP = b"\x1f\x8b"
_COUNTS_SECONDS = ("x-ratelimit-reset", "body.progress")
"""Numbers that depend on the time as well."""
_TEXT_OF_ONE_WAY = re.compile("task_[0-9a-f]{32}|expires=[0-9]+&signature=[0-9a-f]{64}")
"""The ID of a new task, and the part of a link that depends on the second."""
_BESIDE_HEADERS = {"CONTENT_TYPE": b"content-type"}
_CACHED = (origin.origin, origin.forwarded_scheme_header, origin._middleware, asked._wanted)


compared: Counter[str] = Counter()
"""How many responses of this process were compared, by path."""
_paused: list[None] = []


@contextmanager
def by_the_view_alone() -> Iterator[None]:
    """Leave the lane out in the block."""
    _paused.append(None)
    try:
        yield
    finally:
        _paused.pop()


class BothWays(ClientHandler):
    """A handler of Django's test client."""

    def __call__(self, environ: dict[str, Any]) -> Any:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        answer = None if _paused or connection.queries_logged else by_lane(environ, body)
        response = super().__call__({**environ, "wsgi.input": FakePayload(body)})
        if answer:
            compare(answer, response)
            compared[environ["PATH_INFO"]] += 1
        return response


def by_lane(environ: Mapping[str, Any], body: bytes) -> Answer | None:
    """The lane's response, after which nothing is written or counted; None if the view is to serve it."""
    try:
        known = recognise(scope_of(environ), body)
    except UnicodeEncodeError:  # no server passes such text
        return None
    if known is None:
        return None
    outcome = None
    with _undone():
        # A first use is left to the view, which records it.
        APIKey.objects.filter(prefix=known.key.prefix).update(last_used_at=timezone.now())
        [outcome] = _serving()[known.route.kind]([known])
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def compare(answer: Answer, response: Any) -> None:
    """Assert that the lane's response is the view's, but for new ids and seconds that went by."""
    sent = {name.decode(): value.decode("latin-1") for name, value in answer.headers}
    assert len(sent) == len(answer.headers)
    assert sent["content-length"] == str(len(answer.body))
    expected = {name.lower(): value for name, value in response.headers.items()}
    assert response.status_code == answer.status == 200, response.content
    assert sent.keys() == expected.keys()
    for name in sent.keys() - HEADERS_OF_ONE_WAY:
        _assert_same(_header(name, sent[name]), _header(name, expected[name]), name)
    ours, theirs = (json.loads(plain(content)) for content in (answer.body, response.content))
    _assert_same(ours, theirs, "body")
    if answer.body == response.content:
        assert sent.get("etag") == expected.get("etag")


def plain(content: bytes) -> bytes:
    """The content, decompressed if it is compressed."""
    return gzip.decompress(content) if content.startswith(_GZIP) else content


def scope_of(environ: Mapping[str, Any]) -> dict[str, Any]:
    """The ASGI scope of a WSGI environ."""
    headers = [
        (
            _BESIDE_HEADERS.get(name) or name[5:].replace("_", "-").lower().encode(),
            str(value).encode("latin-1"),
        )
        for name, value in environ.items()
        if name.startswith("HTTP_") or (name in _BESIDE_HEADERS and value)
    ]
    return {
        "method": environ["REQUEST_METHOD"],
        "path": environ["PATH_INFO"].encode("latin-1").decode(errors="replace"),
        "query_string": environ.get("QUERY_STRING", "").encode("latin-1"),
        "scheme": environ["wsgi.url_scheme"],
        "server": (environ["SERVER_NAME"], environ["SERVER_PORT"]),
        "client": (environ["REMOTE_ADDR"], 0),
        "headers": headers,
    }


@contextmanager
def _undone() -> Iterator[None]:
    counted = dict(throttles._BUCKETS._full_at)
    try:
        with transaction.atomic():
            yield
            transaction.set_rollback(True)
    except Error:
        if not connection.in_atomic_block:
            connection.close()
    finally:
        throttles._BUCKETS._full_at = counted


@cache
def _serving() -> Mapping[Kind, Serve]:
    return serving()


def _header(name: str, value: str) -> Any:
    if name == "vary":
        return sorted(part.strip().lower() for part in value.split(","))
    return int(value) if value.isdigit() else value


def _assert_same(ours: Any, theirs: Any, where: str) -> None:
    if isinstance(ours, dict):
        assert list(ours) == list(theirs), where
        for name, value in ours.items():
            _assert_same(value, theirs[name], f"{where}.{name}")
    elif isinstance(ours, list):
        assert len(ours) == len(theirs), where
        for nth, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            _assert_same(one, other, f"{where}[{nth}]")
    elif isinstance(ours, int) and isinstance(theirs, int):
        depends_on_time = min(ours, theirs) > LONG_AGO or where in _COUNTS_SECONDS
        assert abs(ours - theirs) <= (BUSY if depends_on_time else 1), where
    elif isinstance(ours, str) and isinstance(theirs, str):
        assert ours == theirs or _TEXT_OF_ONE_WAY.sub("", ours) == _TEXT_OF_ONE_WAY.sub("", theirs), where
    else:
        assert ours == theirs, where


def _forget(**_: Any) -> None:
    for cached in _CACHED:
        cached.cache_clear()


setting_changed.connect(_forget)
