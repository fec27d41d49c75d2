"""Signed links to finished videos, which work without a key until they expire."""

import hmac
import re
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.crypto import salted_hmac

from config.web.links import absolute
from videos.models import Task

EXPIRES, SIGNATURE = "expires", "signature"
_SAME_FOR_SECONDS = 3600
"""Links do not change more often than this, so that they can be cached."""
_UNIX_TIME = re.compile("[0-9]{1,11}")


def signed_link(task: Task, request: HttpRequest, now: datetime) -> str:
    """An absolute link to the task's video, valid for `LINK_LIFE_SECONDS` or up to an hour longer."""
    return absolute(signed_path(task, now), request)


def signed_path(task: Task, now: datetime) -> str:
    """The same link without scheme and host, for our own pages."""
    expires = str(_end(int(now.timestamp())))
    path = reverse("content", args=[task.public_id])
    query = urlencode({EXPIRES: expires, SIGNATURE: _signature(task.public_id, expires)})
    return f"{path}?{query}"


def _end(now: int) -> int:
    """Expiry of a link made at `now`, both in Unix seconds; rounded up, so that it is stable for an hour."""
    life: int = settings.LINK_LIFE_SECONDS
    step = max(1, min(_SAME_FOR_SECONDS, life))
    return -(-(now + life) // step) * step


def is_valid(public_id: str, query: Mapping[str, str], now: datetime) -> bool:
    """Whether the query has a valid signature for that task and has not expired."""
    expires, signature = query.get(EXPIRES, ""), query.get(SIGNATURE, "")
    if not (_UNIX_TIME.fullmatch(expires) and signature.isascii()):
        return False
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    ours = [hmac.compare_digest(_signature(public_id, expires, key), signature) for key in keys]
    return any(ours) and now.timestamp() < int(expires)


def _signature(public_id: str, expires: str, key: str | None = None) -> str:
    """`key` defaults to the current secret key."""
    signed = salted_hmac("reelay.content", f"{public_id}:{expires}", secret=key, algorithm="sha256")
    return signed.hexdigest()
