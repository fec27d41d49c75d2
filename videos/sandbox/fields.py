"""The fields of each action, as data: those listed in March 2026 and those added since."""

from typing import Any

from videos.sandbox.protocol import CREATE, DESCRIBE, DESCRIBE_DETAIL, LIST, MPS, VOD, Action
from videos.sandbox.schema import NUMBER

_SUBJECT: dict[str, Any] = {
    "Id": str,
    "Name": str,
    "VoiceId": str,
    "ImageUrls": [str],
    "VideoUrls": [str],
}
_BOTH_CREATE: dict[str, Any] = {
    "ModelName": str,
    "ModelVersion": str,
    "SceneType": str,
    "Prompt": str,
    "NegativePrompt": str,
    "SubjectInfos": [_SUBJECT],
}
_MPS_CREATE: dict[str, Any] = {
    **_BOTH_CREATE,
    "EnhancePrompt": bool,
    "ImageUrl": str,
    "LastImageUrl": str,
    "ImageInfos": [{"ImageUrl": str, "ReferenceType": str}],
    "VideoInfos": [{"VideoUrl": str, "ReferType": str, "KeepOriginalSound": str}],
    "AudioInfos": [{"AudioUrl": str}],
    "Duration": int,
    "ExtraParameters": {
        "Resolution": str,
        "AspectRatio": str,
        "LogoAdd": int,
        "EnableAudio": bool,
        "OffPeak": bool,
        "EnableBgm": bool,
    },
    "StoreCosParam": {"CosBucketName": str, "CosBucketRegion": str, "CosBucketPath": str},
    "AdditionalParameters": str,
    "Operator": str,
}
_FILE: dict[str, Any] = {
    "Type": str,
    "Category": str,
    "FileId": str,
    "Url": str,
    "Base64": str,
    "ReferenceType": str,
    "ObjectId": str,
    "VoiceId": str,
    "KeepOriginalSound": str,
    "Usage": str,
    "Text": str,
}
_OUTPUT: dict[str, Any] = {
    "StorageMode": str,
    "MediaName": str,
    "ClassId": int,
    "ExpireTime": str,
    "Duration": NUMBER,
    "Resolution": str,
    "AspectRatio": str,
    "AudioGeneration": str,
    "PersonGeneration": str,
    "InputComplianceCheck": str,
    "OutputComplianceCheck": str,
    "EnhanceSwitch": str,
    "FrameInterpolate": str,
    "LogoAdd": str,
    "OffPeak": str,
    "EnableBGM": str,
}
_VOD_CREATE: dict[str, Any] = {
    **_BOTH_CREATE,
    "SubAppId": int,
    "EnhancePrompt": str,
    "FileInfos": [_FILE],
    "LastFrameFileId": str,
    "LastFrameUrl": str,
    "OutputConfig": _OUTPUT,
    "InputRegion": str,
    "Procedure": str,
    "Seed": int,
    "SessionId": str,
    "SessionContext": str,
    "TasksPriority": int,
    "ExtInfo": str,
}
_TIMES: dict[str, Any] = {"After": str, "Before": str}

FIELDS: dict[Action, dict[str, Any]] = {
    Action(MPS, CREATE): _MPS_CREATE,
    Action(MPS, DESCRIBE): {"TaskId": str},
    Action(VOD, CREATE): _VOD_CREATE,
    Action(VOD, DESCRIBE_DETAIL): {"TaskId": str, "SubAppId": int},
    Action(VOD, LIST): {
        "SubAppId": int,
        "Status": str,
        "FileId": str,
        "CreateTime": _TIMES,
        "FinishTime": _TIMES,
        "Sort": {"Field": str, "Order": str},
        "Limit": int,
        "ScrollToken": str,
    },
}
"""Described as `schema.check_object` reads it."""
