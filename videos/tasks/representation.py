"""The video object, as clients see a task (contract section 6)."""

from datetime import datetime
from typing import Any

from config import proportion
from config.web.links import Addressed
from videos.estimates import completion
from videos.estimates.queue_position import QueuePosition
from videos.models import Task
from videos.results.links import signed_link
from videos.states import public_status, stage


def video(
    task: Task, request: Addressed, now: datetime, place: QueuePosition | None = None
) -> dict[str, Any]:
    """The video object; `place` is the position of a waiting task in its tenant's own queue."""
    state, was_accepted = task.state, task.accepted_at is not None
    link = signed_link(task, request, now) if task.is_readable else None
    failed = {"code": task.failure_code, "message": task.failure_message}
    return {
        "id": task.public_id,
        "task_id": task.public_id,
        "object": "video",
        "model": task.model,
        "status": public_status(state, was_accepted=was_accepted),
        "progress": completion.progress(task, now),
        "created_at": unix(task.created_at),
        "completed_at": unix(task.finished_at),
        # A video in the tenant's bucket stays there, whatever becomes of the platform's copy.
        "expires_at": None if task.bucket_key else unix(task.expires_at),
        "seconds": str(task.seconds),
        "size": task.frame_size or None,
        "prompt": task.prompt,
        "error": failed if task.failure_code else None,
        "metadata": {
            "url": link,
            "urls": [link] if link else [],
            "stage": stage(state, was_accepted=was_accepted),
            "not_forwarded": proportion.paths(task.not_forwarded),
        }
        | ({"queue": _queue(place)} if place else {})
        | ({"result": in_bucket(task)} if task.bucket_key else {}),
    }


def in_bucket(task: Task) -> dict[str, str]:
    """Where the video is in the tenant's bucket."""
    return {"bucket": task.store_bucket, "region": task.store_region, "key": task.bucket_key}


def _queue(place: QueuePosition) -> dict[str, Any]:
    return {"position": place.position, "estimated_start": unix(place.estimated_start)}


def unix(moment: datetime | None) -> int | None:
    """Unix time in whole seconds."""
    return None if moment is None else int(moment.timestamp())
