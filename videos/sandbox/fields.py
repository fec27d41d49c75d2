"""The fields of each action and upstream's checks of them. Pure."""

import json
import re
from collections.abc import Mapping
from typing import Any

from videos.sandbox.models import MODELS, Model
from videos.sandbox.protocol import CREATE, DESCRIBE, ApiError

TYPE_NAMES = {str: "String", int: "Integer", bool: "Boolean", dict: "Object", list: "Array"}

IMAGE_INFO: dict[str, Any] = {"ImageUrl": str, "ReferenceType": str}
VIDEO_INFO: dict[str, Any] = {"VideoUrl": str, "ReferType": str, "KeepOriginalSound": str}
SUBJECT_INFO: dict[str, Any] = {
    "Id": str,
    "Name": str,
    "VoiceId": str,
    "ImageUrls": [str],
    "VideoUrls": [str],
}
EXTRA_PARAMETERS: dict[str, Any] = {
    "Resolution": str,
    "AspectRatio": str,
    "LogoAdd": int,
    "EnableAudio": bool,
    "OffPeak": bool,
    "EnableBgm": bool,
}
STORE_COS_PARAM: dict[str, Any] = {"CosBucketName": str, "CosBucketRegion": str, "CosBucketPath": str}

# A type, a mapping of fields for an object, or a one-element list for an array of that element.
FIELDS: dict[str, dict[str, Any]] = {
    CREATE: {
        "ModelName": str,
        "ModelVersion": str,
        "SceneType": str,
        "Prompt": str,
        "NegativePrompt": str,
        "EnhancePrompt": bool,
        "ImageUrl": str,
        "LastImageUrl": str,
        "ImageInfos": [IMAGE_INFO],
        "VideoInfos": [VIDEO_INFO],
        "AudioInfos": [{"AudioUrl": str}],
        "SubjectInfos": [SUBJECT_INFO],
        "Duration": int,
        "ExtraParameters": EXTRA_PARAMETERS,
        "StoreCosParam": STORE_COS_PARAM,
        "AdditionalParameters": str,
        "Operator": str,
    },
    DESCRIBE: {"TaskId": str},
}

PROMPT_MAX = 2000  # characters
RATIOS = ("16:9", "9:16", "1:1", "4:3", "3:4", "3:2", "2:3", "4:5", "5:4", "21:9", "9:21")
SCENES = ("motion_control", "land2port", "template_effect", "avatar_i2v", "lip_sync", "3d_scene")
BUCKET_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?-[0-9]+")  # name-appid
BUCKET_REGION = re.compile(r"[a-z]+(?:-[a-z0-9]+)+")
# A create call needs at least one of these.
INPUTS = ("Prompt", "ImageUrl", "ImageInfos", "VideoInfos", "SubjectInfos", "AdditionalParameters")


def check_fields(action: str, payload: Mapping[str, Any]) -> None:
    """Raise `ApiError` for an unknown field or a value of the wrong type."""
    _check_object("", payload, FIELDS[action])


def check_describe(payload: Mapping[str, Any]) -> str:
    """Return the requested TaskId. Raises `ApiError`."""
    check_fields(DESCRIBE, payload)
    if not payload.get("TaskId"):
        raise ApiError("MissingParameter", "The parameter `TaskId` is required.")
    return str(payload["TaskId"])


def check_create(payload: Mapping[str, Any]) -> None:
    """Raise `ApiError` for anything that upstream refuses before accepting a task."""
    check_fields(CREATE, payload)
    _check_inputs(payload)
    _check_model(payload)
    _check_choices(payload)
    _check_references(payload)
    _check_additional_parameters(payload.get("AdditionalParameters"))
    _check_store(payload.get("StoreCosParam"))


def model_of(payload: Mapping[str, Any]) -> Model:
    """Return the model of a create call. Raises `ApiError` if it is unknown."""
    versions = MODELS.get(payload.get("ModelName") or "")
    if versions is None:
        raise _invalid("ModelName", payload.get("ModelName"))
    version = payload.get("ModelVersion") or next(iter(versions))
    if version not in versions:
        raise _invalid("ModelVersion", version)
    return versions[version]


def _check_object(path: str, value: Mapping[str, Any], fields: Mapping[str, Any]) -> None:
    for name, content in value.items():
        if name not in fields:
            raise ApiError("UnknownParameter", f"The parameter `{path}{name}` is not recognized.")
        if content is not None:  # null means the field was left out
            _check_type(f"{path}{name}", content, fields[name])


def _check_type(path: str, value: object, wanted: Any) -> None:
    kind = wanted if isinstance(wanted, type) else type(wanted)
    # The exact type, because in Python True is an int.
    if type(value) is not kind:
        raise ApiError("InvalidParameter", f"The type of parameter `{path}` must be {TYPE_NAMES[kind]}.")
    if isinstance(value, dict):
        _check_object(f"{path}.", value, wanted)
    elif isinstance(value, list):
        for index, element in enumerate(value):
            _check_type(f"{path}.{index}", element, wanted[0])


def _check_inputs(payload: Mapping[str, Any]) -> None:
    if not payload.get("ModelName"):
        raise ApiError("MissingParameter", "The parameter `ModelName` is required.")
    if not any(payload.get(name) for name in INPUTS):
        raise ApiError("MissingParameter", "The parameter `Prompt` is required without an image or a video.")
    if len(payload.get("Prompt") or "") > PROMPT_MAX:
        raise ApiError("InvalidParameterValue", f"`Prompt` is longer than {PROMPT_MAX} characters.")


def _check_model(payload: Mapping[str, Any]) -> None:
    model = model_of(payload)
    resolution = (payload.get("ExtraParameters") or {}).get("Resolution") or model.resolutions[0]
    if not model.takes_resolution(resolution):
        raise _invalid("ExtraParameters.Resolution", resolution)
    duration = payload.get("Duration")
    if duration is None:
        return
    hailuo_too_long = (
        payload["ModelName"] == "Hailuo" and resolution == "1080P" and duration != model.default_duration
    )
    if duration not in model.durations or hailuo_too_long:
        raise _invalid("Duration", duration)


def _check_choices(payload: Mapping[str, Any]) -> None:
    extra = payload.get("ExtraParameters") or {}
    _check_choice("ExtraParameters.AspectRatio", extra.get("AspectRatio"), RATIOS)
    _check_choice("ExtraParameters.LogoAdd", extra.get("LogoAdd"), (0, 1))
    _check_choice("SceneType", payload.get("SceneType"), SCENES)
    for video in payload.get("VideoInfos") or []:
        _check_choice("VideoInfos.ReferType", video.get("ReferType"), ("feature", "base"))
        _check_choice("VideoInfos.KeepOriginalSound", video.get("KeepOriginalSound"), ("yes", "no"))


def _check_choice(path: str, value: object, allowed: tuple[object, ...]) -> None:
    if value not in (None, "", *allowed):
        raise _invalid(path, value)


def _check_references(payload: Mapping[str, Any]) -> None:
    videos = payload.get("VideoInfos") or []
    for url in reference_urls(payload) + [video.get("VideoUrl") or "" for video in videos]:
        if not url.startswith(("http://", "https://")):
            raise ApiError("InvalidParameter.InvalidUrl", f"The URL `{url[:100]}` is not valid.")
    frames = payload.get("ImageUrl") or payload.get("LastImageUrl")
    if frames and any((video.get("ReferType") or "base") == "base" for video in videos):
        raise ApiError("InvalidParameterValue", "A first or last frame cannot be combined with a base video.")


def reference_urls(payload: Mapping[str, Any]) -> list[str]:
    """Return the URLs of the reference images of a create call, in its order."""
    frames = [payload[name] for name in ("ImageUrl", "LastImageUrl") if payload.get(name)]
    return frames + [image.get("ImageUrl") or "" for image in payload.get("ImageInfos") or []]


def _check_additional_parameters(text: str | None) -> None:
    if not text:
        return
    try:
        holds_object = isinstance(json.loads(text), dict)
    except ValueError:
        holds_object = False
    if not holds_object:
        raise ApiError(
            "InvalidParameterValue", "`AdditionalParameters` must be a string holding a JSON object."
        )


def _check_store(store: Mapping[str, Any] | None) -> None:
    if store is None:
        return
    for name in ("CosBucketName", "CosBucketRegion"):
        if not store.get(name):
            raise ApiError("MissingParameter", f"The parameter `StoreCosParam.{name}` is required.")
    if not BUCKET_NAME.fullmatch(store["CosBucketName"]):
        raise ApiError("ResourceNotFound.CosBucketNameInvalid", "`StoreCosParam.CosBucketName` is not valid.")
    if not BUCKET_REGION.fullmatch(store["CosBucketRegion"]):
        raise _invalid("StoreCosParam.CosBucketRegion", store["CosBucketRegion"])


def _invalid(path: str, value: object) -> ApiError:
    return ApiError("InvalidParameterValue", f"The value `{value}` of parameter `{path}` is not valid.")
