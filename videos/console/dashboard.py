"""The staff console's dashboard, from `videos.metrics.overview`.

The page refreshes its figures every few seconds; for these htmx requests the URL returns only the figures.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from config import disk
from videos.console import plots
from videos.console.account_health import Condition, shown_health, why_untaken
from videos.console.task_list import ENDED_WITHIN
from videos.labels import status_chip, status_label
from videos.metrics import buckets, overview
from videos.metrics.buckets import Span
from videos.metrics.overview import AccountFigures, Counts, OpenTasks, Spending, StuckTasks
from videos.models import Task, UpstreamAccount
from videos.routing import availability
from videos.routing.availability import Gap, Service
from videos.routing.rate_limits import UpstreamCall
from videos.states import Attention, Status

TASKS, ACCOUNTS, TENANTS = "videos.view_task", "videos.view_upstreamaccount", "accounts.view_tenant"
"""Permissions needed for the page and for its sections on accounts and tenants."""
SPANS: dict[Span, str | Promise] = {
    Span.DAY: pgettext_lazy("a span of time", "Day"),
    Span.WEEK: gettext_lazy("Week"),
    Span.MONTH: gettext_lazy("Month"),
}
OPEN = (
    Status.WAITING,
    Status.QUEUED,
    Status.SUBMITTING,
    Status.IN_DOUBT,
    Status.RUNNING,
    Status.STORING,
)
ENDED: dict[Status, Callable[[Counts], int]] = {
    Status.SUCCEEDED: lambda counts: counts.completed,
    Status.FAILED: lambda counts: counts.failed,
}
LATE = timedelta(minutes=3)
"""The hourly counts are updated every minute; older than this is shown as late."""


def context(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Template context of the console's index page, limited by the user's permissions."""
    is_part = bool(getattr(request, "htmx", False))
    frame = "admin/part.html" if is_part else "admin/base_site.html"
    may_see = request.user.has_perm(TASKS)
    context |= {"title": _("Dashboard"), "frame": frame, "may_see": may_see}
    if may_see:
        span = _span(request.GET.get("span", ""))
        context |= _page(span) | _figures(request, span, timezone.now())
    return context


def _span(name: str) -> Span:
    return Span(name) if name in set(Span) else Span.DAY


def _page(chosen: Span) -> dict[str, Any]:
    """The part of the context that does not change on refresh."""
    tabs = [{"name": span, "label": label, "is_chosen": span is chosen} for span, label in SPANS.items()]
    return {"tabs": tabs, "span": chosen, "currency": settings.CURRENCY}


def _figures(request: HttpRequest, span: Span, now: datetime) -> dict[str, Any]:
    zone = timezone.get_current_timezone()
    starts = buckets.starts(span, now, zone)
    counted = overview.plotted(starts, now)
    total = sum(counted, Counts())
    open_tasks = overview.open_tasks()
    accounts = overview.accounts(open_tasks, now)
    gap = availability.gap([figures.account for figures in accounts], now)
    return {
        "now": now,
        "zone": zone,
        **_freshness(now),
        **_disk(),
        "states": [*_open_states(open_tasks), *_ended_states(total, span)],
        **_trouble(open_tasks, accounts, now),
        "plots": plots.drawn(span, starts, counted, now),
        "rows": plots.rows(span, starts, counted, now),
        "total": plots.row(total),
        "models": overview.by_model(starts[0], now),
        "most_timed": overview.LATEST,
        "gap": gap and _gap(gap),
        "accounts": [_account(one, gap, now) for one in accounts]
        if request.user.has_perm(ACCOUNTS)
        else None,
        "spending": [_spending(one) for one in overview.spending(now)]
        if request.user.has_perm(TENANTS)
        else None,
    }


def _freshness(now: datetime) -> dict[str, Any]:
    counted, heard = overview.freshness()
    return {
        "counted_until": counted,
        "is_counted_late": counted is None or counted < now - LATE,
        "heard": heard,
        "is_worker_gone": heard is None or heard < now - overview.WORKER_SILENCE,
    }


def _gap(gap: Gap) -> dict[str, Any]:
    """The banner that names what no account takes now, and the accounts that should."""
    return {
        "is_paused": gap.service is Service.PAUSED,
        "models": gap.models,
        "accounts": [
            {
                "account": account,
                "why": why_untaken(account),
                "url": reverse("admin:videos_upstreamaccount_change", args=[account.pk]),
            }
            for account in gap.accounts
        ],
    }


def _disk() -> dict[str, Any]:
    return {"is_disk_short": disk.is_short(), "free": disk.free(), "least_free": disk.least_free()}


def _open_states(open_tasks: Sequence[OpenTasks]) -> Iterator[dict[str, Any]]:
    for status in OPEN:
        yield _state(status, sum(row.tasks for row in open_tasks if row.status is status))


def _ended_states(total: Counts, span: Span) -> Iterator[dict[str, Any]]:
    for status, number in ENDED.items():
        of_span = {"when": ENDED_WITHIN[span], "url": f"{_list_of(status)}&ended={span}"}
        yield _state(status, number(total)) | of_span


def _state(status: Status, tasks: int) -> dict[str, Any]:
    return {
        "when": _("now"),
        "status": status,
        "label": status_label(status),
        "chip": status_chip(status),
        "tasks": tasks,
        "url": _list_of(status),
    }


def _list_of(status: Status) -> str:
    return f"{reverse('admin:videos_task_changelist')}?status={status}"


def _trouble(
    open_tasks: Sequence[OpenTasks], accounts: Sequence[AccountFigures], now: datetime
) -> dict[str, Any]:
    """Groups of stalled tasks and single tasks that need attention, oldest first."""
    stuck = overview.stuck()
    shown = [_stuck(task) for task in stuck[: overview.MOST_STUCK]]
    troubles = [*map(_standstill, overview.stuck_tasks(open_tasks, accounts, now)), *shown]
    return {
        "is_store_full": any(task.attention.startswith(Attention.STORE_FULL) for task in stuck),
        "stuck": [
            {**one, "age": _age(one["since"], now)} for one in sorted(troubles, key=itemgetter("since"))
        ],
        "is_more_stuck": len(stuck) > overview.MOST_STUCK,
    }


def _standstill(standstill: StuckTasks) -> dict[str, Any]:
    return {
        "id": f"still-{_ids(standstill.accounts) or 'unserved'}-{standstill.status}",
        "of": standstill.accounts,
        "label": status_label(standstill.status),
        "chip": status_chip(standstill.status),
        "tasks": standstill.tasks,
        "url": _list_of(standstill.status),
        "status": standstill.status,
        "since": standstill.since,
    }


def _ids(accounts: Iterable[UpstreamAccount]) -> str:
    return "-".join(str(account.pk) for account in accounts)


def _stuck(task: Task) -> dict[str, Any]:
    return {
        "task": task,
        "label": status_label(task.status),
        "chip": status_chip(task.status),
        "url": reverse("admin:videos_task_change", args=[task.pk]),
        "since": task.created_at,
    }


def _age(since: datetime, now: datetime) -> str:
    return timesince(since, now, depth=1)


def _account(figures: AccountFigures, gap: Gap | None, now: datetime) -> dict[str, Any]:
    queued = figures.open.get(Status.QUEUED)
    is_out = figures.account.is_enabled and figures.account.state.condition == Condition.OPEN
    return {
        "account": figures.account,
        "is_out": is_out and not (gap and figures.account in gap.accounts),  # which has a banner already
        "health": shown_health(figures.account.state),
        "url": reverse("admin:videos_upstreamaccount_change", args=[figures.account.pk]),
        "tasks": [
            (status_label(status), figures.open[status].tasks if status in figures.open else 0)
            for status in _OF_ACCOUNT
        ],
        "oldest": _age(queued.oldest, now) if queued else "",
        "uses": [
            (_("Creates"), figures.uses[UpstreamCall.CREATE]),
            (_("Queries"), figures.uses[UpstreamCall.DESCRIBE]),
        ],
    }


_OF_ACCOUNT = (Status.QUEUED, Status.SUBMITTING, Status.RUNNING)


def _spending(spending: Spending) -> dict[str, Any]:
    return {
        "tenant": spending.tenant,
        "url": reverse("admin:accounts_tenant_overview", args=[spending.tenant.pk]),
        "today": spending.today,
        "this_month": spending.this_month,
        "balance": spending.balance,
    }
