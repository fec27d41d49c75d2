"""Videos for tests, good and hostile; each takes little to make."""

import io
import struct
import zlib
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any

import av
from PIL import Image

FRAMES_PER_SECOND = 10
Colour = tuple[int, int, int]
BLACK, BRIGHT = (0, 0, 0), (200, 200, 200)
HUGE = 16_000
"""Pixels of a side, which no video has."""


def film(*colours: Colour, width: int = 64, height: int = 36) -> bytes:
    """An MP4 with a frame of each colour, ten a second; only the first is a key frame."""
    return encoded(Image.new("RGB", (width, height), colour) for colour in colours)


def encoded(images: Iterable[Image.Image]) -> bytes:
    """An MP4 of the pictures, ten a second."""
    first, *rest = images
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", FRAMES_PER_SECOND, options={"g": "1000"})
        stream.width, stream.height, stream.pix_fmt = *first.size, "yuv420p"
        for image in (first, *rest):
            frame: Any = av.VideoFrame.from_image(image)  # type: ignore[no-untyped-call]
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return file.getvalue()


def noise(seconds: int) -> bytes:
    """A 1080p MP4 of noise as coarse as the pixels of a preview, eight frames a second, all key frames."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", 8, options={"preset": "ultrafast", "crf": "34", "g": "1"})
        stream.width, stream.height, stream.pix_fmt = 1920, 1080, "yuv420p"
        few = [bytes(packet) for image in _noise(4) for packet in stream.encode(image)]
        few += map(bytes, stream.encode(None))
        for number in range(8 * seconds):
            _mux(container, stream, few[number % len(few)], number, 8)
    return file.getvalue()


def _noise(number: int) -> Iterator[Any]:
    for _ in range(number):
        coarse = Image.merge("RGB", [Image.effect_noise((320, 180), 100) for _ in "RGB"])
        yield av.VideoFrame.from_image(coarse.resize((1920, 1080), Image.Resampling.NEAREST))  # type: ignore[no-untyped-call]


def without_pictures() -> bytes:
    """An MP4 with sound only."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("aac", 44100)
        silence = av.AudioFrame(format="fltp", layout="mono", samples=1024)
        silence.sample_rate = 44100
        silence.planes[0].update(bytes(silence.planes[0].buffer_size))
        container.mux(stream.encode(silence))
        container.mux(stream.encode(None))
    return file.getvalue()


def said_to_be_huge(clip: bytes) -> bytes:
    """The H.264 clip with `HUGE` sides in its description, but not in its pictures."""
    size = clip.index(b"avc1", clip.index(b"stsd")) + 28
    return clip[:size] + struct.pack(">HH", HUGE, HUGE) + clip[size + 4 :]


def huge() -> bytes:
    """An MP4 whose H.264 pictures have `HUGE` sides, of which its description says nothing."""
    clip = film(BLACK)
    start = clip.index(b"avcC") + 12  # after its kind, version, profile, length of lengths, and number
    old = int.from_bytes(clip[start - 2 : start], "big")
    new = _sequence(HUGE // 16)
    grown = clip[: start - 2] + struct.pack(">H", len(new)) + new + clip[start + old :]
    for box in (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd", b"avc1", b"avcC"):
        place = grown.index(box, grown.index(b"moov")) - 4
        size = int.from_bytes(grown[place : place + 4], "big") + len(new) - old
        grown = grown[:place] + struct.pack(">I", size) + grown[place + 4 :]
    return grown


def png_bomb() -> bytes:
    """An MP4 with a PNG of some KB that becomes 250 MB."""
    rows = zlib.compress(bytes((HUGE // 8 + 1) * HUGE), 1)
    header = struct.pack(">IIBBBBB", HUGE, HUGE, 1, 0, 0, 0, 0)
    chunks = b"".join(_chunk(*chunk) for chunk in ((b"IHDR", header), (b"IDAT", rows), (b"IEND", b"")))
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_mux_stream("png", rate=FRAMES_PER_SECOND, width=64, height=36)
        _mux(container, stream, b"\x89PNG\r\n\x1a\n" + chunks, 0, FRAMES_PER_SECOND)
    return file.getvalue()


def _mux(container: Any, stream: Any, data: bytes, number: int, rate: int) -> None:
    packet = av.Packet(data)
    packet.stream, packet.time_base, packet.is_keyframe = stream, Fraction(1, rate), True
    packet.pts = packet.dts = number
    packet.duration = 1
    container.mux(packet)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _sequence(side: int) -> bytes:
    """The parameters of square H.264 pictures (7.3.2.1), of that many blocks of 16 pixels a side."""
    fields = [0, 0, 2, 1]  # its id, the length of frame numbers, the kind of order, reference frames
    bits = "".join(map(_exp_golomb, fields)) + "0" + _exp_golomb(side - 1) * 2 + "1100" + "1"
    bits += "0" * (-len(bits) % 8)
    return bytes([0x67, 66, 0xC0, 62]) + int(bits, 2).to_bytes(len(bits) // 8, "big")


def _exp_golomb(number: int) -> str:
    digits = f"{number + 1:b}"
    return "0" * (len(digits) - 1) + digits
