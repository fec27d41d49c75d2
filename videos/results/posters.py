"""The still that stands for a video: a file in, the bytes of a JPEG out."""

import io
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from typing import IO, Any

import av
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation
from PIL import Image

WIDEST = 640
"""Pixels; a narrower video keeps its width."""
SECONDS_IN = 1.0
"""Where the still is from; videos often begin in black. Of a short video it is the middle."""
MOST_FRAMES = 300
"""Decoded in search of that moment, which is seldom further from where decoding can begin."""
MOST_PIXELS = 7680 * 4320
"""Of a frame. A file that claims more is not worth the memory."""
QUALITY = 80


class NoStill(Exception):
    """The file is no video, or it is broken before the moment that was wanted."""


def still(video: IO[bytes]) -> bytes:
    """A JPEG of what the video shows about a second in, at most `WIDEST` pixels wide. Raises `NoStill`."""
    try:
        with av.open(video, mode="r") as container:
            return _jpeg(_frame(container))
    except (av.FFmpegError, ValueError) as error:
        raise NoStill(str(error)) from error


@lru_cache(maxsize=64)  # the same few are asked for again and again
def as_webp(jpeg: bytes) -> bytes | None:
    """The same picture as WebP; None where it is no picture."""
    webp = io.BytesIO()
    try:
        with Image.open(io.BytesIO(jpeg)) as picture:
            picture.save(webp, "WEBP", quality=QUALITY, method=2)
    except OSError:  # Pillow's own errors are some, too
        return None
    return webp.getvalue()


def _frame(container: InputContainer) -> VideoFrame:
    """The first frame that is not before the moment, or else the last there is."""
    if not container.streams.video:
        raise NoStill("there are no pictures in the file")
    size = container.streams.video[0].codec_context
    if size.width * size.height > MOST_PIXELS:
        raise NoStill(f"its frames of {size.width}x{size.height} pixels are too large")
    moment = _moment(container)
    last = None
    for last in islice(_frames(container, moment), MOST_FRAMES):
        if last.time is None or last.time >= moment:
            break
    if last is None:
        raise NoStill("no picture of the file can be read")
    return last


def _moment(container: InputContainer) -> float:
    """In seconds, as the frames tell their time."""
    start = (container.start_time or 0) / av.time_base
    length = (container.duration or 0) / av.time_base
    return start + min(SECONDS_IN, length / 2)


def _frames(container: InputContainer, moment: float) -> Iterator[VideoFrame]:
    """Those from the last one before the moment that can be read without the others."""
    container.seek(int(moment * av.time_base), backward=True)
    decoded: Iterator[Any] = container.decode(video=0)
    return decoded


def _jpeg(frame: VideoFrame) -> bytes:
    width = min(WIDEST, frame.width)
    height = max(1, round(frame.height * width / frame.width))
    jpeg = io.BytesIO()
    image = frame.to_image(width=width, height=height, interpolation=Interpolation.AREA)  # type: ignore[no-untyped-call]
    image.save(jpeg, "JPEG", quality=QUALITY, optimize=True)
    return jpeg.getvalue()
