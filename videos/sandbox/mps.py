"""MPS: upstream's checks of its calls, and its report on a task. Pure.

Source: the facts, sections 2 and 3.
"""

import re
from collections.abc import Mapping
from typing import Any

from videos.sandbox.asked import check_asked
from videos.sandbox.clip import clip_size
from videos.sandbox.fields import FIELDS
from videos.sandbox.protocol import CREATE, DESCRIBE, MPS, Action, ApiError
from videos.sandbox.references import mps_image_urls
from videos.sandbox.schema import check_choices, check_lengths, check_object, invalid, object_in, require
from videos.sandbox.tasks import View

CHOICES: dict[str, tuple[object, ...]] = {
    "ExtraParameters.LogoAdd": (0, 1),
    "SceneType": ("motion_control", "land2port", "template_effect", "avatar_i2v", "lip_sync", "3d_scene"),
    "VideoInfos.ReferType": ("feature", "base"),
    "VideoInfos.KeepOriginalSound": ("yes", "no"),
}
LONGEST = {"Prompt": (2000, "InvalidParameterValue")}
BUCKET_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?-[0-9]+")  # name-appid
BUCKET_REGION = re.compile(r"[a-z]+(?:-[a-z0-9]+)+")
# A create call needs at least one of these.
INPUTS = ("Prompt", "ImageUrl", "ImageInfos", "VideoInfos", "SubjectInfos", "AdditionalParameters")


def check_describe(payload: Mapping[str, Any]) -> None:
    """Raise `ApiError` for anything but one TaskId."""
    check_object(payload, FIELDS[Action(MPS, DESCRIBE)])
    require(payload, "TaskId")


def check_create(payload: Mapping[str, Any]) -> None:
    """Raise `ApiError` for anything that upstream refuses before accepting a task."""
    check_object(payload, FIELDS[Action(MPS, CREATE)])
    require(payload, "ModelName")
    if not any(payload.get(name) for name in INPUTS):
        raise ApiError("MissingParameter", "The parameter `Prompt` is required without an image or a video.")
    check_lengths(payload, LONGEST)
    check_asked(MPS, payload)
    check_choices(payload, CHOICES)
    _check_references(payload)
    object_in("AdditionalParameters", payload.get("AdditionalParameters"))
    _check_store(payload.get("StoreCosParam"))


def _check_references(payload: Mapping[str, Any]) -> None:
    videos = payload.get("VideoInfos") or []
    for url in mps_image_urls(payload) + [video.get("VideoUrl") or "" for video in videos]:
        if not url.startswith(("http://", "https://")):
            raise ApiError("InvalidParameter.InvalidUrl", f"The URL `{url[:100]}` is not valid.")
    frames = payload.get("ImageUrl") or payload.get("LastImageUrl")
    if frames and any((video.get("ReferType") or "base") == "base" for video in videos):
        raise ApiError("InvalidParameterValue", "A first or last frame cannot be combined with a base video.")


def _check_store(store: Mapping[str, Any] | None) -> None:
    if store is None:
        return
    require(store, "CosBucketName", "CosBucketRegion", path="StoreCosParam.")
    if not BUCKET_NAME.fullmatch(store["CosBucketName"]):
        raise ApiError("ResourceNotFound.CosBucketNameInvalid", "`StoreCosParam.CosBucketName` is not valid.")
    if not BUCKET_REGION.fullmatch(store["CosBucketRegion"]):
        raise invalid("StoreCosParam.CosBucketRegion", store["CosBucketRegion"])


def report(view: View) -> dict[str, Any]:
    """Return the answer to `DescribeAigcVideoTask`."""
    task, word = view.task, view.word
    resolution = "x".join(str(side) for side in clip_size(MPS, task.payload)) if word == "DONE" else ""
    message = {"DONE": "ok", "FAIL": task.failure}.get(word, "")
    urls = [view.url] if view.url else []
    return {"Status": word, "VideoUrls": urls, "Resolution": resolution, "Message": message}
