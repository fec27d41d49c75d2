"""The head of a request: its size limits, and its conversion to a WSGI environ.

ASGI header values are bytes; WSGI carries each byte as a Latin-1 character.
"""

import io
import sys
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

Scope = Mapping[str, Any]
"""The ASGI scope of a request."""
Environ = dict[str, Any]
"""The WSGI environ of a request."""

MOST_FIELDS = 64
"""Header fields of one request; the server itself refuses more than 100."""
MOST_BYTES = 16 * 1024
"""Of the path, the query and the header fields together."""
_NOT_PREFIXED = {b"content-type": "CONTENT_TYPE"}
_SEPARATORS = {"HTTP_COOKIE": b"; "}
"""Separators of repeated header fields; the others use a comma."""


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
    """The first value of a header field, by its name in lower case; None if it was not sent."""
    for sent, value in scope["headers"]:
        if sent == name:
            return bytes(value)
    return None


def declared_length(scope: Scope) -> int | None:
    """The announced length of the body in bytes; None if it is not known before the body ends."""
    length = field(scope, b"content-length")
    if length is not None:
        return int(length)
    is_framed = scope["http_version"] == "2" or field(scope, b"transfer-encoding") is not None
    return None if is_framed else 0


def environ(scope: Scope, body: io.IOBase, length: int) -> Environ:
    """The WSGI environ of the request, with `length` bytes to read from `body`."""
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
        # The server passes a missing Host as an empty one; without the key, Django uses the server's address.
        if (key := _key(name)) and (value or name != b"host"):
            values.setdefault(key, []).append(value)
    return {key: _SEPARATORS.get(key, b",").join(value).decode("latin-1") for key, value in values.items()}


@lru_cache(maxsize=1024)
def _key(name: bytes) -> str:
    """The environ key of a header field; empty if the field is left out."""
    # An underscore would be mistaken for a hyphen. CONTENT_LENGTH is set from what arrived.
    if b"_" in name or name == b"content-length":
        return ""
    return _NOT_PREFIXED.get(name) or f"HTTP_{name.decode('latin-1').upper().replace('-', '_')}"
