"""Recognises pictures and videos by their content, without decoding them. Pure.

Only headers are parsed: a decoder would be a risk, and a small file may decode to gigabytes. The structure is
followed to the end, so that a file that is cut off, or has something else behind its end, is not taken.
"""

import re
import struct
import zlib
from dataclasses import dataclass
from typing import IO, Any

from videos.requests.files import LABELS, FileKind
from videos.requests.rules import Fault, Rule

MOST_IMAGE_BYTES = 10 * 1024 * 1024
MOST_VIDEO_BYTES = 200 * 1024 * 1024
MOST_PIXELS = 64 * 1024 * 1024
"""Of an image, such as 8192 x 8192; decoded, each takes three or four bytes."""
HEAD_BYTES = 32
"""So many bytes tell the kind of a file."""
_MOST_PARTS = 20_000
"""Segments of a JPEG, chunks of a PNG or boxes of a video; real files have at most some thousand."""
_BLOCK = 64 * 1024
_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8\xff"
_BOX_NAME = re.compile(rb"[ -~\xa9]{4}")
_MARKER = re.compile(rb"\xff([^\x00\xd0-\xd7\xff])")
"""In the data of a JPEG: neither an escaped byte, a restart marker nor padding."""
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
"""Markers that give the size of a JPEG."""
_STANDALONE = {0x01, *range(0xD0, 0xD8)}
_END, _SCAN = 0xD9, 0xDA
_STILLS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1")
_KNOWN_OTHERS: tuple[tuple[bytes, str], ...] = (
    (b"GIF8", "a GIF"),
    (b"BM", "a BMP"),
    (b"II*\x00", "a TIFF"),
    (b"MM\x00*", "a TIFF"),
    (b"%PDF", "a PDF"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\x1aE\xdf\xa3", "a WebM or Matroska video"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"#!", "a program"),
)
_MARKUP = (
    (b"<svg", "an SVG"),
    (b"<?xml", "an XML document"),
    *((begin, "an HTML page") for begin in (b"<!doctype", b"<html", b"<script")),
)


class NotTaken(Exception):
    """The file is not taken; `fault` says why."""

    def __init__(self, words: str, rule: Rule = Rule.FILE_DAMAGED, **values: Any) -> None:
        """`words` are put behind the name of the field."""
        super().__init__(words)
        self.fault = Fault(rule, words, values)


@dataclass(frozen=True)
class Pixels:
    """The size of an image."""

    width: int
    height: int


def kind_of(head: bytes) -> FileKind:
    """The kind of a file, by its first `HEAD_BYTES`. Raises `NotTaken`."""
    if head.startswith(_JPEG):
        return FileKind.JPEG
    if head.startswith(_PNG):
        return FileKind.PNG
    if head[4:8] == b"ftyp":
        return _kind_of_brand(head[8:12])
    raise _other(_looks_like(head))


def what_it_is(head: bytes) -> str:
    """What else than a kind that is taken a file is by its first bytes, such as `a GIF`."""
    try:
        return kind_of(head[:HEAD_BYTES]).label
    except NotTaken:
        what = _looks_like(head) if head else "empty"
        return what if what != "none" else "something else"


def pixels_of(head: bytes, kind: FileKind) -> tuple[int, int] | None:
    """Width and height of an image by its beginning; None if that does not tell."""
    if kind is FileKind.PNG and head[12:16] == b"IHDR":
        width, height = struct.unpack(">II", head[16:24].ljust(8, b"\0"))
        return (width, height) if width and height else None
    return _pixels_of_jpeg(head) if kind is FileKind.JPEG else None


def _pixels_of_jpeg(head: bytes) -> tuple[int, int] | None:
    position = 2
    while position + 9 <= len(head) and head[position] == 0xFF:
        marker = head[position + 1]
        if marker in _FRAMES:
            height, width = struct.unpack(">HH", head[position + 5 : position + 9])
            return width, height
        if marker in (_SCAN, _END):
            return None
        if marker == 0xFF:  # padding
            position += 1
        elif marker in _STANDALONE:
            position += 2
        else:
            position += 2 + int.from_bytes(head[position + 2 : position + 4])
    return None


def most_bytes(kind: FileKind) -> int:
    """The most bytes that a file of the kind may have."""
    return MOST_IMAGE_BYTES if kind.is_image else MOST_VIDEO_BYTES


def check(file: IO[bytes], size: int) -> FileKind:
    """The kind of a whole file of `size` bytes, which must be complete. Raises `NotTaken`."""
    file.seek(0)
    kind = kind_of(file.read(HEAD_BYTES))
    if kind is FileKind.JPEG:
        _check_pixels(_jpeg(file, size))
    elif kind is FileKind.PNG:
        _check_pixels(_png(file, size))
    else:
        _check_boxes(file, size)
    return kind


def _kind_of_brand(brand: bytes) -> FileKind:
    if brand == b"qt  ":
        return FileKind.MOV
    if brand in _STILLS:
        raise _other("a HEIC")
    if brand in (b"avif", b"avis"):
        raise _other("an AVIF")
    if brand in (b"M4A ", b"M4B ", b"M4P "):
        raise _other("a sound file")
    return FileKind.MP4


def _other(what: str) -> NotTaken:
    words = f"must be a JPEG, PNG, MP4 or MOV by its content; this is {what}"
    return NotTaken(words, Rule.FILE_OF_ANOTHER_KIND, allowed=LABELS)


def _looks_like(head: bytes) -> str:
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "a WebP"
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    found = (what for begin, what in _MARKUP if text.startswith(begin))
    return next(found, "") or next((what for begin, what in _KNOWN_OTHERS if head.startswith(begin)), "none")


def _check_pixels(size: Pixels) -> None:
    if not size.width or not size.height:
        raise NotTaken("must have a width and a height; this image has none")
    if size.width * size.height > MOST_PIXELS:
        raise NotTaken(
            f"must not exceed {MOST_PIXELS} pixels; this image has {size.width} x {size.height}",
            Rule.IMAGE_TOO_LARGE,
            width=size.width,
            height=size.height,
            most=MOST_PIXELS,
        )


def _png(file: IO[bytes], size: int) -> Pixels:
    """Its size, after following the chunks to the end of the file."""
    file.seek(len(_PNG))
    first = _exactly(file, 25, "PNG")
    length, name, width, height = struct.unpack(">I4sII", first[:16])
    if (length, name) != (13, b"IHDR") or zlib.crc32(first[4:21]) != int.from_bytes(first[21:]):
        raise NotTaken("must be a valid PNG; its header is damaged")
    pixels, has_data = Pixels(width, height), False
    _check_pixels(pixels)
    for _ in range(_MOST_PARTS):
        length, name = struct.unpack(">I4s", _exactly(file, 8, "PNG"))
        end = file.tell() + length + 4
        if end > size or (name == b"IEND" and length):
            raise NotTaken("must be a whole PNG; it ends too early")
        file.seek(end)
        has_data = has_data or name == b"IDAT"
        if name == b"IEND":
            _check_end(size - end, has_data=has_data)
            return pixels
    raise NotTaken(f"must have at most {_MOST_PARTS} chunks")


def _jpeg(file: IO[bytes], size: int) -> Pixels:
    """Its size, after following the segments to the end of the image."""
    file.seek(2)
    pixels, has_data = None, False
    for _ in range(_MOST_PARTS):
        marker = _next_marker(file)
        if marker == _END:
            _check_trailer(file, size)
            if pixels is None or not has_data:
                raise NotTaken("must be a valid JPEG; it has no image in it")
            return pixels
        if marker in _STANDALONE:
            continue
        length = int.from_bytes(_exactly(file, 2, "JPEG"))
        end = file.tell() + length - 2
        if length < 2 or end > size:
            raise NotTaken("must be a whole JPEG; it ends too early")
        if marker in _FRAMES:
            _, height, width = struct.unpack(">BHH", _exactly(file, 5, "JPEG"))
            pixels = Pixels(width, height)
            _check_pixels(pixels)
        file.seek(end)
        if marker == _SCAN:
            has_data = True
            _skip_scan(file)
    raise NotTaken(f"must have at most {_MOST_PARTS} segments")


def _next_marker(file: IO[bytes]) -> int:
    if _exactly(file, 1, "JPEG") != b"\xff":
        raise NotTaken("must be a valid JPEG; its segments are damaged")
    while (marker := _exactly(file, 1, "JPEG")[0]) == 0xFF:  # padding
        pass
    return marker


def _skip_scan(file: IO[bytes]) -> None:
    """Go to the next marker behind the compressed data."""
    begin = file.tell()
    kept = b""
    while block := file.read(_BLOCK):
        piece = kept + block
        if found := _MARKER.search(piece):
            file.seek(begin - len(kept) + found.start())
            return
        begin += len(block)
        kept = b"\xff" if block.endswith(b"\xff") else b""
    raise NotTaken("must be a whole JPEG; it ends too early")


def _check_trailer(file: IO[bytes], size: int) -> None:
    """What cameras write behind the image is taken: a preview, Samsung's data, or padding; nothing else."""
    begin = file.tell()
    if begin == size:
        return
    first = file.read(3)
    file.seek(max(begin, size - 4))
    last = file.read(4)
    if first == _JPEG or last == b"SEFT" or (size - begin <= _BLOCK and not _any_left(file, begin)):
        return
    _check_end(size - begin, has_data=True)


def _any_left(file: IO[bytes], begin: int) -> bool:
    file.seek(begin)
    return bool(file.read(_BLOCK).strip(b"\x00"))


def _check_end(left: int, *, has_data: bool) -> None:
    if not has_data:
        raise NotTaken("must be a valid image; it has no image in it")
    if left:
        raise NotTaken(f"must end with its image; {left} bytes of something else follow")


def _check_boxes(file: IO[bytes], size: int) -> None:
    """The boxes of a video must fill the file, and describe and hold something."""
    found, position = set(), 0
    for _ in range(_MOST_PARTS):
        if position == size:
            break
        name, length = _box(file, position, size)
        found.add(name)
        position += length
    if position != size or not {b"moov", b"mdat"} <= found:
        raise NotTaken("must be a whole video; it lacks its index or its content")


def _box(file: IO[bytes], position: int, size: int) -> tuple[bytes, int]:
    """Name and length of the box at a position."""
    file.seek(position)
    length, name = struct.unpack(">I4s", _exactly(file, 8, "video"))
    least = 8
    if length == 1:
        length, least = int.from_bytes(_exactly(file, 8, "video")), 16
    elif length == 0:  # up to the end
        length = size - position
    if length < least or position + length > size or not _BOX_NAME.fullmatch(name):
        raise NotTaken("must be a whole video; it ends too early or is damaged")
    return name, length


def _exactly(file: IO[bytes], count: int, what: str) -> bytes:
    content = file.read(count)
    if len(content) < count:
        raise NotTaken(f"must be a whole {what}; it ends too early")
    return content
