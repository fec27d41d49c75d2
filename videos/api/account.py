"""`GET /v1/account`: what the tenant and its key may have, what they use, and what is left."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import Sum
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.ids import first_uuid7
from accounts.limits import MINUTE
from accounts.models import APIKey, Quota, Scope, Standing, Tenant
from accounts.money import ZERO, shown
from accounts.quotas import quota_of
from accounts.totals import Period
from videos.api.base import View
from videos.models import DailyUsage, Task

_LIMITS = (
    "concurrent_tasks",
    "queued_tasks",
    "when_full",
    "requests_per_minute",
    "seconds_per_day",
    "seconds_per_month",
    "spend_per_day",
    "spend_per_month",
)
_Used = tuple[int, Decimal]
"""Seconds of video, and money."""


class AccountView(View):
    """The tenant, as its own programs see it."""

    scopes = {"GET": Scope.READ, "HEAD": Scope.READ}

    def get(self, request: Request) -> Response:
        """Answer with the account."""
        tenant, now = self.key.tenant, timezone.now()
        quota, standing = quota_of(tenant.pk), Standing.objects.get(tenant=tenant)
        period = Period.of(now, tenant.time_zone)
        return Response(
            {
                "object": "account",
                "name": tenant.name,
                "time_zone": tenant.time_zone,
                "currency": settings.CURRENCY,
                "limits": {name: _shown(getattr(quota, name)) for name in _LIMITS},
                "use": _use(tenant, standing, period, now),
                "balance": _balance(quota, standing),
                "resets": {"day": period.day_ends.isoformat(), "month": period.month_ends.isoformat()},
                "key": _key(self.key),
            }
        )


def _use(tenant: Tenant, standing: Standing, period: Period, now: datetime) -> dict[str, Any]:
    """What counts against the limits now."""
    today: _Used = (standing.day_seconds, standing.day_spend)
    if standing.day != period.day:
        today = _used(tenant, period.day, period.day_ends.date())
    month: _Used = (standing.month_seconds, standing.month_spend)
    if standing.month != period.month:
        month = _used(tenant, period.month, period.month_ends.date())
    return {
        "concurrent_tasks": standing.open_tasks,
        "queued_tasks": standing.waiting_tasks,
        "seconds_today": today[0],
        "seconds_this_month": month[0],
        "spend_today": shown(today[1]),
        "spend_this_month": shown(month[1]),
        "requests_last_minute": _made_since(tenant, now - MINUTE),
    }


def _used(tenant: Tenant, start: date, stop: date) -> _Used:
    """Seconds and spend of the days from `start` up to but without `stop`."""
    days = DailyUsage.objects.filter(tenant=tenant, day__gte=start, day__lt=stop)
    sums = days.aggregate(seconds=Sum("seconds", default=0), spend=Sum("spend", default=ZERO))
    return sums["seconds"], sums["spend"]


def _made_since(tenant: Tenant, since: datetime) -> int:
    """How many tasks the tenant made after that moment; deleted ones count."""
    made = Task.objects.filter(tenant=tenant, id__gte=first_uuid7(since), created_at__gt=since)
    return made.count()


def _balance(quota: Quota, standing: Standing) -> dict[str, Any]:
    return {
        "prepaid": quota.is_prepaid,
        "available": shown(standing.balance),
        "held": shown(standing.held),
    }


def _key(key: APIKey) -> dict[str, Any]:
    return {
        "name": key.name,
        "prefix": key.prefix,
        "scopes": key.scopes,
        "expires_at": None if key.expires_at is None else int(key.expires_at.timestamp()),
        "allowed_models": key.allowed_models,
        "allowed_networks": key.allowed_networks,
        "requests_per_minute": key.requests_per_minute,
        "spend_per_month": _shown(key.spend_per_month),
    }


def _shown(limit: int | str | Decimal | None) -> int | str | None:
    return shown(limit) if isinstance(limit, Decimal) else limit
