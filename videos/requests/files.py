"""The ids of uploaded files, which stand in requests wherever a URL may, and the kinds of files."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any
from uuid import UUID

from videos.requests.rules import Fault, Rule

PREFIX = "file_"
_ID = re.compile(r"file_[0-9a-f]{32}")
IMAGES, VIDEOS = ("JPEG", "PNG"), ("MP4", "MOV")
LABELS = (*IMAGES, *VIDEOS)
"""What is allowed where an image, a video or any file is wanted, as errors call it."""


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


class Upload(str):
    """A file that came with the request itself, in the place of a URL.

    As text it is the hash of its content, so that a request with the same files is the same request.
    """

    field: str
    """As the form names it."""
    kind: FileKind | None
    content: Any
    """What `videos.files` keeps of it."""
    fault: Fault | None
    """Why it is not taken at all; `kind` is None then."""

    @classmethod
    def of(cls, sha256: str, field: str, kind: FileKind, content: Any) -> "Upload":
        """A file of a kind that is taken."""
        return cls._made(sha256, field, kind, content, None)

    @classmethod
    def refused(cls, sha256: str, field: str, fault: Fault) -> "Upload":
        """A file that is not taken."""
        return cls._made(sha256, field, None, None, fault)

    @classmethod
    def _made(
        cls, sha256: str, field: str, kind: FileKind | None, content: Any, fault: Fault | None
    ) -> "Upload":
        made = cls(f"sha256:{sha256}")
        made.field, made.kind, made.content, made.fault = field, kind, content, fault
        return made


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


FindFiles = Callable[[Collection[str]], "Kinds"]
"""Looks up files by their public ids."""
Kinds = Mapping[str, FileKind | None]
"""The kinds of the files that exist, by public id; None stands for a kind that suits everywhere."""


def any_files(ids: Collection[str]) -> Kinds:
    """Takes every id; for requests that were checked before."""
    return dict.fromkeys(ids)


def is_file_id(value: Any) -> bool:
    """Whether the value has the form of a file's public id."""
    return isinstance(value, str) and value.startswith(PREFIX) and _ID.fullmatch(value) is not None


def ids_in(values: Any) -> Iterator[str]:
    """The ids of files among the strings in a value, at any depth."""
    if isinstance(values, str):
        yield from (values,) if is_file_id(values) else ()
    elif isinstance(values, dict | list | tuple):
        for value in values.values() if isinstance(values, dict) else values:
            yield from ids_in(value)


def fault_of(file_id: str, kinds: Kinds, wanted: Sequence[str]) -> Fault | None:
    """Why a file cannot stand there; None if it can."""
    if file_id not in kinds:
        return unknown(file_id)
    kind = kinds[file_id]
    if kind is not None and kind.label not in wanted:
        return of_another_kind(wanted, f"{file_id} is {kind.label}")
    return None


def unknown(file_id: str) -> Fault:
    """There is no such file."""
    return Fault(Rule.FILE_UNKNOWN, f"names {file_id}, which does not exist", {"file": file_id})


def of_another_kind(wanted: Sequence[str], but: str, how: str = "") -> Fault:
    """A file that is not of the wanted kinds; `but` says what it is instead, `how` that is known."""
    words = f"must be {' or '.join(wanted)}{how}; {but}"
    return Fault(Rule.FILE_OF_ANOTHER_KIND, words, {"allowed": tuple(wanted)})


def replaced(value: Any, links: Mapping[str, str]) -> Any:
    """The value with links in place of the ids among its strings, at any depth."""
    if isinstance(value, str):
        return links.get(value, value)
    if isinstance(value, dict):
        return {name: replaced(inner, links) for name, inner in value.items()}
    return [replaced(inner, links) for inner in value] if isinstance(value, list) else value


def replaced_in_json(text: str, links: Mapping[str, str]) -> str:
    """The same in a JSON text, whose other characters stay as they were written; links need no escapes."""
    for file_id, link in links.items():
        text = text.replace(f'"{file_id}"', f'"{link}"')
    return text
