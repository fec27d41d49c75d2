"""A tenant's limits, current use and money, for the API and the portal."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db.models import Sum

from accounts.models import Quota, Standing, Tenant
from accounts.quotas.in_force import quota_of
from accounts.quotas.limits import MINUTE
from accounts.quotas.totals import Period
from config.amounts import ZERO
from config.ids import first_uuid7
from videos.models import DailyUsage, Task

_Used = tuple[int, Decimal]
"""Seconds of video, and money."""


@dataclass(frozen=True)
class Use:
    """Use that counts against the limits."""

    concurrent_tasks: int
    queued_tasks: int
    seconds_today: int
    seconds_this_month: int
    spend_today: Decimal
    spend_this_month: Decimal
    requests_last_minute: int


@dataclass(frozen=True)
class TenantAccount:
    """Limits in force, use, money in `CURRENCY`, and the period after which limits reset."""

    quota: Quota
    use: Use
    balance: Decimal
    held: Decimal
    period: Period


def account_of(tenant: Tenant, now: datetime) -> TenantAccount:
    """The tenant's account at `now`."""
    quota, standing = quota_of(tenant.pk), Standing.objects.get(tenant=tenant)
    period = Period.of(now, tenant.clock)
    return TenantAccount(quota, _use(tenant, standing, period, now), standing.balance, standing.held, period)


def _use(tenant: Tenant, standing: Standing, period: Period, now: datetime) -> Use:
    today: _Used = (standing.day_seconds, standing.day_spend)
    if standing.day != period.day:
        today = _used(tenant, period.day, period.day_ends.date())
    month: _Used = (standing.month_seconds, standing.month_spend)
    if standing.month != period.month:
        month = _used(tenant, period.month, period.month_ends.date())
    return Use(
        concurrent_tasks=standing.open_tasks,
        queued_tasks=standing.waiting_tasks,
        seconds_today=today[0],
        seconds_this_month=month[0],
        spend_today=today[1],
        spend_this_month=month[1],
        requests_last_minute=_made_since(tenant, now - MINUTE),
    )


def _used(tenant: Tenant, start: date, stop: date) -> _Used:
    """Seconds and spend of the days from `start` to before `stop`."""
    days = DailyUsage.objects.filter(tenant=tenant, day__gte=start, day__lt=stop)
    sums = days.aggregate(seconds=Sum("seconds", default=0), spend=Sum("spend", default=ZERO))
    return sums["seconds"], sums["spend"]


def _made_since(tenant: Tenant, since: datetime) -> int:
    """Number of tasks created since then, including deleted ones."""
    return Task.objects.filter(tenant=tenant, id__gte=first_uuid7(since), created_at__gt=since).count()
