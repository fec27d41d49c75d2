"""When the log-in is closed, with too many failures behind it, and what is answered then.

Failures are counted for a name from an address, and, against one who tries many names, for the address alone.
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

OF_A_NAME = 5
"""Failures with a name from an address that close the log-in for both together."""
OF_AN_ADDRESS = 50
"""Failures from an address, with whichever names, that close it; a whole office may share the address."""


def failure_limit(request: HttpRequest, credentials: dict[str, Any] | None) -> int:
    """How many failures with the name close the log-in: none are needed where the address has too many."""
    return 0 if _is_closed(request) else OF_A_NAME


def locked_out(
    request: HttpRequest, response: HttpResponse | None = None, credentials: dict[str, Any] | None = None
) -> HttpResponse:
    """429, with when to come again."""
    now = timezone.now()
    is_closed = _is_closed(request)
    wait = _free_at(request, credentials, now) - now
    told = {"minutes": ceil(wait / timedelta(minutes=1)), "whatever_name": is_closed}
    answer = render(request, "people/locked.html", told, status=429)
    answer["Retry-After"] = str(ceil(wait.total_seconds()))
    return answer


def _free_at(request: HttpRequest, credentials: dict[str, Any] | None, now: datetime) -> datetime:
    """When the failures that are counted are old enough."""
    counted = AxesProxyHandler.get_implementation().get_user_attempts(request, credentials)
    if _is_closed(request):
        counted = [_from_the_address(request)]
    latest = [attempts.aggregate(at=Max("attempt_time"))["at"] or now for attempts in counted]
    free_at: datetime = max(latest) + settings.AXES_COOLOFF_TIME
    return free_at


def _is_closed(request: HttpRequest) -> bool:
    """Whether the address is closed. One that is not known never is: it would be closed for everybody."""
    address = of_request(request)
    if address == UNKNOWN:
        return False
    failures = _from_the_address(request).aggregate(all=Sum("failures_since_start"))["all"] or 0
    return bool(failures >= OF_AN_ADDRESS)


def _from_the_address(request: HttpRequest) -> QuerySet[Any]:
    since = timezone.now() - settings.AXES_COOLOFF_TIME
    found: QuerySet[Any] = AccessAttempt.objects.filter(
        ip_address=of_request(request), attempt_time__gte=since
    )
    return found
