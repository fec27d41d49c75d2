"""Fonts and line breaking for the text in a frame."""

import functools
import re
from contextlib import suppress

from PIL import ImageFont

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

# In order of preference: fonts with Chinese, Japanese and Korean, then a plain sans serif.
FONT_FILES = (
    "NotoSansCJK-Regular.ttc",
    "NotoSansCJKsc-Regular.otf",
    "NotoSansSC-Regular.otf",
    "SourceHanSansSC-Regular.otf",
    "wqy-microhei.ttc",
    "wqy-zenhei.ttc",
    "DroidSansFallbackFull.ttf",
    "PingFang.ttc",
    "msyh.ttc",
    "NotoSerifCJK-Regular.ttc",
    "DejaVuSans.ttf",
)
# A line may break after each: an ideograph, or a run of other characters without spaces.
PIECES = re.compile("[\u2e80-\U0010ffff] ?|[^ \u2e80-\U0010ffff]+ ?")


@functools.cache
def font(size: int) -> Font:
    """Return the best installed font, `size` pixels high, or Pillow's own if there is none."""
    for name in FONT_FILES:
        with suppress(OSError):
            return ImageFont.truetype(name, size)
    return ImageFont.load_default(size)


def wrap(text: str, face: Font, width: int, most_lines: int) -> list[str]:
    """Break `text` into at most `most_lines` lines of `width` pixels; the rest becomes an ellipsis."""
    lines = [""]
    for piece in PIECES.findall(" ".join(text.split())):
        for part in _cut(piece, face, width):
            if face.getlength(lines[-1] + part.rstrip()) > width:
                lines.append("")
            lines[-1] += part
    if len(lines) > most_lines:
        lines[most_lines - 1] = _shorten(lines[most_lines - 1], face, width)
    return [line.strip() for line in lines[:most_lines]]


def _cut(piece: str, face: Font, width: int) -> list[str]:
    """Split a piece that is wider than a line."""
    parts = [""]
    for letter in piece:
        if face.getlength(parts[-1] + letter.rstrip()) > width:
            parts.append("")
        parts[-1] += letter
    return parts


def _shorten(line: str, face: Font, width: int) -> str:
    while line and face.getlength(f"{line}…") > width:
        line = line[:-1]
    return f"{line.rstrip()}…"
