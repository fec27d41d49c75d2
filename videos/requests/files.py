"""The ids of uploaded files, which stand in requests wherever a URL may, and the kinds of files."""

import re
from enum import StrEnum
from typing import Any
from uuid import UUID

PREFIX = "file_"
_ID = re.compile(r"file_[0-9a-f]{32}")


class FileKind(StrEnum):
    """What a file is, recognised by its content."""

    JPEG = "jpeg"
    PNG = "png"
    MP4 = "mp4"
    MOV = "mov"

    @property
    def is_image(self) -> bool:
        return self in (FileKind.JPEG, FileKind.PNG)

    @property
    def content_type(self) -> str:
        return _CONTENT_TYPES[self]

    @property
    def label(self) -> str:
        """As errors call it."""
        return self.name


_CONTENT_TYPES = {
    FileKind.JPEG: "image/jpeg",
    FileKind.PNG: "image/png",
    FileKind.MP4: "video/mp4",
    FileKind.MOV: "video/quicktime",
}


def public_file_id(file_id: UUID) -> str:
    """The id clients see: `file_` and 32 hex digits."""
    return f"{PREFIX}{file_id.hex}"


def parse_file_id(text: Any) -> UUID | None:
    """The primary key in a public id; None for anything else."""
    if not isinstance(text, str) or not _ID.fullmatch(text):
        return None
    return UUID(hex=text.removeprefix(PREFIX))
