"""The head of a request: how large it may be, and what Django is told of it.

Header values are bytes. WSGI, and so Django, carries bytes as Latin-1 characters, one for each.
"""

import io
import sys
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

Scope = Mapping[str, Any]
"""What an ASGI server tells of a request."""
Environ = dict[str, Any]
"""What WSGI hands to an application."""

MOST_FIELDS = 64
"""Header fields of one request. The server itself refuses more than a hundred."""
MOST_BYTES = 16 * 1024
"""Of the path, the query and the header fields together."""
_NOT_PREFIXED = {b"content-type": "CONTENT_TYPE"}
_SEPARATORS = {"HTTP_COOKIE": b"; "}
"""What joins the values of a field that was sent more than once; a comma for all others."""


def is_too_large(scope: Scope) -> bool:
    """Whether the head has too many fields or too many bytes."""
    fields = scope["headers"]
    if len(fields) > MOST_FIELDS:
        return True
    size = len(scope["raw_path"]) + len(scope["query_string"])
    for name, value in fields:
        size += len(name) + len(value)
    return size > MOST_BYTES


def field(scope: Scope, name: bytes) -> bytes | None:
    """The first value of a header field, by its name in lower case; None where it was not sent."""
    for sent, value in scope["headers"]:
        if sent == name:
            return bytes(value)
    return None


def declared_length(scope: Scope) -> int | None:
    """How many bytes the body is said to have; None where only its end will tell."""
    length = field(scope, b"content-length")
    if length is not None:
        return int(length)
    is_framed = scope["http_version"] == "2" or field(scope, b"transfer-encoding") is not None
    return None if is_framed else 0


def environ(scope: Scope, body: io.IOBase, length: int) -> Environ:
    """The request as WSGI tells it, with `length` bytes to read from `body`."""
    host, port = scope["server"]
    return {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": scope["path"].encode().decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": host,
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": scope["client"][0],
        "CONTENT_LENGTH": str(length),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.input": body,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        **_fields(scope["headers"]),
    }


def _fields(sent: list[tuple[bytes, bytes]]) -> dict[str, str]:
    values: dict[str, list[bytes]] = {}
    for name, value in sent:
        # A Host that was not sent comes as an empty one; Django takes the server's address for none.
        if (key := _key(name)) and (value or name != b"host"):
            values.setdefault(key, []).append(value)
    return {key: _SEPARATORS.get(key, b",").join(value).decode("latin-1") for key, value in values.items()}


@lru_cache(maxsize=1024)
def _key(name: bytes) -> str:
    """What WSGI calls a header field; empty for one that it is not told of."""
    # A name with an underscore would pass for one with a hyphen. The length is that of what did arrive.
    if b"_" in name or name == b"content-length":
        return ""
    return _NOT_PREFIXED.get(name) or f"HTTP_{name.decode('latin-1').upper().replace('-', '_')}"
