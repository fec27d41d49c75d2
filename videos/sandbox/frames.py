"""A clip's frames: a moving gradient from the codec library, and a caption that shows the request."""

import zlib
from collections.abc import Iterator
from fractions import Fraction

from av.filter import Graph
from av.video.frame import VideoFrame
from PIL import Image, ImageDraw

from videos.sandbox.clip import Clip
from videos.sandbox.lettering import font, wrap

FRAMES_PER_SECOND = 24
COARSENESS = 8  # the gradient is computed this many times smaller and scaled up
GRADIENT = {"type": "spiral", "nb_colors": "3", "c0": "#1b2a5c", "c1": "#d9566b", "c2": "#ffd089"}
RADIANS_PER_FRAME = 0.02
HUES = range(210, 390)  # degrees of hue rotation; others give dull greens
BLACK = (12, 12, 24)
WHITE = (255, 255, 255)
MOST_LINES = 3


def frames(clip: Clip) -> Iterator[VideoFrame]:
    """Yield the clip's frames in order, as yuv420p; equal clips give equal frames.

    Raises `av.error.FFmpegError`.
    """
    caption = _caption(clip).convert("RGBA")
    graph = _graph(clip, VideoFrame.from_bytes(caption.tobytes(), *caption.size))
    for _ in range(clip.seconds * FRAMES_PER_SECOND):
        yield graph.vpull()


def _graph(clip: Clip, caption: VideoFrame) -> Graph:
    """Return the filter graph that produces an endless sequence of frames."""
    graph = Graph()
    captions = graph.add_buffer(
        None, caption.width, caption.height, caption.format, time_base=Fraction(1, FRAMES_PER_SECOND)
    )
    overlay = graph.add("overlay", y="main_h-overlay_h")
    graph.link_nodes(
        graph.add("gradients", **_gradient(clip)),
        graph.add("format", "yuv420p"),
        graph.add("hue", h=str(_hue(clip))),
        graph.add("scale", f"{clip.width}:{clip.height}:flags=bilinear"),
        overlay,
        graph.add("buffersink"),
    )
    captions.link_to(overlay, input_idx=1)
    graph.configure()
    captions.push(caption)
    captions.push(None)  # after the end of its input, the overlay repeats the last picture
    return graph


def _gradient(clip: Clip) -> dict[str, str]:
    width, height = (max(2, side // COARSENESS) for side in (clip.width, clip.height))
    # Gradient points that are not set, or lie outside the picture, are random.
    places = {"x0": width // 4, "y0": height // 4, "x1": width - 1, "y1": height - 1}
    timing = {"rate": FRAMES_PER_SECOND, "speed": RADIANS_PER_FRAME}
    numbers = {name: str(number) for name, number in (places | timing).items()}
    return {**GRADIENT, **numbers, "size": f"{width}x{height}"}


def _hue(clip: Clip) -> int:
    """Return a hue derived from the clip, so that clips in a list look different."""
    return HUES[zlib.crc32(f"{clip.prompt}{clip.model}".encode()) % len(HUES)]


def _caption(clip: Clip) -> Image.Image:
    """Draw a bar as wide as the frame: the prompt and a line of facts."""
    unit = min(clip.width, clip.height)
    size, pad = max(11, unit // 24), unit // 30
    width = clip.width - 2 * pad
    prompt = _text(clip.prompt or "(no prompt)", size, width, MOST_LINES)
    return _stacked([prompt, _text(_facts(clip), size * 7 // 10, width, 1)], pad)


def _facts(clip: Clip) -> str:
    facts = [clip.model, f"{clip.seconds} s", f"{clip.width} x {clip.height}"]
    optional = {"sound": clip.audio, f"references: {clip.references}": clip.references}
    return " · ".join([*facts, *(fact for fact, holds in optional.items() if holds), "sandbox"])


def _text(text: str, size: int, width: int, most_lines: int) -> Image.Image:
    face, step = font(size), size * 3 // 2
    lines = wrap(text, face, width, most_lines)
    picture = Image.new("RGB", (width, len(lines) * step), BLACK)
    draw = ImageDraw.Draw(picture)
    for index, line in enumerate(lines):
        draw.text((0, (index + 0.5) * step), line, WHITE, face, anchor="lm")
    return picture


def _stacked(rows: list[Image.Image], pad: int) -> Image.Image:
    height = sum(row.height + pad for row in rows) + pad
    bar = Image.new("RGB", (rows[0].width + 2 * pad, height + height % 2), BLACK)  # chroma needs even sides
    top = pad
    for row in rows:
        bar.paste(row, (pad, top))
        top += row.height + pad
    return bar
