"""Makes the poster of a video: a video file in, the bytes of a JPEG out."""

import io
from collections.abc import Iterator
from itertools import islice
from typing import IO, Any

import av
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation

WIDEST = 640
"""Pixels; a narrower video keeps its width."""
SECONDS_IN = 1.0
"""Position of the poster's frame, as videos often begin in black; the middle of a video under two seconds."""
MOST_FRAMES = 300
"""Frames decoded in search of that position, which is seldom further from a keyframe."""
MOST_PIXELS = 7680 * 4320
"""Pixels of a frame; larger ones are refused to bound memory use."""
QUALITY = 80


class NoPoster(Exception):
    """The file is not a video, or is broken before the wanted position."""


def still(video: IO[bytes]) -> bytes:
    """A JPEG of the frame about a second in, at most `WIDEST` pixels wide. Raises `NoPoster`."""
    try:
        with av.open(video, mode="r") as container:
            return _jpeg(_frame(container))
    except (av.FFmpegError, ValueError) as error:
        raise NoPoster(str(error)) from error


def _frame(container: InputContainer) -> VideoFrame:
    """The first frame at or after the wanted position, else the last frame."""
    if not container.streams.video:
        raise NoPoster("there are no pictures in the file")
    size = container.streams.video[0].codec_context
    if size.width * size.height > MOST_PIXELS:
        raise NoPoster(f"its frames of {size.width}x{size.height} pixels are too large")
    moment = _moment(container)
    last = None
    for last in islice(_frames(container, moment), MOST_FRAMES):
        if last.time is None or last.time >= moment:
            break
    if last is None:
        raise NoPoster("no picture of the file can be read")
    return last


def _moment(container: InputContainer) -> float:
    """The wanted position, in seconds on the frames' own time scale."""
    start = (container.start_time or 0) / av.time_base
    length = (container.duration or 0) / av.time_base
    return start + min(SECONDS_IN, length / 2)


def _frames(container: InputContainer, moment: float) -> Iterator[VideoFrame]:
    """The frames from the last keyframe before the position."""
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
