"""What is answered after too many failed log-ins."""

from datetime import datetime, timedelta
from math import ceil
from typing import Any

from axes.handlers.proxy import AxesProxyHandler
from django.conf import settings
from django.db.models import Max
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone


def locked_out(
    request: HttpRequest, response: HttpResponse | None = None, credentials: dict[str, Any] | None = None
) -> HttpResponse:
    """429, with when to come again."""
    now = timezone.now()
    wait = _free_at(request, credentials, now) - now
    answer = render(request, "people/locked.html", {"minutes": ceil(wait / timedelta(minutes=1))}, status=429)
    answer["Retry-After"] = str(ceil(wait.total_seconds()))
    return answer


def _free_at(request: HttpRequest, credentials: dict[str, Any] | None, now: datetime) -> datetime:
    """When the failures that are counted are old enough."""
    counted = AxesProxyHandler.get_implementation().get_user_attempts(request, credentials)
    latest = [attempts.aggregate(at=Max("attempt_time"))["at"] or now for attempts in counted]
    free_at: datetime = max(latest) + settings.AXES_COOLOFF_TIME
    return free_at
