"""What the overview of a tenant shows: money, limits, latest tasks, people and keys, in few queries."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import UUIDField
from django.db.models.functions import Left
from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from accounts.console.tenants import state_chip
from accounts.models import Membership, Tenant
from accounts.pages.key_states import active_keys, dated_chip
from config.days import month_of
from config.db.any_of import OF_ONE_TENANT, is_any_of
from videos import labels
from videos.billing.account import account_of
from videos.billing.usage import Question, total
from videos.models import EntryKind, Task
from videos.models.task_indexes import PROMPT
from videos.pages import charts
from videos.pages.charts import Series
from videos.pages.limits import meters_of
from videos.states import LOST
from videos.tasks.failures import label_for

MOST_TASKS, MOST_PEOPLE, MOST_KEYS = 8, 20, 8
MOST_MONTHS = 60
"""Months that the spend can be seen of: the latest, back to the tenant's first."""
PROMPT_SHOWN = 80
"""Characters of a prompt."""
SHOWN = ("status", "model", "seconds", "price", "created_at", "attention", "failure_code", "pruned_at")
"""The columns of a task that are read."""
MAY_VIEW = {
    "may_see_tasks": "videos.view_task",
    "may_make_tasks": "videos.add_task",
    "may_see_events": "videos.view_taskevent",
    "may_see_ledger": "videos.view_ledgerentry",
    "may_book": "videos.add_ledgerentry",
    "may_see_people": "accounts.view_membership",
    "may_see_keys": "accounts.view_apikey",
    "may_make_keys": "accounts.add_apikey",
    "may_change_keys": "accounts.change_apikey",
    "may_change": "accounts.change_tenant",
    "may_see_log": "accounts.view_auditentry",
}
"""The permission that each part of the page needs."""


def context(request: HttpRequest, tenant: Tenant, now: datetime) -> dict[str, Any]:
    """The template context, limited by the permissions of staff."""
    may = {name: request.user.has_perm(permission) for name, permission in MAY_VIEW.items()}
    account = account_of(tenant, now)
    spend = _spend(tenant, request.GET.get("month", ""), tenant.day_of(now))
    memberships = _memberships(tenant) if may["may_see_people"] else []
    return {
        **may,
        "is_overview": True,
        "state": state_chip(tenant),
        "account": account,
        "meters": meters_of(account),
        "spend": spend,
        "tasks": _tasks(tenant) if may["may_see_tasks"] else [],
        "memberships": memberships[:MOST_PEOPLE],
        "has_more_people": len(memberships) > MOST_PEOPLE,
        "is_member": any(one.user_id == request.user.pk for one in memberships),
        "keys": _keys(tenant, now) if may["may_see_keys"] else [],
        "links": _links(tenant, spend["month"]),
    }


def _spend(tenant: Tenant, asked: str, today: date) -> dict[str, Any]:
    """The spend of one of the tenant's months by day, with a chart and the choice of months."""
    months = [f"{month:%Y-%m}" for month in _months(tenant.day_of(tenant.created_at), today)]
    chosen = asked if asked in months else months[0]
    start, end = month_of(date.fromisoformat(f"{chosen}-01"))
    rows = Question(start, end, ["day"]).answer(tenant)
    by_day = {row["day"]: row["spend"] for row in rows}
    days = [start + timedelta(days=number) for number in range(end.day)]
    series = Series(_("Spend"), [float(by_day.get(day, 0)) for day in days])
    return {
        "months": months,
        "month": chosen,
        "rows": rows,
        "total": total(rows),
        "picture": charts.bars(_("Spend by day"), [str(day.day) for day in days], [series]),
    }


def _months(first: date, today: date) -> Iterator[date]:
    """The first day of each month, latest first, at most `MOST_MONTHS`."""
    month = today.replace(day=1)
    for _number in range(MOST_MONTHS):
        yield month
        if month <= first:
            return
        month = (month - timedelta(days=1)).replace(day=1)


def _tasks(tenant: Tenant) -> list[dict[str, Any]]:
    """The latest tasks, also deleted ones."""
    tasks: Any = Task.objects.filter(is_any_of("tenant", [tenant.pk], UUIDField())).order_by(*OF_ONE_TENANT)
    tasks = tasks.only(*SHOWN).annotate(prompt_shown=Left(PROMPT, PROMPT_SHOWN))
    return [
        {
            "task": task,
            "chip": labels.chip_of(task.status),
            "url": reverse("admin:videos_task_change", args=[task.pk]),
            "is_lost": task.state in LOST,
            "failure": label_for(task.failure_code),
        }
        for task in tasks[:MOST_TASKS]
    ]


def _memberships(tenant: Tenant) -> list[Membership]:
    """The members by name, and one more than are shown if there are more."""
    members = Membership.objects.filter(tenant=tenant).select_related("user").order_by("user__username")
    return list(members[: MOST_PEOPLE + 1])


def _keys(tenant: Tenant, now: datetime) -> list[dict[str, Any]]:
    """The newest keys of programs that work."""
    keys = active_keys(tenant, now).order_by("-pk")[:MOST_KEYS]
    return [{"key": key, "chip": dated_chip(key, now)} for key in keys]


def _links(tenant: Tenant, month: str) -> dict[str, str]:
    """Lists that show this tenant only, its charges of the month, and the form that tops its balance up."""
    named = urlencode({"tenant": tenant.name})
    statement = reverse("admin:accounts_tenant_statement", args=[tenant.pk])
    top_up = urlencode({"tenant": str(tenant.pk), "kind": EntryKind.TOP_UP.value})
    return {
        "tasks": f"{reverse('admin:videos_task_changelist')}?{named}",
        "events": f"{reverse('admin:videos_taskevent_changelist')}?{named}",
        "ledger": f"{reverse('admin:videos_ledgerentry_changelist')}?{named}",
        "charges": f"{statement}?{urlencode({'month': month})}",
        "log": f"{reverse('admin:accounts_auditentry_changelist')}?{named}",
        "top_up": f"{reverse('admin:videos_ledgerentry_add')}?{top_up}",
    }
