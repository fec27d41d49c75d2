"""What VOD tells of tasks: one in detail, and the list. Pure. Source: the facts, section 5.4."""

import math
import operator
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from videos.sandbox.asked import asked_of
from videos.sandbox.clip import clip_size
from videos.sandbox.protocol import VOD, ApiError
from videos.sandbox.references import count_references
from videos.sandbox.schema import value_at
from videos.sandbox.tasks import SandboxTask, View
from videos.sandbox.vod import time_at

TASK_TYPE = "AigcVideoTask"
# A task's report repeats these fields of its create call.
ECHOED = (
    *("ModelName", "ModelVersion", "FileInfos", "SubjectInfos", "LastFrameFileId", "LastFrameUrl"),
    *("Prompt", "NegativePrompt", "EnhancePrompt", "OutputConfig", "InputRegion", "SceneType", "Seed"),
    "ExtInfo",
)
LIST_LIMIT = 10
SORT_KEYS = {"CreateTime": operator.attrgetter("created_at"), "FinishTime": operator.attrgetter("ended_at")}


def is_permanent(task: SandboxTask) -> bool:
    """Whether the video is stored with VOD for good, under a FileId."""
    return bool(value_at(task.payload, "OutputConfig.StorageMode") == "Permanent")


def detail(view: View) -> dict[str, Any]:
    """Return the answer to `DescribeTaskDetail`."""
    return {
        "TaskType": TASK_TYPE,
        "Status": view.word,
        **_times(view.task, view.now),
        TASK_TYPE: _task(view),
    }


def _task(view: View) -> dict[str, Any]:
    task, failed = view.task, view.has_failed
    return {
        "TaskId": task.task_id,
        # The inner status has no word for waiting.
        "Status": "PROCESSING" if view.word == "WAITING" else view.word,
        "ErrCode": task.failure_number if failed else 0,
        "ErrCodeExt": task.failure_code if failed else "",
        "Message": task.failure if failed else "",
        "Progress": _progress(task, view.now),
        "Input": {name: task.payload[name] for name in ECHOED if task.payload.get(name) is not None},
        "Output": _output(view) if view.has_succeeded else None,
        **_session(task),
    }


def _times(task: SandboxTask, now: float) -> dict[str, str]:
    began = task.run_at <= now and not task.overflowed
    return {
        "CreateTime": iso(task.created_at),
        "BeginProcessTime": iso(task.run_at) if began else "",
        "FinishTime": iso(task.ended_at) if task.has_ended(now) else "",
    }


def _session(task: SandboxTask) -> dict[str, str]:
    return {"SessionId": task.session, "SessionContext": task.payload.get("SessionContext") or ""}


def _progress(task: SandboxTask, now: float) -> int:
    if task.has_ended(now):
        return 100
    whole = task.due_at - task.created_at
    return min(99, int(100 * (now - task.created_at) / whole)) if whole else 99


def _output(view: View) -> dict[str, Any]:
    task = view.task
    seconds = int(asked_of(VOD, task.payload).seconds)
    usage = {
        "OutputSeconds": seconds,
        "TotalSeconds": seconds,
        "InputSeconds": 0,
        "InputImageCount": count_references(VOD, task.payload),
    }
    return {"FileInfos": [_file(view)] if view.url else [], "Usage": usage}


def _file(view: View) -> dict[str, Any]:
    task = view.task
    config = task.payload.get("OutputConfig") or {}
    expires = iso(view.url_expires_at) if math.isfinite(view.url_expires_at) else ""
    return {
        "StorageMode": config.get("StorageMode") or "Temporary",
        "MediaName": config.get("MediaName") or "",
        "ClassId": config.get("ClassId") or 0,
        "ExpireTime": config.get("ExpireTime") or expires,
        "FileType": "mp4",
        "FileUrl": view.url,
        "FileId": file_id(task),
        "MetaData": _meta_data(task),
    }


def file_id(task: SandboxTask) -> str:
    """Return the id of a video that is stored with VOD, a long number; empty if it is not."""
    return str(int(task.task_id[-33:-18], 16)) if is_permanent(task) else ""


def _meta_data(task: SandboxTask) -> dict[str, Any]:
    size = task.file.stat().st_size if task.file else 0
    seconds = float(asked_of(VOD, task.payload).seconds)
    width, height = clip_size(VOD, task.payload)
    return {
        "Size": size,
        "Container": "mov,mp4,m4a,3gp,3g2,mj2",
        "Bitrate": int(size * 8 / seconds),
        "Width": width,
        "Height": height,
        "Duration": seconds,
    }


def listing(
    tasks: list[SandboxTask], payload: Mapping[str, Any], now: float, word: str = ""
) -> dict[str, Any]:
    """Return the answer to `DescribeTasks`, with `word` as the status of each row if it is given.

    The ScrollToken is the id of the first task of the next page.
    """
    limit = payload.get("Limit") or LIST_LIMIT
    found = [task for task in _from_token(_sorted(tasks, payload), payload) if _is_wanted(task, payload, now)]
    following = found[limit].task_id if len(found) > limit else ""
    return {"TaskSet": [_row(task, now, word) for task in found[:limit]], "ScrollToken": following}


def _sorted(tasks: list[SandboxTask], payload: Mapping[str, Any]) -> list[SandboxTask]:
    field = value_at(payload, "Sort.Field") or "CreateTime"
    return sorted(tasks, key=SORT_KEYS[field], reverse=value_at(payload, "Sort.Order") != "Asc")


def _from_token(tasks: list[SandboxTask], payload: Mapping[str, Any]) -> list[SandboxTask]:
    token = payload.get("ScrollToken")
    if not token:
        return tasks
    places = [place for place, task in enumerate(tasks) if task.task_id == token]
    if not places:
        raise ApiError("InvalidParameterValue", "The value of parameter `ScrollToken` is not valid.")
    return tasks[places[0] :]


def _is_wanted(task: SandboxTask, payload: Mapping[str, Any], now: float) -> bool:
    ended = task.has_ended(now)
    return (
        payload.get("Status") in (None, "", task.status(now))
        and payload.get("FileId") in (None, "", ended and file_id(task))
        and _is_within(task.created_at, payload, "CreateTime")
        and _is_within(task.ended_at if ended else math.inf, payload, "FinishTime")
    )


def _is_within(moment: float, payload: Mapping[str, Any], path: str) -> bool:
    after, before = time_at(payload, f"{path}.After"), time_at(payload, f"{path}.Before")
    return (after is None or after <= moment) and (before is None or moment < before)


def _row(task: SandboxTask, now: float, word: str) -> dict[str, Any]:
    return {
        "TaskId": task.task_id,
        "Status": word or task.status(now),
        "FileId": file_id(task) if task.has_ended(now) else "",
        "TaskType": TASK_TYPE,
        **_times(task, now),
        **_session(task),
    }


def iso(moment: float) -> str:
    """Return a Unix time as upstream writes it."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
