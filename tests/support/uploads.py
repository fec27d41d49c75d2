"""Pictures, videos and forms to upload."""

import io
import struct
import zlib
from functools import cache
from typing import Any

from PIL import Image

BOUNDARY = "frontier"
FORM = f"multipart/form-data; boundary={BOUNDARY}"


@cache
def picture(kind: str = "PNG", size: tuple[int, int] = (4, 3), color: str = "red") -> bytes:
    """An image of one color."""
    file = io.BytesIO()
    Image.new("RGB", size, color).save(file, kind)
    return file.getvalue()


def box(name: bytes, content: bytes = b"") -> bytes:
    """A box of an MP4."""
    return struct.pack(">I4s", 8 + len(content), name) + content


def clip(brand: bytes = b"isom", content: bytes = b"frames") -> bytes:
    """What has the structure of a video."""
    return box(b"ftyp", brand + b"\0\0\0\0" + brand) + box(b"moov", b"index") + box(b"mdat", content)


def chunk(name: bytes, content: bytes = b"") -> bytes:
    """A chunk of a PNG."""
    return struct.pack(">I4s", len(content), name) + content + struct.pack(">I", zlib.crc32(name + content))


def png(width: int, height: int, *more: bytes, data: bytes = b"x") -> bytes:
    """A PNG that says it has that size; a decoder would need that much memory."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(more) + chunk(b"IDAT", data) + chunk(b"IEND")


def jpeg_of_size(width: int, height: int) -> bytes:
    """A small JPEG that says it has that size."""
    content = picture("JPEG")
    at = content.index(b"\xff\xc0") + 5
    return content[:at] + struct.pack(">HH", height, width) + content[at + 4 :]


def part(name: str, content: bytes, filename: str | bytes | None = None, head: bytes = b"") -> bytes:
    """A part of a form."""
    disposition = f'Content-Disposition: form-data; name="{name}"'.encode()
    if filename is not None:
        disposition += b'; filename="%s"' % (filename if isinstance(filename, bytes) else filename.encode())
    return b"--" + BOUNDARY.encode() + b"\r\n" + disposition + b"\r\n" + head + b"\r\n" + content + b"\r\n"


PURPOSE = part("purpose", b"reference")
END = f"--{BOUNDARY}--\r\n".encode()


def form(content: bytes, filename: str | bytes = "cat.png", *, purpose: bytes = PURPOSE) -> bytes:
    """The body of an upload."""
    return purpose + part("file", content, filename) + END


def sent(body: bytes, **extra: Any) -> dict[str, Any]:
    """The arguments of `Caller.post` for a form."""
    return {"data": body, "content_type": FORM, **extra}
