"""A file while it arrives and is checked: in a temporary file, never in memory."""

import hashlib
import tempfile
from typing import IO

from videos.files import names, recognition
from videos.files.recognition import HEAD_BYTES, MOST_VIDEO_BYTES, NotTaken
from videos.files.storing import Received
from videos.requests.files import FileKind
from videos.requests.rules import Fault, Rule


class TooLarge(Exception):
    """A file exceeds the bytes that its kind may have, or any kind if it has none yet."""

    def __init__(self, kind: FileKind | None, most: int) -> None:
        words = f"must not exceed {most} bytes" + (f" as {kind.label}" if kind else "")
        super().__init__(words)
        self.fault = Fault(Rule.FILE_TOO_LARGE, words, {"most_bytes": most})


class Spool:
    """Writes a file to a temporary one, which has no name and ends when it is closed."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._head = b""
        self._kind: FileKind | None = None
        self._problem: NotTaken | None = None
        self._checksum = hashlib.sha256()
        self.size = 0
        self.content: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the request

    def write(self, piece: bytes) -> None:
        """Raises `TooLarge`. What is seen to be no picture or video is counted and dropped."""
        self.size += len(piece)
        self._checksum.update(piece)
        if len(self._head) < HEAD_BYTES:
            self._recognise(self._head + piece[:HEAD_BYTES])
        most = recognition.most_bytes(self._kind) if self._kind else MOST_VIDEO_BYTES
        if self.size > most:
            raise TooLarge(self._kind, most)
        if self._problem is None:
            self.content.write(piece)

    @property
    def sha256(self) -> str:
        return self._checksum.hexdigest()

    def received(self) -> Received:
        """The whole file. Raises `NotTaken`."""
        if not self.size:
            raise NotTaken("must not be empty", Rule.FILE_EMPTY)
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
