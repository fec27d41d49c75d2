"""VOD: upstream's checks of its calls. Pure. Source: the facts, section 5."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from videos.sandbox.asked import check_asked
from videos.sandbox.fields import FIELDS
from videos.sandbox.protocol import CREATE, DESCRIBE_DETAIL, LIST, VOD, Action, ApiError
from videos.sandbox.references import IMAGE, VIDEO, files_of, has_first_frame, has_last_frame
from videos.sandbox.schema import (
    check_choices,
    check_lengths,
    check_object,
    invalid,
    object_in,
    require,
    value_at,
    values_at,
)

SWITCH = ("Enabled", "Disabled")
CHOICES: dict[str, tuple[object, ...]] = {
    "EnhancePrompt": SWITCH,
    "InputRegion": ("Mainland", "Oversea", "OverseaUSWest"),
    "SceneType": (
        *("motion_control", "avatar_i2v", "lip_sync", "template_effect", "3d_scene", "subject_reference"),
    ),
    "TasksPriority": (*range(-10, 11),),
    "FileInfos.Type": ("File", "Url", "Base64"),
    "FileInfos.Category": ("Image", "Video", "Audio"),
    "FileInfos.ReferenceType": ("asset", "style", "feature", "base", "subject", "background"),
    "FileInfos.KeepOriginalSound": SWITCH,
    "FileInfos.Usage": ("FirstFrame", "Reference", "LastFrame"),
    "OutputConfig.StorageMode": ("Temporary", "Permanent"),
    "OutputConfig.PersonGeneration": ("AllowAdult", "Disallowed"),
    "OutputConfig.AudioGeneration": SWITCH,
    "OutputConfig.InputComplianceCheck": SWITCH,
    "OutputConfig.OutputComplianceCheck": SWITCH,
    "OutputConfig.EnhanceSwitch": SWITCH,
    "OutputConfig.FrameInterpolate": SWITCH,
    "OutputConfig.LogoAdd": SWITCH,
    "OutputConfig.OffPeak": SWITCH,
    "OutputConfig.EnableBGM": SWITCH,
}
LONGEST = {
    "Prompt": (5000, "InvalidParameterValue"),
    "SessionId": (50, "InvalidParameterValue.SessionIdTooLong"),
    "SessionContext": (1000, "InvalidParameterValue.SessionContextTooLong"),
    "OutputConfig.MediaName": (64, "InvalidParameterValue"),
}
BASE64_MOST = 7 * 1024 * 1024 * 4 // 3  # characters of all files together, which are 7 MB
CONTENT = {"File": "FileId", "Url": "Url", "Base64": "Base64"}
"""The field that holds a file, by the file's type."""
URLS = ("FileInfos.Url", "LastFrameUrl", "SubjectInfos.ImageUrls", "SubjectInfos.VideoUrls")
# A create call needs at least one of these.
INPUTS = ("Prompt", "FileInfos", "SubjectInfos", "SceneType", "ExtInfo")

LIST_CHOICES: dict[str, tuple[object, ...]] = {"Status": ("WAITING", "PROCESSING", "FINISH")}
SORT_CHOICES: dict[str, tuple[str, ...]] = {
    "Sort.Field": ("CreateTime", "FinishTime"),
    "Sort.Order": ("Asc", "Desc"),
}
TIMES = ("CreateTime.After", "CreateTime.Before", "FinishTime.After", "FinishTime.Before")
LIST_MOST = 100


def check_describe(payload: Mapping[str, Any]) -> None:
    """Raise `ApiError` for anything but one TaskId of an application."""
    check_object(payload, FIELDS[Action(VOD, DESCRIBE_DETAIL)])
    require(payload, "SubAppId", "TaskId")


def check_list(payload: Mapping[str, Any]) -> None:
    """Raise `ApiError` if upstream cannot filter or sort so."""
    check_object(payload, FIELDS[Action(VOD, LIST)])
    require(payload, "SubAppId")
    check_choices(payload, LIST_CHOICES)
    for path, allowed in SORT_CHOICES.items():
        if value_at(payload, path) not in (None, *allowed):
            raise invalid(path, value_at(payload, path), "InvalidParameterValue.Sort")
    for path in TIMES:
        time_at(payload, path)
    if payload.get("Limit") is not None and not 1 <= payload["Limit"] <= LIST_MOST:
        raise invalid("Limit", payload["Limit"], "InvalidParameterValue.Limit")


def time_at(payload: Mapping[str, Any], path: str) -> float | None:
    """Return the ISO 8601 time at a path in Unix seconds; None if there is none. Raises `ApiError`."""
    text = value_at(payload, path)
    if not text:
        return None
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise invalid(path, text) from None
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()


def check_create(payload: Mapping[str, Any]) -> None:
    """Raise `ApiError` for anything that upstream refuses before accepting a task."""
    check_object(payload, FIELDS[Action(VOD, CREATE)])
    require(payload, "SubAppId", "ModelName", "ModelVersion")
    if not any(payload.get(name) for name in INPUTS):
        raise ApiError("MissingParameter", "The parameter `Prompt` is required without a file.")
    check_lengths(payload, LONGEST)
    check_asked(VOD, payload)
    check_choices(payload, CHOICES)
    time_at(payload, "OutputConfig.ExpireTime")
    _check_files(payload)
    _check_frames(payload)
    _check_extra(payload.get("ExtInfo"))


def _check_files(payload: Mapping[str, Any]) -> None:
    for index, file in enumerate(payload.get("FileInfos") or []):
        path = f"FileInfos.{index}."
        require(file, "Type", path=path)
        require(file, CONTENT[file["Type"]], path=path)
        if (file.get("Base64") or "").startswith("data:"):
            raise invalid(f"{path}Base64", "data:")
    if sum(len(text or "") for text in values_at(payload, "FileInfos.Base64")) > BASE64_MOST:
        raise ApiError("InvalidParameterValue", "The files in `FileInfos` are larger than 7 MB together.")
    _check_urls(payload)


def _check_urls(payload: Mapping[str, Any]) -> None:
    for path in URLS:
        for held in values_at(payload, path):
            for url in held if isinstance(held, list) else [held]:
                if url and not url.startswith(("http://", "https://")):
                    raise invalid(path, url, "InvalidParameterValue.Url")


def _check_frames(payload: Mapping[str, Any]) -> None:
    images = files_of(payload, IMAGE)
    usages, objects, voices = (
        [bool(image.get(name)) for image in images] for name in ("Usage", "ObjectId", "VoiceId")
    )
    first, last = has_first_frame(payload), has_last_frame(payload)
    bases = any(video.get("ReferenceType") == "base" for video in files_of(payload, VIDEO))
    broken = {
        "If one picture has a `Usage`, each must have one.": any(usages) and not all(usages),
        "A `VoiceId` needs an `ObjectId` in each picture.": any(voices) and not all(objects),
        "A last frame needs a first frame.": last and not first,
        "A first or last frame cannot be combined with a base video.": bases and (first or last),
    }
    for message, holds in broken.items():
        if holds:
            raise ApiError("InvalidParameterValue", message)


def _check_extra(text: str | None) -> None:
    """Check both levels: a string holding an object, which holds another such string."""
    inner = object_in("ExtInfo", text).get("AdditionalParameters")
    if not isinstance(inner, str | None):
        raise ApiError("InvalidParameterValue", "`ExtInfo.AdditionalParameters` must be a string.")
    object_in("ExtInfo.AdditionalParameters", inner)
