"""The files of a form, in temporary files while they are received and checked."""

import hashlib
import tempfile
from typing import IO

from videos.api.bodies import RequestTooLarge
from videos.api.parts import LONGEST_NAME, Part
from videos.files import names, recognition
from videos.files.recognition import HEAD_BYTES, MOST_VIDEO_BYTES, NotTaken
from videos.files.storing import Received
from videos.requests import InvalidRequestError, Violation
from videos.requests.files import FileKind


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
        self._field = part.name[:LONGEST_NAME]
        self._name = part.file_name or ""
        self._head = b""
        self._kind: FileKind | None = None
        self._problem: NotTaken | None = None
        self._checksum = hashlib.sha256()
        self.size = 0
        self.content: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the request

    def write(self, piece: bytes) -> None:
        """Raises `FileTooLarge`. What is seen to be no picture or video is counted and dropped."""
        self.size += len(piece)
        self._checksum.update(piece)
        if len(self._head) < HEAD_BYTES:
            self._recognise(self._head + piece[:HEAD_BYTES])
        most = recognition.most_bytes(self._kind) if self._kind else MOST_VIDEO_BYTES
        if self.size > most:
            raise FileTooLarge(self._field, self._kind, most)
        if self._problem is None:
            self.content.write(piece)

    @property
    def sha256(self) -> str:
        return self._checksum.hexdigest()

    def received(self) -> Received:
        """The whole file. Raises `NotTaken`."""
        if not self.size:
            raise NotTaken("must not be empty")
        if self._problem:
            raise self._problem
        kind = recognition.check(self.content, self.size)
        return Received(names.cleaned(self._name, kind), kind, self.size, self.sha256, self.content)

    def _recognise(self, head: bytes) -> None:
        self._head = head
        if len(head) < HEAD_BYTES:
            return
        try:
            self._kind = recognition.kind_of(head)
        except NotTaken as error:
            self._problem = error


def refused(field: str, why: str, allowed: tuple[str, ...] | None = None) -> InvalidRequestError:
    """The refusal of a field of a form."""
    return InvalidRequestError([Violation(f"{field} {why}", field, allowed=allowed)])
