"""The properties of a video, derived from a create call of either product. Pure."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from videos.sandbox.asked import asked_of
from videos.sandbox.references import count_references

SHORT_SIDES = {"2K": 1440, "4K": 2160}


@dataclass(frozen=True)
class Clip:
    """A video to render: size in pixels, length in seconds, given `references` reference pictures."""

    prompt: str
    model: str
    width: int
    height: int
    seconds: int
    audio: bool = False
    references: int = 0

    def document(self) -> dict[str, Any]:
        """Return the clip as JSON values."""
        return asdict(self)


def frame_size(resolution: str, ratio: str) -> tuple[int, int]:
    """Return (width, height) in pixels, both even; a resolution such as 720P is the shorter side.

    >>> frame_size("768P", "16:9")
    (1366, 768)
    """
    short = SHORT_SIDES.get(resolution) or int(re.sub(r"\D", "", resolution))
    across, down = (int(part) for part in ratio.split(":"))
    width, height = (short * across / down, short) if across >= down else (short, short * down / across)
    return _even(width), _even(height)


def clip_size(product: str, payload: Mapping[str, Any]) -> tuple[int, int]:
    """Return (width, height) of the requested video; its aspect ratio is 16:9 by default."""
    asked = asked_of(product, payload)
    return frame_size(asked.resolution, asked.ratio)


def clip_of(product: str, payload: Mapping[str, Any]) -> Clip:
    """Return the video that a create call of a product requests."""
    asked = asked_of(product, payload)
    width, height = frame_size(asked.resolution, asked.ratio)
    return Clip(
        prompt=_printable(payload.get("Prompt") or ""),
        model=f"{payload['ModelName']} {payload.get('ModelVersion') or ''}".strip(),
        width=width,
        height=height,
        seconds=int(asked.seconds),  # all durations that models take are whole
        audio=asked.audio,
        references=count_references(product, payload),
    )


def _printable(text: str) -> str:
    """Replace lone surrogates, which JSON can contain but no font can show."""
    return text.encode("utf-8", "replace").decode()


def _even(side: float) -> int:
    return round(side / 2) * 2
