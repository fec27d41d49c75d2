"""`GET /v1/usage`: what the tenant asked for and what it cost, by day, model and key."""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import Sum
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import keys
from accounts.models import Scope, Tenant
from accounts.money import ZERO, shown
from accounts.spreadsheets import cell
from videos.api.base import View
from videos.api.parameters import Parameters
from videos.models import DailyUsage

MOST_DAYS = 366
GROUPS = {"day": ("day",), "model": ("model",), "api_key": ("api_key__prefix", "api_key__name")}
"""What use may be told apart by, each with the columns that say it."""
FIGURES = ("tasks", "completed", "failed", "seconds", "spend")
FORMATS = ("json", "csv")
_MEDIA_TYPES = {
    f"{media_type}{parameters}": shape
    for parameters in ("", "; charset=utf-8")
    for media_type, shape in (("application/json", "json"), ("text/csv", "csv"))
}
_HEADINGS = {"api_key__prefix": "api_key", "api_key__name": "api_key_name"}
_KEY_RULE = f"must be the prefix of a key, such as {keys.PREFIX}_1a2B3c4D"
_PREFIX = re.compile("[0-9A-Za-z_]{1,16}")
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Question:
    """Which use is asked for; days are the tenant's own, and both ends belong to it."""

    start: date
    end: date
    group_by: Sequence[str]
    filters: Mapping[str, str]

    @property
    def columns(self) -> list[str]:
        """What tells one row from another."""
        return [column for group in self.group_by for column in GROUPS[group]]

    def answer(self, tenant: Tenant) -> list[Row]:
        """The rows, each a sum, in one query."""
        used = DailyUsage.objects.filter(tenant=tenant, day__range=(self.start, self.end), **self.filters)
        sums = {f"{name}_used": Sum(name) for name in FIGURES}
        rows = used.values(*self.columns).annotate(**sums).order_by(*self.columns)
        names = [*self.columns, *FIGURES]
        return [dict(zip(names, row, strict=True)) for row in rows.values_list(*self.columns, *sums)]


class UsageView(View):
    """Use, as JSON or CSV from the same rows."""

    scopes = {"GET": Scope.READ, "HEAD": Scope.READ}

    def get(self, request: Request) -> HttpResponseBase:
        """Answer with the use of a period. Raises `InvalidRequestError`."""
        tenant = self.key.tenant
        parameters = Parameters(request.query_params)
        question = _question(parameters, tenant.day_of(timezone.now()))
        shape = parameters.one_of("format", FORMATS) or _accepted(request)
        parameters.check()
        rows = question.answer(tenant)
        return _csv(question, rows) if shape == "csv" else Response(_json(question, rows, tenant))


def _question(parameters: Parameters, today: date) -> Question:
    start, end = _period(parameters, today)
    group_by = parameters.some_of("group_by", GROUPS) or ["day"]
    api_key = parameters.read("api_key", _prefix, _KEY_RULE)
    filters = {"model": parameters.model(), "api_key__prefix": api_key}
    return Question(start, end, group_by, {name: value for name, value in filters.items() if value})


def _period(parameters: Parameters, today: date) -> tuple[date, date]:
    """The month so far, unless the client says otherwise."""
    end = parameters.date("end_date") or today
    start = parameters.date("start_date") or end.replace(day=1)
    if parameters.broken:
        return start, end
    if start > end:
        parameters.refuse("start_date", "start_date must not be after end_date")
    elif end - start >= timedelta(days=MOST_DAYS):
        parameters.refuse("end_date", f"start_date to end_date must not exceed {MOST_DAYS} days")
    return start, end


def _accepted(request: Request) -> str:
    """The format that the client prefers; JSON where it names neither."""
    preferred = request._request.get_preferred_type([*_MEDIA_TYPES])
    return _MEDIA_TYPES.get(preferred or "", "json")


def _prefix(text: str) -> str | None:
    return text if _PREFIX.fullmatch(text) else None


def _json(question: Question, rows: Iterable[Row], tenant: Tenant) -> dict[str, Any]:
    return {
        "object": "usage",
        "start_date": question.start.isoformat(),
        "end_date": question.end.isoformat(),
        "time_zone": tenant.time_zone,
        "currency": settings.CURRENCY,
        "data": [_labels(row) | _figures(row) for row in rows],
        "total": _figures(_total(rows)),
    }


def _labels(row: Row) -> dict[str, Any]:
    """What the row is about."""
    labels = {name: str(row[name]) for name in ("day", "model") if name in row}
    if "api_key__prefix" not in row:
        return labels
    prefix, name = row["api_key__prefix"], row["api_key__name"]
    return labels | {"api_key": None if prefix is None else {"id": prefix, "name": name}}


def _figures(row: Row) -> dict[str, int | str]:
    return {name: _shown(row[name]) for name in FIGURES}


def _total(rows: Iterable[Row]) -> Row:
    return {name: sum((row[name] for row in rows), ZERO if name == "spend" else 0) for name in FIGURES}


def _shown(figure: int | Decimal) -> int | str:
    return shown(figure) if isinstance(figure, Decimal) else figure


def _csv(question: Question, rows: Iterable[Row]) -> HttpResponse:
    text = io.StringIO()
    writer = csv.writer(text)
    columns = [*question.columns, *FIGURES]
    writer.writerow(_HEADINGS.get(name, name) for name in columns)
    writer.writerows([cell(row[name]) for name in columns] for row in rows)
    name = f"usage-{question.start}-{question.end}.csv"
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return HttpResponse(text.getvalue(), content_type="text/csv; charset=utf-8", headers=headers)
