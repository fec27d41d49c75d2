"""How tasks and models look to clients (contract section 6)."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest

from config import proportion
from videos.catalogue import ModelSpec
from videos.estimates import generation_times, poll_schedule
from videos.estimates.queue_position import Place
from videos.models import Task
from videos.requests.media import MAX_VIDEOS
from videos.results.links import signed_link
from videos.states import PUBLIC_STATUS, STAGE, Status

NEW_API_STATUS = {
    "queued": "QUEUED",
    "in_progress": "IN_PROGRESS",
    "completed": "SUCCESS",
    "failed": "FAILURE",
}


def video(task: Task, request: HttpRequest, now: datetime, place: Place | None = None) -> dict[str, Any]:
    """The video object; `place` is that of a task in its tenant's own queue."""
    link = signed_link(task, request, now) if has_media(task) else None
    failed = {"code": task.failure_code, "message": task.failure_message}
    return {
        "id": task.public_id,
        "task_id": task.public_id,
        "object": "video",
        "model": task.model,
        "status": PUBLIC_STATUS[task.state],
        "progress": progress(task, now),
        "created_at": _unix(task.created_at),
        "completed_at": _unix(task.finished_at),
        "expires_at": _unix(task.expires_at),
        "seconds": str(task.seconds),
        "size": task.frame_size or None,
        "prompt": task.prompt,
        "error": failed if task.failure_code else None,
        "metadata": {
            "url": link,
            "urls": [link] if link else [],
            "stage": STAGE[task.state],
            "not_forwarded": proportion.paths(task.not_forwarded),
        }
        | ({"queue": _queue(place)} if place else {}),
    }


def _queue(place: Place) -> dict[str, Any]:
    return {"position": place.position, "estimated_start": _unix(place.estimated_start)}


def for_new_api(video: dict[str, Any]) -> dict[str, Any]:
    """The video object inside new-api's wrapper keys, so that both kinds of client work."""
    return video | {
        "code": "success",
        "message": "",
        "data": {
            "task_id": video["id"],
            "status": NEW_API_STATUS[video["status"]],
            "url": video["metadata"]["url"] or "",
            "progress": f"{video['progress']}%",
            "fail_reason": video["error"]["message"] if video["error"] else "",
        },
    }


def progress(task: Task, now: datetime) -> int:
    """Percent. Upstream reports none: it is estimated, and 100 only when the video is there."""
    if task.state is Status.SUCCEEDED:
        return 100
    if task.accepted_at is None:
        return 0
    if task.done_at is not None:
        return 99
    end = task.finished_at or now
    expected = task.expected_seconds or generation_times.guess(task.model).usual
    return poll_schedule.expected_progress((end - task.accepted_at).total_seconds(), expected)


def has_media(task: Task) -> bool:
    """Whether the video can be downloaded."""
    return task.state is Status.SUCCEEDED and task.media_removed_at is None


def model(spec: ModelSpec, prices: list[dict[str, Any]]) -> dict[str, Any]:
    """A model, what it takes and what a second of it costs."""
    return {
        "id": spec.name,
        "object": "model",
        "created": _unix(spec.offered_since),
        "owned_by": spec.family,
        "capabilities": {
            "seconds": list(spec.seconds.allowed),
            "seconds_with_video": list(spec.seconds_for(with_video=True).allowed)
            if spec.elements_and_shots
            else [],
            "resolution": spec.resolution,
            "aspect_ratios": list(spec.ratios.allowed),
            "aspect_ratios_with_images": [] if spec.ratios.text_to_video_only else list(spec.ratios.allowed),
            "max_images": spec.max_images,
            "images_as_frames": spec.frames,
            "max_videos": MAX_VIDEOS if spec.elements_and_shots else 0,
            "scene_types": [spec.scene_type] if spec.scene_type else [],
            "family_switches": sorted(spec.own_switches),
            "subjects": spec.subjects,
            "elements_and_shots": spec.elements_and_shots,
            "price": prices,
        },
    }


def _unix(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp())
