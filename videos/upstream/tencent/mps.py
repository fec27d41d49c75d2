"""MPS, version 2019-06-12: the parameters of CreateAigcVideoTask, and the meaning of responses.

Source of fields and types: Tencent's page of CreateAigcVideoTask; the facts, sections 2, 3 and 7.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from accounts.buckets import Destination
from videos.requests import VideoRequest
from videos.requests.strict_json import dumps
from videos.requests.values import storable
from videos.upstream.base import OutcomeUnknown, Phase, Progress, Submitted
from videos.upstream.tencent.errors import reason_of_failure

if TYPE_CHECKING:
    from videos.upstream.tencent.client import TencentClient

SERVICE = "mps"
VERSION = "2019-06-12"
CREATE = "CreateAigcVideoTask"
DESCRIBE = "DescribeAigcVideoTask"
_LONGEST_WORD, _LONGEST_SIZE = 50, 20
"""Characters of a status and of a frame size that are kept; real ones are far shorter."""
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


class MpsUpstream:
    """The AIGC video tasks of one MPS account. Timeouts are in seconds."""

    def __init__(self, client: "TencentClient", *, create_timeout: float, describe_timeout: float) -> None:
        self._client = client
        self._create_timeout = create_timeout
        self._describe_timeout = describe_timeout

    async def create(self, payload: Mapping[str, Any]) -> Submitted:
        """Submit a task. Raises `UpstreamError`; a response without an id leaves the outcome unknown."""
        response = await self._client.call(CREATE, payload, seconds=self._create_timeout, once=True)
        task_id, request_id = _text(response, "TaskId"), _text(response, "RequestId")
        if not task_id:
            raise OutcomeUnknown("the answer holds no TaskId", request_id=request_id)
        return Submitted(task_id, request_id, response)

    async def describe(self, task_id: str) -> Progress:
        response = await self._client.call(DESCRIBE, {"TaskId": task_id}, seconds=self._describe_timeout)
        return progress(response)

    async def aclose(self) -> None:
        await self._client.aclose()


def progress(response: Mapping[str, Any]) -> Progress:
    """Read the response of `DescribeAigcVideoTask`; an unknown status word means still running."""
    word, urls = _text(response, "Status"), response.get("VideoUrls")
    return Progress(
        phase=PHASES.get(word, Phase.UNKNOWN),
        word=word[:_LONGEST_WORD],
        urls=tuple(storable(str(url)) for url in urls if url) if isinstance(urls, list) else (),
        frame_size=_text(response, "Resolution").replace("*", "x")[:_LONGEST_SIZE],
        message=_text(response, "Message"),
        reason=reason_of_failure(_text(response, "Message")),
        request_id=_text(response, "RequestId"),
        answer=response,
    )


def _text(response: Mapping[str, Any], field: str) -> str:
    value = response.get(field)
    return "" if value is None else storable(str(value))


def create_payload(request: VideoRequest, destination: Destination | None = None) -> dict[str, Any]:
    """The body of `CreateAigcVideoTask` for a request; it has only fields of the action.

    With a destination the video is stored in that bucket, otherwise by upstream itself.
    """
    payload = {
        "ModelName": request.model.family,
        "ModelVersion": request.model.version,
        "SceneType": _scene_type(request),
        "Prompt": _prompt(request),
        "NegativePrompt": request.metadata.get("negative_prompt"),
        "EnhancePrompt": _flag(request.metadata.get("enhance_prompt")),
        **_pictures(request),
        "VideoInfos": [{"VideoUrl": url} for url in request.videos] or None,
        "Duration": request.seconds,
        "ExtraParameters": _extra_parameters(request),
        "StoreCosParam": _store_cos_param(destination),
        "AdditionalParameters": _additional_parameters(request),
    }
    return _given(payload)


def not_forwarded(request: VideoRequest) -> list[str]:
    """The request paths MPS has no field for, in request order; they are stored and shown to the client."""
    return [path for path, field in request.paths if not _is_forwarded(request, field)]


def _is_forwarded(request: VideoRequest, field: str) -> bool:
    if field == "scene_type":
        return _scene_type(request) is not None
    if field == "vidu_q2_object_ids":
        return bool(request.images)
    if field.startswith("ext_info."):
        return field == "ext_info.AdditionalParameters"
    return bool(field) and field not in NO_FIELD


def _prompt(request: VideoRequest) -> str | None:
    # Upstream requires a prompt even if the shots replace it.
    return request.prompt or (request.shots[0]["prompt"] if request.shots else None)


def _scene_type(request: VideoRequest) -> str | None:
    asked = request.metadata.get("scene_type")
    return asked if asked == request.model.scene_type else None


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
    return _given(
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


def _additional_parameters(request: VideoRequest) -> str | None:
    given = request.metadata.get("ext_info", {}).get("AdditionalParameters")
    return dumps(given) if isinstance(given, dict) else given


def _flag(word: str | None) -> bool | None:
    return None if word is None else word == "Enabled"


def _given(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
