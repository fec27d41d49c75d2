"""The reference pictures of a create call of either product, and their parts in the video. Pure."""

from collections.abc import Mapping
from typing import Any

from videos.sandbox.protocol import MPS, VOD

IMAGE, VIDEO = "Image", "Video"  # categories of files
FIRST_FRAME, LAST_FRAME = "FirstFrame", "LastFrame"  # usages of pictures


def count_references(product: str, payload: Mapping[str, Any]) -> int:
    """Return how many pictures a create call gives, frames included."""
    return {MPS: _mps_count, VOD: _vod_count}[product](payload)


def mps_image_urls(payload: Mapping[str, Any]) -> list[str]:
    """Return the URLs of the pictures of an MPS create call, in its order."""
    frames = [payload[name] for name in ("ImageUrl", "LastImageUrl") if payload.get(name)]
    return frames + [image.get("ImageUrl") or "" for image in payload.get("ImageInfos") or []]


def files_of(payload: Mapping[str, Any], category: str) -> list[Mapping[str, Any]]:
    """Return the files of one category of a VOD create call; those without a category are pictures."""
    return [file for file in payload.get("FileInfos") or [] if (file.get("Category") or IMAGE) == category]


def has_first_frame(payload: Mapping[str, Any]) -> bool:
    """Whether a picture of a VOD create call is the video's first frame.

    A single picture is, unless it is named as an object; of several each must say its usage.
    """
    images = files_of(payload, IMAGE)
    if any(image.get("Usage") for image in images):
        return any(image.get("Usage") == FIRST_FRAME for image in images)
    return len(images) == 1 and not images[0].get("ObjectId")


def has_last_frame(payload: Mapping[str, Any]) -> bool:
    """Whether a VOD create call gives the video's last frame."""
    separate = payload.get("LastFrameUrl") or payload.get("LastFrameFileId")
    return bool(separate) or any(image.get("Usage") == LAST_FRAME for image in files_of(payload, IMAGE))


def _mps_count(payload: Mapping[str, Any]) -> int:
    return len(mps_image_urls(payload))


def _vod_count(payload: Mapping[str, Any]) -> int:
    separate = payload.get("LastFrameUrl") or payload.get("LastFrameFileId")
    return len(files_of(payload, IMAGE)) + bool(separate)
