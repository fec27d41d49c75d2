"""Fonts and line breaking for the text in a frame."""

import functools
from pathlib import Path

from PIL import ImageDraw, ImageFont

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

FONT_FOLDERS = (
    Path("/usr/share/fonts"),
    Path("/usr/local/share/fonts"),
    Path.home() / ".local/share/fonts",
    Path.home() / ".fonts",
    Path("/System/Library/Fonts"),
    Path("C:/Windows/Fonts"),
)
# In order of preference: those that also hold Chinese, Japanese and Korean, then any clear sans serif.
FONT_FILES = (
    "NotoSansCJK*.*",
    "NotoSansSC*.*",
    "SourceHanSans*.*",
    "wqy-*.ttc",
    "DroidSansFallback*.ttf",
    "PingFang.ttc",
    "msyh.ttc",
    "NotoSerifCJK*.*",
    "DejaVuSans-Bold.ttf",
    "DejaVuSans.ttf",
)


@functools.cache
def font(size: int) -> Font:
    """Return the best font of this machine, `size` pixels high; pillow's own when there is none."""
    path = _font_file()
    return ImageFont.truetype(path, size) if path else ImageFont.load_default(size)


@functools.cache
def _font_file() -> str | None:
    for pattern in FONT_FILES:
        for folder in FONT_FOLDERS:
            found = sorted(folder.rglob(pattern)) if folder.is_dir() else []
            if found:
                return str(found[0])
    return None


def wrap(draw: ImageDraw.ImageDraw, text: str, face: Font, width: int, most_lines: int) -> list[str]:
    """Break `text` into lines no wider than `width` pixels; what does not fit ends in an ellipsis."""
    lines = [""]
    for word in _pieces(text):
        for piece in _cut(draw, word, face, width):
            if draw.textlength(lines[-1] + piece.rstrip(), font=face) > width:
                lines.append("")
            lines[-1] += piece
    if len(lines) > most_lines:
        lines[most_lines - 1] = _shorten(draw, lines[most_lines - 1], face, width)
    return [line.strip() for line in lines[:most_lines]]


def _pieces(text: str) -> list[str]:
    """Split where a line may break: after spaces, and around each ideograph."""
    pieces = [""]
    for letter in " ".join(text.split()):
        if letter >= "\u2e80" or (pieces[-1] and (pieces[-1][-1] == " " or pieces[-1][-1] >= "\u2e80")):
            pieces.append("")
        pieces[-1] += letter
    return pieces


def _cut(draw: ImageDraw.ImageDraw, word: str, face: Font, width: int) -> list[str]:
    """Cut a word that is wider than a whole line."""
    parts = [""]
    for letter in word:
        if draw.textlength(parts[-1] + letter.rstrip(), font=face) > width:
            parts.append("")
        parts[-1] += letter
    return parts


def _shorten(draw: ImageDraw.ImageDraw, line: str, face: Font, width: int) -> str:
    while line and draw.textlength(f"{line}…", font=face) > width:
        line = line[:-1]
    return f"{line.rstrip()}…"
