"""Receives an upload: a form with one file and its purpose."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.request import Request

from videos.api.bodies import EMPTY, MalformedBody
from videos.api.parts import LONGEST_NAME, MEDIA_TYPE, Part, Sink, Text, boundary_of, parts
from videos.api.spools import FormTooLarge, PartSpool, refused
from videos.files.recognition import NotTaken
from videos.files.storing import Received
from videos.requests.files import LABELS

FILE, PURPOSE = "file", "purpose"
"""The fields of an upload."""
PURPOSES = ("reference",)
MOST_PARTS = 20
_LONGEST_TEXT = 1024
"""Bytes of a field that is no file."""


class _Short(Text):
    """The content of a field that is no file."""

    def __init__(self, part: Part) -> None:
        super().__init__()
        self._part = part

    def write(self, piece: bytes) -> None:
        super().write(piece)
        if len(self) > _LONGEST_TEXT:
            raise self._part.refused(f"must not exceed {_LONGEST_TEXT} bytes")


@dataclass
class _Form:
    """An upload as far as it has arrived."""

    file: PartSpool | None = None
    purpose: str | None = None


@contextmanager
def received(request: Request, most: int) -> Iterator[Received]:
    """The file of an upload, whose body may have `most` bytes; its temporary file is gone after the block.

    Raises `RequestTooLarge`, `UnsupportedMediaType`, `IncompleteForm`, `MalformedBody` or
    `InvalidRequestError`.
    """
    if request._request.content_type != MEDIA_TYPE:
        raise UnsupportedMediaType(request._request.content_type or "")
    length = int(request.META.get("CONTENT_LENGTH") or 0)
    if length > most:
        raise FormTooLarge(most)
    if not length:
        raise MalformedBody(EMPTY)
    with ExitStack() as opened:
        yield _complete(_read(request, opened))


def _read(request: Request, opened: ExitStack) -> _Form:
    form = _Form()

    def sink_for(part: Part) -> Sink:
        if not part.is_file:
            return _Short(part)
        if part.name != FILE or form.file is not None:
            raise refused(part.name[:LONGEST_NAME], f"must not be a file; send one file, as {FILE}")
        form.file = PartSpool(part)
        opened.callback(form.file.content.close)
        return form.file

    for part, sink in parts(request._request, boundary_of(request), sink_for, MOST_PARTS):
        if isinstance(sink, _Short):
            _take_text(form, part, sink)
    return form


def _take_text(form: _Form, part: Part, content: bytes | bytearray) -> None:
    if part.name == FILE:
        raise refused(FILE, "must be sent as a file, with a file name")
    if part.name != PURPOSE:
        raise refused(part.name[:LONGEST_NAME], f"is not supported; {FILE} and {PURPOSE} are")
    if form.purpose is not None:
        raise refused(PURPOSE, "must be sent once")
    form.purpose = part.text(part.decoded(bytes(content)), "utf-8")


def _complete(form: _Form) -> Received:
    if form.file is None:
        raise refused(FILE, "is required")
    if form.purpose not in PURPOSES:
        given = "" if form.purpose is None else f", not {form.purpose[:LONGEST_NAME]!r}"
        raise refused(PURPOSE, f"must be {' or '.join(PURPOSES)}{given}", PURPOSES)
    try:
        return form.file.received()
    except NotTaken as error:
        raise refused(FILE, str(error), LABELS) from error
