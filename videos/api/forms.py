"""Parses forms with bracketed names into one nested mapping, like that of a JSON body.

Text is taken as it was sent, or refused: nothing is truncated, dropped or replaced.
"""

import base64
import binascii
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from multipart import MultipartError, MultipartSegment, PushMultipartParser
from rest_framework.exceptions import APIException
from rest_framework.parsers import BaseParser

from config import charsets
from videos.api.bodies import MalformedBody, check_length
from videos.requests import File
from videos.requests.strict_json import MAX_DEPTH, MOST_ITEMS

_BRACKETS = re.compile(r"\[([^\[\]]*)\]")
_INDEX = re.compile(r"[0-9]{1,4}")
_FIELD = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_FILE_NAME = re.compile(r";\s*filename\*?\s*=", re.IGNORECASE)
"""Matches any file name, also an empty one, or RFC 8187 syntax, which forms must not use."""
MOST_PARTS = 1000
_LONGEST_NAME = 100
"""How many characters of a name an error repeats."""
_LONGEST_BOUNDARY = 200
_HEADERS = "latin-1"
"""How the parser decodes part headers: each byte is one character, so that none is lost."""
_CHARSET_FIELD = "_charset_"
"""The field that gives the charset of all others (RFC 7578, section 4.6)."""
_DEFAULT = "utf-8"
_IDENTITY = ("7bit", "8bit", "binary")
"""Transfer encodings that leave the content unchanged."""


class IncompleteForm(APIException):
    """The form ends before its last boundary."""

    status_code = 400
    default_code = "incomplete_body"
    default_detail = "The form ends before its last boundary, so some of it is missing"


@dataclass(frozen=True)
class Part:
    """A field of a form, with its content as sent."""

    name: str
    content: bytes
    charset: str | None
    """The charset that the part declares."""
    is_file: bool

    def text(self, charset: str) -> str:
        """Decode the content, with `charset` if the part declares none. Raises `MalformedBody`."""
        declared = (self.charset or charset)[:_LONGEST_NAME]
        codec = charsets.codec(declared)
        if codec is None:
            raise self.refused(f"declares the charset {declared}, which is not known here; send UTF-8")
        try:
            return self.content.decode(codec)
        except UnicodeDecodeError as error:
            raise self.refused(f"is not {declared.upper()}: byte {error.start + 1} does not fit") from error

    def refused(self, why: str) -> MalformedBody:
        return MalformedBody(f"{self.name[:_LONGEST_NAME]} {why}", self.name[:_LONGEST_NAME])


class BracketFormParser(BaseParser):
    """`multipart/form-data` with bracketed names, as OpenAI's SDK sends it: `images[]`, `metadata[a][b]`."""

    media_type = "multipart/form-data"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> dict[str, Any]:
        """Parse a form into a mapping like that of JSON; an uploaded file becomes `File`.

        Raises `RequestTooLarge`, `IncompleteForm`, or `MalformedBody`.
        """
        request = parser_context["request"]
        check_length(request)
        boundary = str((request._request.content_params or {}).get("boundary", ""))
        sent = [*parts(stream.read(), boundary)]
        charset = _charset_of(sent)
        texts = [part for part in sent if not part.is_file and part.name != _CHARSET_FIELD]
        # A file nested in a field makes the whole field a file, which is refused instead of dropped.
        files = {part.name.partition("[")[0] or part.name: File(part.name) for part in sent if part.is_file}
        return nested([(part.name, part.text(charset)) for part in texts]) | files


def _charset_of(sent: Iterable[Part]) -> str:
    """The charset of parts that declare none. Raises `MalformedBody` if the form names an unknown one."""
    charset = next((part.text(_DEFAULT) for part in sent if part.name == _CHARSET_FIELD), _DEFAULT)
    if charsets.codec(charset) is None:
        named = f"names the charset {charset[:_LONGEST_NAME]}, which is not known here; send UTF-8"
        raise MalformedBody(f"{_CHARSET_FIELD} {named}", _CHARSET_FIELD)
    return charset


def parts(content: bytes, boundary: str) -> Iterator[Part]:
    """Yield the parts in order. Raises `IncompleteForm` or `MalformedBody`."""
    _check_boundary(content, boundary)
    parser = PushMultipartParser(boundary, header_charset=_HEADERS)
    number = 1
    try:
        for segment, piece in _segments(parser, content):
            yield _part(segment, piece, number)
            number += 1
    except MultipartError as error:
        raise MalformedBody(f"The form is malformed in part {number}: {error}") from error
    _check_end(parser, content, boundary)


def _check_boundary(content: bytes, boundary: str) -> None:
    if not boundary or not boundary.isascii() or len(boundary) > _LONGEST_BOUNDARY:
        raise MalformedBody(
            f"The Content-Type of a form must name its boundary, 1-{_LONGEST_BOUNDARY} ASCII characters"
        )
    if f"--{boundary}".encode() not in content:
        raise MalformedBody(f"The boundary that Content-Type names, {boundary}, does not occur in the form")


def _check_end(parser: PushMultipartParser, content: bytes, boundary: str) -> None:
    try:
        parser.close()
    except MultipartError as error:
        raise IncompleteForm from error
    _, _, rest = (b"\r\n" + content).partition(f"\r\n--{boundary}--".encode())
    if rest.strip():
        raise MalformedBody("The form goes on behind its last boundary")


def _segments(parser: PushMultipartParser, content: bytes) -> Iterator[tuple[MultipartSegment, bytes]]:
    """Yield each complete segment with its content."""
    segment, pieces = None, list[bytes]()
    for event in parser.parse(content):
        if isinstance(event, MultipartSegment):
            segment, pieces = event, []
        elif event is not None:
            pieces.append(bytes(event))
        elif segment is not None:
            yield segment, b"".join(pieces)


def _part(segment: MultipartSegment, content: bytes, number: int) -> Part:
    if number > MOST_PARTS:
        raise MalformedBody(f"The form must not exceed {MOST_PARTS} fields")
    if not segment.name:
        raise MalformedBody(f"Part {number} of the form has no name")
    name = _utf_8(segment.name, f"The name of part {number} of the form")
    _utf_8(segment.filename or "", f"The file name of {name[:_LONGEST_NAME]}")
    is_file = _FILE_NAME.search(str(segment.header("Content-Disposition"))) is not None
    part = Part(name, content, segment.charset, is_file)
    return _decoded(part, str(segment.header("Content-Transfer-Encoding", _IDENTITY[0])))


def _utf_8(header: str, what: str) -> str:
    try:
        return header.encode(_HEADERS).decode()
    except UnicodeDecodeError as error:
        raise MalformedBody(f"{what} is not UTF-8") from error


def _decoded(part: Part, encoding: str) -> Part:
    """The part without its transfer encoding; base64 is the only one supported."""
    if encoding.lower() in _IDENTITY:
        return part
    if encoding.lower() != "base64":
        raise part.refused(f"has the Content-Transfer-Encoding {encoding[:_LONGEST_NAME]}; send it as it is")
    try:
        return replace(part, content=base64.b64decode(b"".join(part.content.split()), validate=True))
    except binascii.Error as error:
        raise part.refused("is not base64, which its Content-Transfer-Encoding says") from error


def nested(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Unfold bracketed names: `a[b][c]` is an object in an object, `a[]` and a repeated `a` are arrays.

    `a[0][b]` belongs to the item with that number, the n-th `a[][b]` to the n-th item. Raises `MalformedBody`
    if names contradict each other or nest too deeply.
    """
    body: dict[str, Any] = {}
    for name, value in pairs:
        match = _FIELD.fullmatch(name)
        keys = [match[1], *_BRACKETS.findall(match[2])] if match else [name]
        if len(keys) > MAX_DEPTH:
            raise MalformedBody(f"{name[:_LONGEST_NAME]} nests deeper than {MAX_DEPTH} levels", keys[0])
        try:
            _put(body, keys, value)
        except (TypeError, AttributeError) as error:
            raise MalformedBody(f"{name[:_LONGEST_NAME]} contradicts another field", keys[0]) from error
    body = {key: _with_arrays(value) for key, value in body.items()}
    for key in ("images", "videos"):
        # A form cannot tell an array of one from a value.
        if isinstance(body.get(key), str):
            body[key] = [body[key]]
    return body


def _put(container: Any, keys: list[str], value: Any) -> None:
    key, rest = keys[0], keys[1:]
    if isinstance(container, list) is not (key == ""):
        raise TypeError("an array and an object of one name")
    if isinstance(container, list):
        _append(container, rest, value)
    elif not rest:
        if isinstance(container.get(key), dict):
            raise TypeError("a value and an object of one name")
        container[key] = [*_as_list(container[key]), value] if key in container else value
    else:
        _put(container.setdefault(key, [] if rest[0] == "" else {}), rest, value)


def _append(items: list[Any], keys: list[str], value: Any) -> None:
    if not keys:
        items.append(value)
        return
    if len(items) > MOST_ITEMS:
        return  # the body is refused later; this saves the time
    item = next((item for item in items if isinstance(item, dict) and not _holds(item, keys)), None)
    if item is None:
        items.append(item := {})
    _put(item, keys, value)


def _holds(container: Any, keys: list[str]) -> bool:
    """Whether there is already a value at the end of `keys`; an array takes any number."""
    return not keys or (
        isinstance(container, dict) and keys[0] in container and _holds(container[keys[0]], keys[1:])
    )


def _with_arrays(value: Any) -> Any:
    """Turn objects with numbered keys, from `a[0]` and `a[1]`, into arrays in that order."""
    if isinstance(value, list):
        return [_with_arrays(item) for item in value]
    if not isinstance(value, dict):
        return value
    items = {key: _with_arrays(item) for key, item in value.items()}
    return (
        [items[key] for key in sorted(items, key=int)]
        if items and all(map(_INDEX.fullmatch, items))
        else items
    )


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
