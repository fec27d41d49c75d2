"""The properties of a video, derived from a create call. Pure."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from videos.sandbox.fields import model_of, reference_urls

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


def clip_size(payload: Mapping[str, Any]) -> tuple[int, int]:
    """Return (width, height) of the requested video; its aspect ratio is 16:9 by default."""
    extra = payload.get("ExtraParameters") or {}
    resolution = extra.get("Resolution") or model_of(payload).resolutions[0]
    return frame_size(resolution, extra.get("AspectRatio") or "16:9")


def clip_of(payload: Mapping[str, Any]) -> Clip:
    """Return the video that a create call requests."""
    width, height = clip_size(payload)
    return Clip(
        prompt=_printable(payload.get("Prompt") or ""),
        model=f"{payload['ModelName']} {payload.get('ModelVersion') or ''}".strip(),
        width=width,
        height=height,
        seconds=payload.get("Duration") or model_of(payload).default_duration,
        audio=bool((payload.get("ExtraParameters") or {}).get("EnableAudio")),
        references=len(reference_urls(payload)),
    )


def _printable(text: str) -> str:
    """Replace lone surrogates, which JSON can contain but no font can show."""
    return text.encode("utf-8", "replace").decode()


def _even(side: float) -> int:
    return round(side / 2) * 2
