"""Locks the log-in after too many failures, and answers requests during the lockout.

Failures are counted per name and address, and, against clients that try many names, per address alone.
"""

from datetime import datetime, timedelta
from math import ceil
from typing import Any

from axes.handlers.proxy import AxesProxyHandler
from axes.models import AccessAttempt
from django.conf import settings
from django.db.models import Max, QuerySet, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from accounts.networks import UNKNOWN, of_request

MAX_FAILURES_PER_NAME = 5
"""Failures with one name from one address that lock the log-in for this pair."""
MAX_FAILURES_PER_ADDRESS = 50
"""Failures from one address, over all names, that lock it; a whole office may share an address."""


def failure_limit(request: HttpRequest, credentials: dict[str, Any] | None) -> int:
    """How many failures with the name lock the log-in: 0 if the address is locked."""
    return 0 if _is_address_locked(request) else MAX_FAILURES_PER_NAME


def locked_out(
    request: HttpRequest, response: HttpResponse | None = None, credentials: dict[str, Any] | None = None
) -> HttpResponse:
    """The 429 response, with `Retry-After`."""
    now = timezone.now()
    is_address_locked = _is_address_locked(request)
    wait = _free_at(request, credentials, now) - now
    context = {"minutes": ceil(wait / timedelta(minutes=1)), "whatever_name": is_address_locked}
    response = render(request, "people/locked.html", context, status=429)
    response["Retry-After"] = str(ceil(wait.total_seconds()))
    return response


def _free_at(request: HttpRequest, credentials: dict[str, Any] | None, now: datetime) -> datetime:
    """When the lockout ends, counted from the latest failure."""
    attempts = AxesProxyHandler.get_implementation().get_user_attempts(request, credentials)
    if _is_address_locked(request):
        attempts = [_attempts_from_address(request)]
    latest = [found.aggregate(at=Max("attempt_time"))["at"] or now for found in attempts]
    free_at: datetime = max(latest) + settings.AXES_COOLOFF_TIME
    return free_at


def _is_address_locked(request: HttpRequest) -> bool:
    """Whether the address is locked. An unknown one never is: that would lock everybody out."""
    address = of_request(request)
    if address == UNKNOWN:
        return False
    failures = _attempts_from_address(request).aggregate(all=Sum("failures_since_start"))["all"] or 0
    return bool(failures >= MAX_FAILURES_PER_ADDRESS)


def _attempts_from_address(request: HttpRequest) -> QuerySet[Any]:
    since = timezone.now() - settings.AXES_COOLOFF_TIME
    found: QuerySet[Any] = AccessAttempt.objects.filter(
        ip_address=of_request(request), attempt_time__gte=since
    )
    return found
