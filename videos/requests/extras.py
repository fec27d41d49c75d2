"""Rules for the other top-level fields (contract section 3): applied, refused, or reported as not forwarded.

A field that asks for a different video than would be made is refused. Any other field is listed as not
forwarded, so that no option of a paid video is dropped silently.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from videos.requests.draft import Draft
from videos.requests.metadata import aspect_ratio
from videos.requests.rules import Rule
from videos.requests.values import is_empty, whole_number
from videos.requests.violations import Violation

TAKEN = frozenset({"model", "seconds", "prompt", "images", "videos", "metadata", "max_cost", "size"})
"""The top-level fields that the API defines."""

_SIZE = re.compile(r"([1-9][0-9]{1,4})x([1-9][0-9]{1,4})")
_IMAGES, _VIDEOS = "use images (URL only)", "use videos (URL only)"
_METADATA_FIELDS = ("aspect_ratio", "negative_prompt", "enhance_prompt", "scene_type", "output_config")
USE_INSTEAD: dict[str, str] = {
    **dict.fromkeys(("image_url", "image_urls", "first_frame", "first_frame_image"), _IMAGES),
    **dict.fromkeys(("last_frame", "last_frame_image", "reference_image", "reference_images"), _IMAGES),
    "input_image": _IMAGES,
    **dict.fromkeys(("video_url", "video_urls", "reference_video", "reference_videos"), _VIDEOS),
    "input_video": _VIDEOS,
    **{name: f"use metadata.{name}" for name in _METADATA_FIELDS},
    "resolution": "resolution is set by model",
    "duration": "use seconds",
    "n": "send one request for each video",
}
"""The replacement of each unsupported field, in the contract's words."""


def _is_seconds(draft: Draft, duration: Any) -> bool:
    number = whole_number(duration)
    return number is not None and number == draft.seconds


def _is_one(draft: Draft, n: Any) -> bool:
    return whole_number(n) == 1


def _is_resolution(draft: Draft, resolution: Any) -> bool:
    spec = draft.spec
    return spec is not None and isinstance(resolution, str) and resolution.upper() == spec.resolution


_REDUNDANCY_CHECKS: dict[str, Callable[[Draft, Any], bool]] = {
    "duration": _is_seconds,
    "n": _is_one,
    "resolution": _is_resolution,
}
"""Unsupported fields that pass if they change nothing; so do `_METADATA_FIELDS` if they equal metadata's."""


def other_fields(draft: Draft) -> Iterator[Violation]:
    """Unsupported fields that ask for a different video than would be made, and an invalid `size`."""
    yield from _size(draft)
    for name, instead in USE_INSTEAD.items():
        value = draft.body.get(name)
        if not is_empty(value) and not _is_redundant(draft, name, value):
            message = f"{name} is not supported; {instead}"
            yield Violation(message, name, Rule.FIELD_NOT_SUPPORTED, {"field": name})


def _is_redundant(draft: Draft, name: str, value: Any) -> bool:
    if name in _METADATA_FIELDS:
        return bool(draft.meta(name) == value)
    check = _REDUNDANCY_CHECKS.get(name)
    return check is not None and check(draft, value)


def without_a_meaning(body: Mapping[str, Any]) -> dict[str, Any]:
    """The non-empty fields that neither the API nor `other_fields` knows, with their values."""
    return {
        name: value
        for name, value in body.items()
        if name not in TAKEN and name not in USE_INSTEAD and not is_empty(value)
    }


def ratio_of_size(draft: Draft) -> str | None:
    """The aspect ratio of `size` in lowest terms, such as `16:9`; None if `size` is not set or malformed."""
    if (sides := _sides(draft)) is None:
        return None
    common = math.gcd(*sides)
    return ":".join(str(side // common) for side in sides)


def _sides(draft: Draft) -> tuple[int, int] | None:
    """Width and height in pixels."""
    size = draft.body.get("size")
    found = _SIZE.fullmatch(size) if isinstance(size, str) else None
    return (int(found[1]), int(found[2])) if found else None


def _size(draft: Draft) -> Iterator[Violation]:
    if is_empty(draft.body.get("size")):
        return
    sides, ratio = _sides(draft), ratio_of_size(draft)
    if sides is None or ratio is None:
        yield Violation("size must be WIDTHxHEIGHT, such as 1280x720", "size", Rule.SIZE_MALFORMED)
        return
    given, spec = draft.meta("aspect_ratio"), draft.spec
    if given is None:
        yield from aspect_ratio(draft, ratio, "size")
    elif given != ratio:
        yield Violation("size and metadata.aspect_ratio differ", "size", Rule.SIZE_NOT_THE_RATIO)
    if spec and f"{min(sides)}p" != spec.resolution.lower():
        message = f"size must have the resolution of the model, {spec.resolution.lower()}"
        yield Violation(message, "size", Rule.SIZE_NOT_THE_RESOLUTION, {"resolution": spec.resolution})
