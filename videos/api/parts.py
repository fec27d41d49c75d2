"""Reads the parts of a form, block by block."""

import base64
import binascii
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol, cast

from multipart import MultipartError, MultipartSegment, PushMultipartParser
from rest_framework.exceptions import APIException
from rest_framework.request import Request

from config import charsets
from videos.api.bodies import MalformedBody

MEDIA_TYPE = "multipart/form-data"
MOST_PARTS = 1000
BLOCK = 64 * 1024
"""Bytes read at a time."""
LONGEST_NAME = 100
"""How many characters of a name an error repeats."""
_FILE_NAME = re.compile(r";\s*filename\*?\s*=", re.IGNORECASE)
"""Matches any file name, also an empty one, or RFC 8187 syntax, which forms must not use."""
_LONGEST_BOUNDARY = 200
_HEADERS = "latin-1"
"""How the parser decodes part headers: each byte is one character, so that none is lost."""
_IDENTITY = ("7bit", "8bit", "binary")
"""Transfer encodings that leave the content unchanged."""


class IncompleteForm(APIException):
    """The form ends before its last boundary."""

    status_code = 400
    default_code = "incomplete_body"
    default_detail = "The form ends before its last boundary, so some of it is missing"


class Stream(Protocol):
    """A body."""

    def read(self, size: int, /) -> bytes: ...


class Sink(Protocol):
    """Takes the content of a part, piece by piece."""

    def write(self, piece: bytes, /) -> object: ...


@dataclass(frozen=True)
class Part:
    """The head of a field of a form."""

    name: str
    charset: str | None
    """The charset that the part declares."""
    file_name: str | None
    """As sent; None if it is no file."""
    encoding: str = _IDENTITY[0]
    """Its transfer encoding."""

    @property
    def is_file(self) -> bool:
        return self.file_name is not None

    @property
    def is_encoded(self) -> bool:
        """Whether its content was changed for the transfer."""
        return self.encoding.lower() not in _IDENTITY

    def text(self, content: bytes, charset: str) -> str:
        """Decode the content, with `charset` if the part declares none. Raises `MalformedBody`."""
        declared = (self.charset or charset)[:LONGEST_NAME]
        codec = charsets.codec(declared)
        if codec is None:
            raise self.refused(f"declares the charset {declared}, which is not known here; send UTF-8")
        try:
            return content.decode(codec)
        except UnicodeDecodeError as error:
            raise self.refused(f"is not {declared.upper()}: byte {error.start + 1} does not fit") from error

    def decoded(self, content: bytes) -> bytes:
        """The content without its transfer encoding; base64 is the only one supported."""
        if not self.is_encoded:
            return content
        if self.encoding.lower() != "base64":
            raise self.encoding_refused()
        try:
            return base64.b64decode(b"".join(content.split()), validate=True)
        except binascii.Error as error:
            raise self.refused("is not base64, which its Content-Transfer-Encoding says") from error

    def encoding_refused(self) -> MalformedBody:
        encoding = self.encoding[:LONGEST_NAME]
        return self.refused(f"has the Content-Transfer-Encoding {encoding}; send it as it is")

    def refused(self, why: str) -> MalformedBody:
        return MalformedBody(f"{self.name[:LONGEST_NAME]} {why}", self.name[:LONGEST_NAME])


class Text(bytearray):
    """Keeps the content of a part in memory."""

    def write(self, piece: bytes) -> None:
        self += piece


class Nowhere:
    """Drops the content of a part."""

    def write(self, piece: bytes) -> None:
        """Drop it."""


def boundary_of(request: Request) -> str:
    """The boundary of the request's form. Raises `MalformedBody` if it can be none."""
    boundary = str((request._request.content_params or {}).get("boundary", ""))
    if not boundary or not boundary.isascii() or len(boundary) > _LONGEST_BOUNDARY:
        raise MalformedBody(
            f"The Content-Type of a form must name its boundary, 1-{_LONGEST_BOUNDARY} ASCII characters"
        )
    return boundary


def parts(
    stream: Stream, boundary: str, sink_for: Callable[[Part], Sink], most: int = MOST_PARTS
) -> Iterator[tuple[Part, Sink]]:
    """Yield each part, in order, once its content is written to the sink that `sink_for` gave for it.

    Reads block by block. Raises `IncompleteForm`, `MalformedBody`, and what sinks raise.
    """
    parser, frame = PushMultipartParser(boundary, header_charset=_HEADERS), _Frame(boundary)
    part, sink, number = Part("", None, None), cast("Sink", Nowhere()), 1
    try:
        while block := stream.read(BLOCK):
            frame.see(block)
            for event in parser.parse(block):
                if isinstance(event, MultipartSegment):
                    part = _part(event, number, most)
                    sink = sink_for(part)
                elif event is not None:
                    sink.write(event)
                else:
                    yield part, sink
                    number += 1
        frame.check_begin()
    except MultipartError as error:
        raise MalformedBody(f"The form is malformed in part {number}: {error}") from error
    try:
        parser.close()
    except MultipartError as error:
        raise IncompleteForm from error
    frame.check_end()


class _Frame:
    """Looks, in the blocks of a form, for its boundary, and for what follows the last one."""

    def __init__(self, boundary: str) -> None:
        self._boundary, self._end = f"--{boundary}".encode(), f"\r\n--{boundary}--".encode()
        self._has_begun = self._has_ended = self._goes_on = False
        self._kept = b"\r\n"  # the first boundary may stand at the very begin

    def see(self, block: bytes) -> None:
        """Look through the next block."""
        seen = self._kept + block
        self._has_begun = self._has_begun or self._boundary in seen
        if not self._has_ended:
            _, end, rest = seen.partition(self._end)
            self._has_ended, block = bool(end), rest
            self._kept = seen[-len(self._end) + 1 :]
        self._goes_on = self._goes_on or (self._has_ended and bool(block.strip()))

    def check_begin(self) -> None:
        if not self._has_begun:
            name = self._boundary[2:].decode()
            raise MalformedBody(f"The boundary that Content-Type names, {name}, does not occur in the form")

    def check_end(self) -> None:
        if self._goes_on:
            raise MalformedBody("The form goes on behind its last boundary")


def _part(segment: MultipartSegment, number: int, most: int) -> Part:
    if number > most:
        raise MalformedBody(f"The form must not exceed {most} fields")
    if not segment.name:
        raise MalformedBody(f"Part {number} of the form has no name")
    name = _utf_8(segment.name, f"The name of part {number} of the form")
    file_name = _utf_8(segment.filename or "", f"The file name of {name[:LONGEST_NAME]}")
    is_file = _FILE_NAME.search(str(segment.header("Content-Disposition"))) is not None
    encoding = str(segment.header("Content-Transfer-Encoding", _IDENTITY[0]))
    return Part(name, segment.charset, file_name if is_file else None, encoding)


def _utf_8(header: str, what: str) -> str:
    try:
        return header.encode(_HEADERS).decode()
    except UnicodeDecodeError as error:
        raise MalformedBody(f"{what} is not UTF-8") from error
