"""MPS, version 2019-06-12: the parameters of CreateAigcVideoTask, and the meaning of responses.

Source of fields and types: Tencent's page of CreateAigcVideoTask; the facts, sections 2, 3 and 7.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from accounts.buckets import Destination
from videos.requests import VideoRequest
from videos.requests.values import storable
from videos.upstream.base import Phase, Progress, Submission
from videos.upstream.tencent import account
from videos.upstream.tencent.errors import reason_of_failure
from videos.upstream.tencent.fields import (
    LONGEST_SIZE,
    LONGEST_WORD,
    additional_parameters,
    given,
    prompt,
    scene_type,
    text,
)

SERVICE = "mps"
VERSION = "2019-06-12"
CREATE = account.CREATE
DESCRIBE = "DescribeAigcVideoTask"
STORES_IN_BUCKETS = True
"""Whether upstream can put the video in a bucket of the tenant."""
LINK_LIFE = timedelta(hours=12)
"""How long a link to a result works."""
PHASES = {"WAIT": Phase.WAITING, "RUN": Phase.RUNNING, "DONE": Phase.DONE, "FAIL": Phase.FAILED}

NO_FIELD = frozenset(
    {
        "input_region",
        "vidu_q2_voice_map",
        "output_config.PersonGeneration",
        "output_config.InputComplianceCheck",
        "output_config.OutputComplianceCheck",
        "output_config.EnhanceSwitch",
    }
)
"""Fields of the generic API that only the sister product, VOD, supports."""


class MpsUpstream(account.TencentAccount):
    """The AIGC video tasks of one MPS account. Timeouts are in seconds."""

    can_find = False
    describe_action = DESCRIBE

    @staticmethod
    def progress(response: Mapping[str, Any]) -> Progress:
        return progress(response)

    async def find(self, session: str, since: datetime, until: datetime) -> str | None:
        """None: MPS has neither sessions nor a list of these tasks."""
        return None


def progress(response: Mapping[str, Any]) -> Progress:
    """Read the response of `DescribeAigcVideoTask`; an unknown status word means still running."""
    word, urls = text(response, "Status"), response.get("VideoUrls")
    return Progress(
        phase=PHASES.get(word, Phase.UNKNOWN),
        word=word[:LONGEST_WORD],
        urls=tuple(storable(str(url)) for url in urls if url) if isinstance(urls, list) else (),
        frame_size=text(response, "Resolution").replace("*", "x")[:LONGEST_SIZE],
        message=text(response, "Message"),
        reason=reason_of_failure(text(response, "Message")),
        request_id=text(response, "RequestId"),
        answer=response,
    )


def create_payload(request: VideoRequest, submission: Submission) -> dict[str, Any]:
    """The body of `CreateAigcVideoTask` for a request; it has only fields of the action.

    With a destination the video is stored in that bucket, otherwise by upstream itself. There is no field for
    the session.
    """
    payload = {
        "ModelName": request.model.family,
        "ModelVersion": request.model.version,
        "SceneType": scene_type(request),
        "Prompt": prompt(request),
        "NegativePrompt": request.metadata.get("negative_prompt"),
        "EnhancePrompt": _flag(request.metadata.get("enhance_prompt")),
        **_pictures(request),
        "VideoInfos": [{"VideoUrl": url} for url in request.videos] or None,
        "Duration": request.seconds,
        "ExtraParameters": _extra_parameters(request),
        "StoreCosParam": _store_cos_param(submission.destination),
        "AdditionalParameters": additional_parameters(request),
    }
    return given(payload)


def not_forwarded(request: VideoRequest) -> list[str]:
    """The request paths MPS has no field for, in request order; they are stored and shown to the client."""
    return [path for path, field in request.paths if not _is_forwarded(request, field)]


def _is_forwarded(request: VideoRequest, field: str) -> bool:
    if field == "scene_type":
        return scene_type(request) is not None
    if field == "vidu_q2_object_ids":
        return bool(request.images)
    if field.startswith("ext_info."):
        return field == "ext_info.AdditionalParameters"
    return bool(field) and field not in NO_FIELD


def _pictures(request: VideoRequest) -> dict[str, Any]:
    if not request.uses_references:
        return dict(zip(("ImageUrl", "LastImageUrl"), request.images, strict=False))
    infos = [{"ImageUrl": url} for url in request.images]
    for info, subject in zip(infos, request.metadata.get("vidu_q2_object_ids", ()), strict=False):
        info["ReferenceType"] = subject
    return {"ImageInfos": infos or None}


def _extra_parameters(request: VideoRequest) -> dict[str, Any]:
    output = request.metadata.get("output_config", {})
    logo = _flag(output.get("LogoAdd"))
    return given(
        {
            "Resolution": request.model.resolution,
            "AspectRatio": request.metadata.get("aspect_ratio"),
            "LogoAdd": None if logo is None else int(logo),
            "EnableAudio": _flag(output.get("AudioGeneration")),
            "OffPeak": _flag(output.get("OffPeak")),
        }
    )


def _store_cos_param(destination: Destination | None) -> dict[str, str] | None:
    if destination is None:
        return None
    return {
        "CosBucketName": destination.bucket,
        "CosBucketRegion": destination.region,
        "CosBucketPath": destination.path,
    }


def _flag(word: str | None) -> bool | None:
    return None if word is None else word == "Enabled"
