"""Signed links to finished videos: usable without a key, for a while."""

import hmac
from datetime import datetime
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.crypto import salted_hmac

from videos.models import Task

EXPIRES, SIGNATURE = "expires", "signature"


def signed_link(task: Task, request: HttpRequest, now: datetime) -> str:
    """An absolute link to the task's video that works for `LINK_LIFE_SECONDS`."""
    expires = int(now.timestamp()) + settings.LINK_LIFE_SECONDS
    path = reverse("content", args=[task.public_id])
    query = urlencode({EXPIRES: expires, SIGNATURE: _signature(task.id, expires)})
    base = settings.PUBLIC_URL or request.build_absolute_uri("/").rstrip("/")
    return f"{base}{path}?{query}"


def is_valid(task_id: UUID, expires: str, signature: str, now: datetime) -> bool:
    """Whether we signed this, and its time has not come."""
    if not (expires.isascii() and expires.isdecimal() and len(expires) < 12) or not signature.isascii():
        return False
    return hmac.compare_digest(_signature(task_id, int(expires)), signature) and (
        now.timestamp() < int(expires)
    )


def _signature(task_id: UUID, expires: int) -> str:
    return salted_hmac("reelay.content", f"{task_id.hex}:{expires}", algorithm="sha256").hexdigest()
