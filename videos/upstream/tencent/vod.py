"""VOD, version 2018-07-17: the parameters of CreateAigcVideoTask, and the meaning of responses.

Source of fields and types: `tencentcloud.vod.v20180717.models`; the facts, sections 5 and 7.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from videos.requests import VideoRequest
from videos.requests.strict_json import dumps
from videos.requests.values import whole_number
from videos.upstream.base import OutcomeUnknown, Phase, Progress, Submission
from videos.upstream.tencent import account
from videos.upstream.tencent.errors import Failed, failed
from videos.upstream.tencent.fields import (
    LONGEST_SIZE,
    LONGEST_WORD,
    additional_parameters,
    child,
    children,
    given,
    prompt,
    scene_type,
    text,
)

SERVICE = "vod"
VERSION = "2018-07-17"
CREATE = account.CREATE
DESCRIBE = "DescribeTaskDetail"
LIST = "DescribeTasks"
STORES_IN_BUCKETS = False
"""Whether upstream can put the video in a bucket of the tenant."""
LINK_LIFE = timedelta(days=7)
"""How long a link to a result works."""
UNKNOWN_SCENES = frozenset({"land2port"})
"""Scene types that only the sister product, MPS, has."""
PHASES = {
    "WAITING": Phase.WAITING,
    "PROCESSING": Phase.RUNNING,
    "FINISH": Phase.DONE,
    "ABORTED": Phase.FAILED,
}
"""In the order in which a task passes them. FINISH says only that it ended; `_phase` reads how."""
OUTPUT_FIELDS = (
    *("AudioGeneration", "PersonGeneration", "InputComplianceCheck", "OutputComplianceCheck"),
    *("EnhanceSwitch", "OffPeak", "LogoAdd"),
)
"""Fields of `output_config` that upstream has under the same name, with the same words."""
ROWS, MOST_PAGES = 100, 100
"""How many tasks a page of the list has at most, and how many pages are read to find one."""
_SUCCESS = ("", "0")
"""An `ErrCode` without an error."""
_FAILED_WHILE_RUNNING = "70000"
_FULL = re.compile(r"max\w* (task )?concurren|concurren\w* (limit|exceed)|并发", re.IGNORECASE)
"""Only of a message with that code: the account runs as many tasks as it may."""


class VodUpstream(account.TencentAccount):
    """The AIGC video tasks of one application in a VOD account. Timeouts are in seconds."""

    can_find = True
    describe_action = DESCRIBE

    @staticmethod
    def progress(response: Mapping[str, Any]) -> Progress:
        return progress(response)

    async def find(self, session: str, since: datetime, until: datetime) -> str | None:
        """Search the list of tasks, which goes back 72 hours. Raises `UpstreamError`, also if it is too long.

        `since` is by our clock, so the search begins a little earlier.
        """
        if not session:  # rows of tasks without a session have an empty one
            return None
        body: dict[str, Any] = {
            "CreateTime": {"After": _iso(since), "Before": _iso(until)},
            "Sort": {"Field": "CreateTime", "Order": "Asc"},
            "Limit": ROWS,
        }
        for _ in range(MOST_PAGES):
            page = await self._query(LIST, body)
            for row in _rows(page):
                if text(row, "SessionId") == session:
                    return _id(row)
            if not (token := text(page, "ScrollToken")):
                return None
            body["ScrollToken"] = token
        raise OutcomeUnknown(f"the task is not among the first {ROWS * MOST_PAGES} from {_iso(since)}")

    def _with_application(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        application = self._client.connection.sub_app_id
        return body if application is None else {"SubAppId": application, **body}


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _rows(page: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    # What cannot be read must not pass for a list without the task.
    if not isinstance(page.get("TaskSet") or [], list):
        raise OutcomeUnknown("the answer holds no list of tasks", request_id=text(page, "RequestId"))
    return children(page, "TaskSet")


def _id(row: Mapping[str, Any]) -> str:
    if task_id := text(row, "TaskId"):
        return task_id
    raise OutcomeUnknown("the task of this session has no id")


def progress(response: Mapping[str, Any]) -> Progress:
    """Read the response of `DescribeTaskDetail`; an unknown status word means still running."""
    task = child(response, "AigcVideoTask")
    files = [file for file in children(child(task, "Output"), "FileInfos") if file.get("FileUrl")]
    word = _word(text(response, "Status"), text(task, "Status"))
    phase = _phase(word, task)
    failure = _failure(task) if phase is Phase.FAILED else Failed()
    return Progress(
        phase=phase,
        word=word[:LONGEST_WORD],
        urls=tuple(text(file, "FileUrl") for file in files),
        frame_size=next(filter(None, map(_frame_size, files)), ""),
        message=_message(task),
        reason=failure.reason,
        never_ran=failure.never_ran and not files,
        request_id=text(response, "RequestId"),
        answer=response,
    )


def _word(outer: str, inner: str) -> str:
    """The status that is further on, as that of the whole task and that of its body may differ."""
    known = [word for word in PHASES if word in (outer, inner)]
    return known[-1] if known else outer or inner


def _phase(word: str, task: Mapping[str, Any]) -> Phase:
    phase = PHASES.get(word, Phase.UNKNOWN)
    has_error = _error_code(task) not in _SUCCESS or text(task, "ErrCodeExt") != ""
    return Phase.FAILED if phase is Phase.DONE and has_error else phase


def _failure(task: Mapping[str, Any]) -> Failed:
    failure = failed(text(task, "ErrCodeExt"), text(task, "Message"))
    is_full = _error_code(task) == _FAILED_WHILE_RUNNING and _FULL.search(text(task, "Message"))
    return failure._replace(never_ran=True) if is_full else failure


def _error_code(task: Mapping[str, Any]) -> str:
    """As text; it is a number, which may be written as one with a fraction or as text."""
    number = whole_number(task.get("ErrCode"))
    return text(task, "ErrCode") if number is None else str(number)


def _message(task: Mapping[str, Any]) -> str:
    return text(task, "Message") or text(task, "ErrCodeExt")


def _frame_size(file: Mapping[str, Any]) -> str:
    metadata = child(file, "MetaData")
    sides = [whole_number(metadata.get(side)) or 0 for side in ("Width", "Height")]
    return "x".join(map(str, sides))[:LONGEST_SIZE] if min(sides) > 0 else ""


def create_payload(request: VideoRequest, submission: Submission) -> dict[str, Any]:
    """The body of `CreateAigcVideoTask` for a request, without `SubAppId`, which belongs to the account.

    Upstream keeps the video for seven days; there is no field for a bucket.
    """
    payload = {
        "ModelName": request.model.family,
        "ModelVersion": request.model.version,
        "FileInfos": list(_file_infos(request)) or None,
        "LastFrameUrl": None if request.uses_references else next(iter(request.images[1:]), None),
        "Prompt": prompt(request),
        "NegativePrompt": request.metadata.get("negative_prompt"),
        "EnhancePrompt": request.metadata.get("enhance_prompt"),
        "OutputConfig": _output_config(request),
        "InputRegion": request.metadata.get("input_region"),
        "SceneType": _scene_type(request),
        "ExtInfo": _ext_info(request),
        "SessionId": submission.session or None,
        "SessionContext": submission.session or None,
    }
    return given(payload)


def not_forwarded(request: VideoRequest) -> list[str]:
    """The request paths VOD has no field for, in request order; they are stored and shown to the client."""
    return [path for path, field in request.paths if not _is_forwarded(request, field)]


def _is_forwarded(request: VideoRequest, field: str) -> bool:
    if field == "scene_type":
        return _scene_type(request) is not None
    if field == "vidu_q2_object_ids":
        return bool(request.images)
    if field == "vidu_q2_voice_map":
        return any("VoiceId" in file for file in _file_infos(request))
    return bool(field)


def _scene_type(request: VideoRequest) -> str | None:
    asked = scene_type(request)
    return None if asked in UNKNOWN_SCENES else asked


def _file_infos(request: VideoRequest) -> Iterator[dict[str, str]]:
    """The first frame or the references. Their usage is always given: that of one image is ambiguous."""
    usage = "Reference" if request.uses_references else "FirstFrame"
    images = request.images if request.uses_references else request.images[:1]
    subjects = request.metadata.get("vidu_q2_object_ids", ())
    voices = request.metadata.get("vidu_q2_voice_map", {})
    for place, url in enumerate(images):
        subject = subjects[place] if place < len(subjects) else None
        file = {"Type": "Url", "Category": "Image", "Url": url, "Usage": usage}
        yield given({**file, "ObjectId": subject, "VoiceId": voices.get(subject)})
    for url in request.videos:
        yield {"Type": "Url", "Category": "Video", "Url": url, "Usage": usage}


def _output_config(request: VideoRequest) -> dict[str, Any]:
    output = request.metadata.get("output_config", {})
    return given(
        {
            "Duration": request.seconds,
            "Resolution": request.model.resolution,
            "AspectRatio": request.metadata.get("aspect_ratio"),
            **{name: output.get(name) for name in OUTPUT_FIELDS},
        }
    )


def _ext_info(request: VideoRequest) -> str | None:
    """JSON text of an object, whose `AdditionalParameters` again is JSON text of an object."""
    ext_info = request.metadata.get("ext_info", {})
    inner = given({"AdditionalParameters": additional_parameters(request)})
    return dumps({**ext_info, **inner}) if ext_info else None
