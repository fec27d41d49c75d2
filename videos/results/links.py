"""Signed links to finished videos, which work without a key until they expire."""

import hmac
import re
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from hashlib import sha256
from urllib.parse import unquote

from django.conf import settings
from django.urls import reverse

from config.web.links import Addressed, absolute
from videos.models import Task

EXPIRES, SIGNATURE = "expires", "signature"
_SAME_FOR_SECONDS = 3600
"""Links do not change more often than this, so that they can be cached."""
_UNIX_TIME = re.compile("[0-9]{1,11}")


def signed_link(task: Task, request: Addressed, now: datetime) -> str:
    """An absolute link to the task's video, valid for `LINK_LIFE_SECONDS` or up to an hour longer."""
    return absolute(signed_path(task, now), request)


def signed_path(task: Task, now: datetime) -> str:
    """The same link without scheme and host, for our own pages."""
    public_id = task.public_id
    return f"{_path().format(id=public_id)}?{signed_query(public_id, _end(int(now.timestamp())))}"


def signed_query(public_id: str, expires: int) -> str:
    """The query that makes a link to the content of a task or a file valid until that Unix time."""
    return f"{EXPIRES}={expires}&{SIGNATURE}={_signature(public_id, str(expires))}"


@cache
def _path() -> str:
    """The path of a video's content, with `{id}`; reversing it for each video would take most of the time."""
    return unquote(reverse("content", args=["{id}"]))


def _end(now: int) -> int:
    """Expiry of a link made at `now`, both in Unix seconds; rounded up, so that it is stable for an hour."""
    life: int = settings.LINK_LIFE_SECONDS
    step = max(1, min(_SAME_FOR_SECONDS, life))
    return -(-(now + life) // step) * step


def is_valid(public_id: str, query: Mapping[str, str], now: datetime) -> bool:
    """Whether the query has a valid signature for that task or file and has not expired."""
    expires, signature = query.get(EXPIRES, ""), query.get(SIGNATURE, "")
    if not (_UNIX_TIME.fullmatch(expires) and signature.isascii()):
        return False
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    ours = [hmac.compare_digest(_signature(public_id, expires, key), signature) for key in keys]
    return any(ours) and now.timestamp() < int(expires)


def _signature(public_id: str, expires: str, key: str | None = None) -> str:
    """`key` defaults to the current secret key."""
    content = f"{public_id}:{expires}".encode()
    return hmac.digest(_hmac_key(key or settings.SECRET_KEY), content, "sha256").hex()


@cache
def _hmac_key(secret: str) -> bytes:
    """As Django's `salted_hmac` derives it, which earlier releases signed with."""
    return sha256(b"reelay.content" + secret.encode()).digest()
