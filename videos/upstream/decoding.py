"""Decodes the content encodings of HTTP in pieces of bounded size: a small body can decode to terabytes."""

import zlib
from collections.abc import Iterator
from typing import Protocol

MOST_AT_ONCE = 256 * 1024
"""Bytes of a decoded piece."""
_GZIP, _ZLIB, _BARE = 16 + zlib.MAX_WBITS, zlib.MAX_WBITS, -zlib.MAX_WBITS
"""The formats as zlib numbers them. "deflate" is the second, but some servers send the third."""


class UnknownEncoding(ValueError):
    """A content encoding that was not asked for and is not known."""


class DamagedEncoding(ValueError):
    """The body is not in its encoding, or is incomplete."""


class Decoder(Protocol):
    """Decodes one body."""

    def decode(self, data: bytes) -> Iterator[bytes]:
        """What the next part of the body decodes to. Raises `DamagedEncoding`."""

    def finish(self) -> None:
        """The body has ended. Raises `DamagedEncoding` if that is too early."""


def decoder_of(encoding: str) -> Decoder:
    """The decoder of a content encoding. Raises `UnknownEncoding`."""
    if encoding in ("", "identity"):
        return _Plain()
    if encoding in ("gzip", "x-gzip"):
        return _Inflating(_GZIP)
    if encoding == "deflate":
        return _Inflating()
    raise UnknownEncoding


class _Plain:
    def decode(self, data: bytes) -> Iterator[bytes]:
        yield data

    def finish(self) -> None:
        """Nothing is held back."""


class _Inflating:
    def __init__(self, form: int | None = None) -> None:
        """`form` is None if the first byte is to tell zlib's format from the bare one."""
        self._form = form
        self._zlib = zlib.decompressobj(form) if form else None

    def decode(self, data: bytes) -> Iterator[bytes]:
        while data:
            current = self._current(data)
            yield from self._decoded(current, data)
            data = current.unused_data

    def finish(self) -> None:
        if self._zlib is None or not self._zlib.eof:
            raise DamagedEncoding

    def _current(self, data: bytes) -> "zlib._Decompress":
        if self._form is None:
            # In zlib's format the first four bits name the method, which is 8.
            self._form = _ZLIB if data[0] & 0x0F == 8 else _BARE
        if self._zlib is None or self._zlib.eof:  # a file of gzip may have several members
            self._zlib = zlib.decompressobj(self._form)
        return self._zlib

    @staticmethod
    def _decoded(current: "zlib._Decompress", data: bytes) -> Iterator[bytes]:
        has_more = True
        while has_more:
            try:
                piece = current.decompress(data, MOST_AT_ONCE)
            except zlib.error as error:
                raise DamagedEncoding from error
            data = current.unconsumed_tail
            # A full piece may have left more inside, even if all of the input was taken.
            has_more = bool(data) or len(piece) == MOST_AT_ONCE
            if piece:
                yield piece
