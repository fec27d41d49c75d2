"""What a video of others is, its poster and a short preview of it. Runs only in the process of `child`."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

import av
from av.container import InputContainer
from av.stream import Stream
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation
from av.video.stream import VideoStream
from PIL import Image, JpegImagePlugin, WebPImagePlugin  # noqa: F401 - loaded before the limits are set

MOST_PIXELS = 7680 * 4320
"""Pixels of a frame; larger ones are refused before they are decoded, to bound memory use."""
MOST_FRAMES = 300
"""Frames decoded for a poster or a preview; the wanted ones are seldom further from a keyframe."""
CODECS = "h264,hevc,libdav1d,av1,vp9,vp8,mpeg4"
"""Decoders that may run: those of the pictures that browsers play. Sound is never decoded."""
OPTIONS = {
    # A file may name others to be opened, by a path or an address.
    "protocol_whitelist": "file",
    "codec_whitelist": CODECS,
    "max_pixels": str(MOST_PIXELS),
}

POSTER_WIDTH = 640
"""Pixels; a narrower video keeps its width."""
POSTER_SECONDS_IN = 1.0
"""Position of the poster's frame, as videos often begin in black; the middle of a video under two seconds."""
POSTER_QUALITY = 80

PREVIEW_WIDTH = 320
"""Pixels; a narrower video keeps its width."""
PREVIEW_SECONDS = 3.0
PREVIEW_FRAMES_PER_SECOND = 8
MOST_PREVIEW_BYTES = 300 * 1024
PREVIEW_ATTEMPTS = ((1, 60), (1, 30), (2, 30), (2, 5), (4, 5), (8, 0))
"""Every which frame is kept, and the quality: tried in turn until the preview is small enough."""


class NotPlayable(Exception):
    """The file is not a video, or is broken where it was read."""


def inspect(path: str) -> dict[str, Any]:
    """What the video is, after its first picture was decoded. Raises `NotPlayable`."""
    with _opened(path) as container:
        pictures = _pictures_of(container)
        _check_is_whole(container)
        first = next(_frames(container), None)
        if first is None:
            raise NotPlayable("no picture of the file can be read")
        return {
            "container": container.format.name,
            "codec": pictures.codec.canonical_name,
            "width": first.width,
            "height": first.height,
            "seconds": _seconds(container, pictures),
            "has_sound": bool(container.streams.audio),
        }


def still(path: str) -> bytes:
    """A JPEG of the frame about a second in, at most `POSTER_WIDTH` pixels wide. Raises `NotPlayable`."""
    with _opened(path) as container:
        _pictures_of(container)
        jpeg = io.BytesIO()
        image = _image(_frame_at(container, _moment(container)), POSTER_WIDTH)
        image.save(jpeg, "JPEG", quality=POSTER_QUALITY, optimize=True)
        return jpeg.getvalue()


def preview(path: str) -> bytes | None:
    """The first seconds without sound, as an animated WebP of at most `MOST_PREVIEW_BYTES` bytes.

    A WebP that does not move if there is one picture; None if it cannot be made that small. Raises
    `NotPlayable`.
    """
    with _opened(path) as container:
        _pictures_of(container)
        images = [_image(frame, PREVIEW_WIDTH) for frame in _sampled(container)]
        if not images:
            raise NotPlayable("no picture of the file can be read")
        attempts = (_webp(images[::step], step, quality) for step, quality in PREVIEW_ATTEMPTS)
        return next((webp for webp in attempts if len(webp) <= MOST_PREVIEW_BYTES), None)


@contextmanager
def _opened(path: str) -> Iterator[InputContainer]:
    """The open file, which must be an MP4. Raises `NotPlayable`, also for errors while it is read."""
    try:
        # Names and titles may be in any encoding; nobody reads them here.
        with av.open(
            f"file:{path}", mode="r", format="mp4", options=OPTIONS, metadata_errors="replace"
        ) as container:
            yield container
    # Pillow and the library raise all of these for pictures that make no sense.
    except (av.FFmpegError, ArithmeticError, MemoryError, OSError, ValueError) as error:
        raise NotPlayable(getattr(error, "strerror", None) or str(error) or type(error).__name__) from error


def _pictures_of(container: InputContainer) -> VideoStream:
    """The stream of pictures, to be decoded by this thread alone. Raises `NotPlayable`."""
    if not container.streams.video:
        raise NotPlayable("there are no pictures in the file")
    pictures = container.streams.video[0]
    context = pictures.codec_context
    if context is None or context.name not in CODECS.split(","):
        raise NotPlayable("its pictures are of a kind that is not decoded")
    if context.width * context.height > MOST_PIXELS:
        raise NotPlayable(f"its frames of {context.width}x{context.height} pixels are too large")
    context.thread_count = 1
    context.options = {"max_pixels": OPTIONS["max_pixels"]}  # the frames may be larger than the file says
    return pictures


def _check_is_whole(container: InputContainer) -> None:
    """Raises `NotPlayable` if the file ends before the last picture or sound that its index lists."""
    for stream in container.streams:
        index = stream.index_entries
        if len(index) and index[-1].pos + index[-1].size > container.size:
            raise NotPlayable("the file is cut off: it ends before its last picture or sound")


def _seconds(container: InputContainer, pictures: Stream) -> float:
    """The length of the pictures, as the file says; 0 if it does not."""
    if pictures.duration is not None and pictures.time_base is not None:
        return max(0.0, float(pictures.duration * pictures.time_base))
    return max(0.0, (container.duration or 0) / av.time_base)


def _frames(container: InputContainer) -> Iterator[VideoFrame]:
    decoded: Iterator[Any] = container.decode(video=0)
    return islice(decoded, MOST_FRAMES)


def _moment(container: InputContainer) -> float:
    """The position of the poster, in seconds on the frames' own time scale."""
    start = (container.start_time or 0) / av.time_base
    length = (container.duration or 0) / av.time_base
    return start + min(POSTER_SECONDS_IN, length / 2)


def _frame_at(container: InputContainer, moment: float) -> VideoFrame:
    """The first frame at or after the position, else the last frame. Raises `NotPlayable`."""
    container.seek(int(moment * av.time_base), backward=True)
    last = None
    for last in _frames(container):
        if last.time is None or last.time >= moment:
            break
    if last is None:
        raise NotPlayable("no picture of the file can be read")
    return last


def _sampled(container: InputContainer) -> Iterator[VideoFrame]:
    """About `PREVIEW_FRAMES_PER_SECOND` frames a second of the first `PREVIEW_SECONDS`."""
    start, due = None, 0.0
    for frame in _frames(container):
        time = frame.time or 0.0
        start = time if start is None else start
        if time - start >= PREVIEW_SECONDS:
            return
        if time - start >= due:
            yield frame
            due += 1 / PREVIEW_FRAMES_PER_SECOND


def _image(frame: VideoFrame, widest: int) -> Image.Image:
    """The picture, scaled down to that width."""
    width = min(widest, frame.width)
    height = max(1, round(frame.height * width / frame.width))
    image: Image.Image = frame.to_image(  # type: ignore[no-untyped-call]
        width=width, height=height, interpolation=Interpolation.AREA, threads=1
    )
    return image


def _webp(images: list[Image.Image], step: int, quality: int) -> bytes:
    webp = io.BytesIO()
    first, *rest = images
    # A list, even an empty one, makes an animation.
    moving = {"save_all": True, "append_images": rest, "loop": 0} if rest else {}
    duration = step * 1000 // PREVIEW_FRAMES_PER_SECOND  # milliseconds
    first.save(webp, "WEBP", quality=quality, method=2, duration=duration, **moving)
    return webp.getvalue()
