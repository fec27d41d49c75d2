"""The JSON of models (contract section 6), and the video object for clients of new-api."""

from typing import Any

from videos.catalogue import STABLE_VERSIONS, ModelSpec
from videos.requests.media import MAX_VIDEOS
from videos.tasks.representation import unix

NEW_API_STATUS = {
    "queued": "QUEUED",
    "in_progress": "IN_PROGRESS",
    "completed": "SUCCESS",
    "failed": "FAILURE",
}


def for_new_api(video: dict[str, Any]) -> dict[str, Any]:
    """The video object with new-api's keys added, so that both kinds of client work."""
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


def model(spec: ModelSpec, prices: list[dict[str, Any]]) -> dict[str, Any]:
    """A model with its capabilities and prices."""
    return {
        "id": spec.name,
        "object": "model",
        "created": unix(spec.offered_since),
        "owned_by": spec.family,
        "capabilities": {
            "seconds": list(spec.seconds.allowed),
            "seconds_with_video": list(spec.seconds_for(with_video=True).allowed)
            if spec.elements_and_shots
            else [],
            "version": spec.version,
            "default_version": STABLE_VERSIONS[spec.family],
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
