"""Examples of bodies and answers; tests compare their fields with real answers."""

from typing import Any

from videos import catalogue
from videos.api import shapes
from videos.capabilities import document, modes_of, sample

_OMNI, _FRAMES = "Kling-3.0-omni-1080p", "Vidu-q3-pro-1080p"
"""Models that have every mode between them."""
_ID, _FILE_ID = "task_01a21cabb86672b88a41da17a78b1ba7", "file_01a22121b1d27392bcef4aa2b6229f89"
_LINK = f"https://reelay.example/v1/videos/{_ID}/content?expires=1773230400&signature=5f1d"
_PRICES: list[dict[str, Any]] = [
    {"per_second": "1.00", "currency": "CNY", "options": []},
    {"per_second": "1.50", "currency": "CNY", "options": ["audio"]},
]


def _spec(name: str) -> catalogue.ModelSpec:
    found = catalogue.find(name)
    assert found is not None  # noqa: S101 - a test builds all examples
    return found


def _requests() -> dict[str, Any]:
    samples = {
        mode.name: sample(_spec(name), mode) for name in (_FRAMES, _OMNI) for mode in modes_of(_spec(name))
    }
    order = ("text", "first_frame", "first_and_last_frame", "references", "reference_video", "shots")
    return {name: samples[name] for name in order}


REQUESTS = _requests()
"""A request in each mode, by the mode's name."""
VIDEO: dict[str, Any] = {
    "id": _ID,
    "task_id": _ID,
    "object": "video",
    "model": "Kling-3.0-omni-1080p",
    "status": "completed",
    "progress": 100,
    "created_at": 1773141337,
    "completed_at": 1773141457,
    "expires_at": 1775733457,
    "seconds": "5",
    "size": "1920x1080",
    "prompt": "A girl dances",
    "error": None,
    "metadata": {"url": _LINK, "urls": [_LINK], "stage": "completed", "not_forwarded": []},
}
_NOTHING_YET: dict[str, Any] = {"url": None, "urls": [], "stage": "queued", "not_forwarded": []}
QUEUED: dict[str, Any] = VIDEO | {
    "status": "queued",
    "progress": 0,
    "completed_at": None,
    "expires_at": None,
    "size": None,
    "metadata": _NOTHING_YET,
}
FAILED: dict[str, Any] = QUEUED | {
    "status": "failed",
    "completed_at": 1773141457,
    "error": {"code": "generation_failed", "message": "The video could not be generated."},
    "metadata": _NOTHING_YET | {"stage": "failed"},
}
NEW_API = shapes.for_new_api(VIDEO)
VIDEOS: dict[str, Any] = {
    "object": "list",
    "data": [VIDEO],
    "first_id": _ID,
    "last_id": _ID,
    "has_more": False,
}
DELETED_VIDEO = {"id": _ID, "object": "video.deleted", "deleted": True}
VALIDATION: dict[str, Any] = {
    "valid": True,
    "request": REQUESTS["text"],
    "upstream": {"action": "Create", "payload": {"Prompt": REQUESTS["text"]["prompt"]}},
    "not_forwarded": [],
    "price": {"amount": "5.00", "currency": "CNY", "per_second": "1.00", "seconds": 5, "options": []},
    "admission": {"admitted": True, "queued": False, "refusals": []},
}
MODEL = shapes.model(_spec(_FRAMES), _PRICES)
MODELS = {"object": "list", "data": [MODEL]}
MODEL_SCHEMA = document(_spec(_FRAMES), _PRICES)
FILE: dict[str, Any] = {
    "id": _FILE_ID,
    "object": "file",
    "bytes": 48213,
    "created_at": 1773141337,
    "expires_at": 1775733337,
    "filename": "portrait.jpeg",
    "purpose": "reference",
    "status": "processed",
}
FILES: dict[str, Any] = {
    "object": "list",
    "data": [FILE],
    "first_id": _FILE_ID,
    "last_id": _FILE_ID,
    "has_more": False,
}
DELETED_FILE = {"id": _FILE_ID, "object": "file", "deleted": True}
_FIGURES = {"tasks": 3, "completed": 2, "failed": 1, "seconds": 10, "spend": "3.00"}
USAGE: dict[str, Any] = {
    "object": "usage",
    "start_date": "2026-11-01",
    "end_date": "2026-11-30",
    "time_zone": "Asia/Shanghai",
    "currency": "CNY",
    "data": [{"day": "2026-11-20", "api_key": {"id": "rly_1a2B3c4D", "name": "backend"}, **_FIGURES}],
    "total": _FIGURES,
}
USAGE_AS_CSV = (
    "day,api_key,api_key_name,tasks,completed,failed,seconds,spend\r\n"
    "2026-11-20,rly_1a2B3c4D,backend,3,2,1,10,3.00\r\n"
)
ACCOUNT: dict[str, Any] = {
    "object": "account",
    "name": "A studio",
    "time_zone": "Asia/Shanghai",
    "currency": "CNY",
    "limits": {
        "concurrent_tasks": 5,
        "queued_tasks": 20,
        "when_full": "queue",
        "requests_per_minute": 60,
        "seconds_per_day": 3600,
        "seconds_per_month": None,
        "spend_per_day": "100.00",
        "spend_per_month": None,
    },
    "use": {
        "concurrent_tasks": 3,
        "queued_tasks": 0,
        "seconds_today": 15,
        "seconds_this_month": 40,
        "spend_today": "3.00",
        "spend_this_month": "8.00",
        "requests_last_minute": 2,
    },
    "balance": {"prepaid": True, "available": "12.00", "held": "3.00"},
    "resets": {"day": "2026-11-21T00:00:00+08:00", "month": "2026-12-01T00:00:00+08:00"},
    "key": {
        "name": "backend",
        "prefix": "rly_1a2B3c4D",
        "scopes": ["read", "write"],
        "expires_at": None,
        "allowed_models": [],
        "allowed_networks": [],
        "requests_per_minute": None,
        "spend_per_month": None,
    },
}
BUCKET_CHECK: dict[str, Any] = {
    "object": "bucket_check",
    "ok": True,
    "checked_at": 1773141337,
    "bucket": "videos-1250000000",
    "region": "ap-guangzhou",
    "findings": [
        {"step": "credentials", "ok": True, "code": "key_pair", "message": "A key pair is set.", "fix": ""}
    ],
    "policies": {"access": {}, "upstream": {}},
}
