"""Receives the files of a form, block by block, in temporary files: never in memory."""

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import IO

from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.request import Request

from videos.api.bodies import EMPTY, MalformedBody, RequestTooLarge
from videos.api.forms import BracketFormParser, Part, Sink, Text, boundary_of, parts
from videos.files import names, recognition
from videos.files.recognition import HEAD_BYTES, MOST_VIDEO_BYTES, NotTaken
from videos.files.storing import Received
from videos.requests import InvalidRequestError, Violation
from videos.requests.files import FileKind

FILE, PURPOSE = "file", "purpose"
"""The fields of an upload."""
PURPOSES = ("reference",)
MOST_PARTS = 20
_LONGEST_TEXT = 1024
"""Bytes of a field that is no file."""
_LABELS = tuple(kind.label for kind in FileKind)
_SHOWN = 100
"""Characters of a name or value that an error shows."""


class FileTooLarge(RequestTooLarge):
    """A file exceeds the size for its kind; `param` is its field."""

    def __init__(self, field: str, kind: FileKind | None, most: int) -> None:
        super().__init__(f"{field} must not exceed {most} bytes" + (f" as {kind.label}" if kind else ""))
        self.param = field


class FormTooLarge(RequestTooLarge):
    """A form exceeds what its route takes."""

    def __init__(self, most: int) -> None:
        super().__init__(f"The request body must not exceed {most} bytes")


class Spool:
    """Writes a file of a form to a temporary file, which the system deletes when it is closed."""

    def __init__(self, part: Part) -> None:
        """Raises `MalformedBody` if the part is encoded."""
        if part.is_encoded:
            raise part.encoding_refused()
        self._field = part.name[:_SHOWN]
        self._name = part.file_name or ""
        self._head = b""
        self._kind: FileKind | None = None
        self._checksum = hashlib.sha256()
        self.size = 0
        self.content: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the request

    def write(self, piece: bytes) -> None:
        """Raises `FileTooLarge`, and `InvalidRequestError` once it is seen to be no picture or video."""
        self.size += len(piece)
        if len(self._head) < HEAD_BYTES:
            self._head += piece[:HEAD_BYTES]
            if len(self._head) >= HEAD_BYTES:
                self._kind = self._recognised(self._head)
        most = recognition.most_bytes(self._kind) if self._kind else MOST_VIDEO_BYTES
        if self.size > most:
            raise FileTooLarge(self._field, self._kind, most)
        self._checksum.update(piece)
        self.content.write(piece)

    def received(self) -> Received:
        """The whole file. Raises `InvalidRequestError` if it is none that is taken."""
        if not self.size:
            raise _refused(self._field, "must not be empty")
        try:
            kind = recognition.check(self.content, self.size)
        except NotTaken as error:
            raise _refused(self._field, str(error), _LABELS) from error
        name = names.cleaned(self._name, kind)
        return Received(name, kind, self.size, self._checksum.hexdigest(), self.content)

    def _recognised(self, head: bytes) -> FileKind:
        try:
            return recognition.kind_of(head)
        except NotTaken as error:
            raise _refused(self._field, str(error), _LABELS) from error


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

    file: Spool | None = None
    purpose: str | None = None


@contextmanager
def received(request: Request, most: int) -> Iterator[Received]:
    """The file of an upload, whose body may have `most` bytes; its temporary file is gone after the block.

    Raises `RequestTooLarge`, `UnsupportedMediaType`, `IncompleteForm`, `MalformedBody` or
    `InvalidRequestError`.
    """
    if request._request.content_type != BracketFormParser.media_type:
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
            raise _refused(part.name[:_SHOWN], f"must not be a file; send one file, as {FILE}")
        form.file = Spool(part)
        opened.callback(form.file.content.close)
        return form.file

    for part, sink in parts(request._request, boundary_of(request), sink_for, MOST_PARTS):
        if isinstance(sink, _Short):
            _take_text(form, part, sink)
    return form


def _take_text(form: _Form, part: Part, content: bytes | bytearray) -> None:
    if part.name == FILE:
        raise _refused(FILE, "must be sent as a file, with a file name")
    if part.name != PURPOSE:
        raise _refused(part.name[:_SHOWN], f"is not supported; {FILE} and {PURPOSE} are")
    if form.purpose is not None:
        raise _refused(PURPOSE, "must be sent once")
    form.purpose = part.text(part.decoded(bytes(content)), "utf-8")


def _complete(form: _Form) -> Received:
    if form.file is None:
        raise _refused(FILE, "is required")
    if form.purpose not in PURPOSES:
        given = "" if form.purpose is None else f", not {form.purpose[:_SHOWN]!r}"
        raise _refused(PURPOSE, f"must be {' or '.join(PURPOSES)}{given}", PURPOSES)
    return form.file.received()


def _refused(field: str, why: str, allowed: tuple[str, ...] | None = None) -> InvalidRequestError:
    return InvalidRequestError([Violation(f"{field} {why}", field, allowed=allowed)])
