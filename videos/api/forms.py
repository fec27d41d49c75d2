"""Parses forms with bracketed names into one nested mapping, like that of a JSON body.

Text is taken as it was sent, or refused: nothing is truncated, dropped or replaced.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from rest_framework.parsers import BaseParser

from config import charsets
from videos.api.bodies import MalformedBody, RequestTooLarge, check_length
from videos.api.parts import LONGEST_NAME, MEDIA_TYPE, Nowhere, Part, Sink, Text, boundary_of, parts
from videos.api.spools import FormTooLarge, PartSpool
from videos.files.recognition import NotTaken
from videos.requests import File
from videos.requests.files import Upload
from videos.requests.strict_json import MAX_DEPTH, MOST_ITEMS

FILES = "reelay.files"
"""Key in `META` of the temporary files of a request whose route takes files."""
REFERENCE = "input_reference"
"""OpenAI's field for an image that the video begins with."""
_TAKEN = (REFERENCE, "images", "videos")
"""The fields that may be files."""
_BRACKETS = re.compile(r"\[([^\[\]]*)\]")
_INDEX = re.compile(r"[0-9]{1,4}")
_FIELD = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_CHARSET_FIELD = "_charset_"
"""The field that gives the charset of all others (RFC 7578, section 4.6)."""
_DEFAULT = "utf-8"


@contextmanager
def files_taken(request: HttpRequest) -> Iterator[None]:
    """Let forms of the request hold files, whose temporary files end with the block."""
    with ExitStack() as opened:
        if settings.UPLOADS:
            request.META[FILES] = opened
        yield


class BracketFormParser(BaseParser):
    """`multipart/form-data` with bracketed names, as OpenAI's SDK sends it: `images[]`, `metadata[a][b]`."""

    media_type = MEDIA_TYPE

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> dict[str, Any]:
        """Parse a form into a mapping like that of JSON.

        A file is an `Upload` where the route takes files and the field may be one, else a `File`. Raises
        `RequestTooLarge`, `IncompleteForm` or `MalformedBody`.
        """
        request = parser_context["request"]
        sinks = _Sinks(request.META.get(FILES))
        sinks.check_length(request)
        sent = list(parts(stream, boundary_of(request), sinks.sink_for))
        if not any(isinstance(sink, PartSpool) for _, sink in sent):
            check_length(request)  # without files it is a body like any other
        return _with_reference(_body_of(sent))


class _Sinks:
    """Where the parts of a form go: text into memory, up to a limit, and files into temporary ones."""

    def __init__(self, opened: ExitStack | None) -> None:
        self._opened = opened
        self._text_left = settings.MAX_BODY_BYTES

    def check_length(self, request: Any) -> None:
        """Raise `RequestTooLarge` if the form exceeds its limit."""
        if self._opened is None:
            check_length(request)
        elif int(request.META.get("CONTENT_LENGTH") or 0) > settings.MAX_FORM_BYTES:
            raise FormTooLarge(settings.MAX_FORM_BYTES)

    def sink_for(self, part: Part) -> Sink:
        if not part.is_file:
            return _LimitedText(self)
        if self._opened is None or _field(part) not in _TAKEN:
            return Nowhere()
        spool = PartSpool(part)
        self._opened.callback(spool.content.close)
        return spool

    def take(self, count: int) -> None:
        """Count so many bytes of text. Raises `RequestTooLarge`."""
        self._text_left -= count
        if self._text_left < 0:
            raise RequestTooLarge


class _LimitedText(Text):
    def __init__(self, sinks: _Sinks) -> None:
        super().__init__()
        self._sinks = sinks

    def write(self, piece: bytes) -> None:
        self._sinks.take(len(piece))
        super().write(piece)


def _body_of(sent: Sequence[tuple[Part, Sink]]) -> dict[str, Any]:
    """The body of a form. Raises `MalformedBody`."""
    charset = _charset_of(
        [(part, part.decoded(bytes(sink))) for part, sink in sent if isinstance(sink, Text)]
    )
    values = [(part, _value(part, sink, charset)) for part, sink in sent if part.name != _CHARSET_FIELD]
    pairs = [(part.name, value) for part, value in values if value is not None]
    # A file nested in a field makes the whole field a file, which is refused instead of dropped.
    files = {_field(part): File(part.name) for part, sink in sent if isinstance(sink, Nowhere)}
    return nested(pairs) | files


def _value(part: Part, sink: Sink, charset: str) -> str | None:
    """The value of a field; None for a file that is not taken."""
    if isinstance(sink, Text):
        return part.text(part.decoded(bytes(sink)), charset)
    if not isinstance(sink, PartSpool):
        return None
    name = part.name[:LONGEST_NAME]
    try:
        received = sink.received()
    except NotTaken as error:
        return Upload.refused(sink.sha256, name, error.fault)
    return Upload.of(sink.sha256, name, received.kind, received)


def _with_reference(body: dict[str, Any]) -> dict[str, Any]:
    """The body with the files of `input_reference` as its first images."""
    given = body.get(REFERENCE)
    references = given if isinstance(given, list) else [given]
    images = body.get("images", [])
    if not all(isinstance(one, Upload) for one in references) or not isinstance(images, list):
        return body
    return {name: value for name, value in body.items() if name != REFERENCE} | {
        "images": [*references, *images]
    }


def _field(part: Part) -> str:
    return part.name.partition("[")[0] or part.name


def _charset_of(texts: Iterable[tuple[Part, bytes]]) -> str:
    """The charset of parts that declare none. Raises `MalformedBody` if the form names an unknown one."""
    named = (part.text(text, _DEFAULT) for part, text in texts if part.name == _CHARSET_FIELD)
    charset = next(named, _DEFAULT)
    if charsets.codec(charset) is None:
        names = f"names the charset {charset[:LONGEST_NAME]}, which is not known here; send UTF-8"
        raise MalformedBody(f"{_CHARSET_FIELD} {names}", _CHARSET_FIELD)
    return charset


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
            raise MalformedBody(f"{name[:LONGEST_NAME]} nests deeper than {MAX_DEPTH} levels", keys[0])
        try:
            _put(body, keys, value)
        except (TypeError, AttributeError) as error:
            raise MalformedBody(f"{name[:LONGEST_NAME]} contradicts another field", keys[0]) from error
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
