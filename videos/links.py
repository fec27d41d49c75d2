"""Signed links to finished videos: usable without a key, for a while."""

import hmac
import re
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.crypto import salted_hmac

from accounts.links import absolute
from videos.models import Task

EXPIRES, SIGNATURE = "expires", "signature"
_UNIX_TIME = re.compile("[0-9]{1,11}")


def signed_link(task: Task, request: HttpRequest, now: datetime) -> str:
    """An absolute link to the task's video that works for `LINK_LIFE_SECONDS`."""
    return absolute(signed_path(task, now), request)


def signed_path(task: Task, now: datetime) -> str:
    """The same link without the address of the site, for our own pages."""
    expires = str(int(now.timestamp()) + settings.LINK_LIFE_SECONDS)
    path = reverse("content", args=[task.public_id])
    query = urlencode({EXPIRES: expires, SIGNATURE: _signature(task.public_id, expires)})
    return f"{path}?{query}"


def is_valid(public_id: str, query: Mapping[str, str], now: datetime) -> bool:
    """Whether we signed a link to that task with this query, and its time has not come."""
    expires, signature = query.get(EXPIRES, ""), query.get(SIGNATURE, "")
    if not (_UNIX_TIME.fullmatch(expires) and signature.isascii()):
        return False
    ours = hmac.compare_digest(_signature(public_id, expires), signature)
    return ours and now.timestamp() < int(expires)


def _signature(public_id: str, expires: str) -> str:
    return salted_hmac("reelay.content", f"{public_id}:{expires}", algorithm="sha256").hexdigest()
