"""`GET /v1/usage`: the tenant's usage and its cost, by day, model and key."""

import re
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from operator import itemgetter
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from rest_framework.request import Request

from accounts import keys
from accounts.models import Scope, Tenant
from config.amounts import format_amount
from config.envelope import encode
from config.proportion import MOST_BYTES
from config.web.csv_files import csv_file
from videos.api.base import View
from videos.api.parameters import Parameters
from videos.billing.usage import (
    FIGURES,
    GROUPS,
    MOST_DAYS,
    NAME,
    PREFIX,
    PURPOSE,
    DayRange,
    Question,
    Row,
    total,
)
from videos.requests import InvalidRequestError, Violation

FORMATS = ("json", "csv")
_MEDIA_TYPES = {
    f"{media_type}{parameters}": shape
    for parameters in ("", "; charset=utf-8")
    for media_type, shape in (("application/json", "json"), ("text/csv", "csv"))
}
_HEADINGS = {PREFIX: "api_key", NAME: "api_key_name"}
_KEY_RULE = f"must be the prefix of a key, such as {keys.PREFIX}_1a2B3c4D"
_PREFIX = re.compile("[0-9A-Za-z_]{1,16}")
MOST_ROWS = 1000
"""In JSON; CSV has all rows."""
TOO_MUCH = (
    f"group_by gives more than {MOST_ROWS} rows or {MOST_BYTES // 1024} KiB as JSON; "
    "ask for a shorter period, fewer groups, or format=csv"
)


class UsageView(View):
    """`GET /v1/usage`, as JSON or CSV."""

    scopes = {"GET": Scope.READ, "HEAD": Scope.READ}

    def get(self, request: Request) -> HttpResponseBase:
        tenant = self.key.tenant
        parameters = Parameters(request.query_params)
        question = _question(parameters, tenant.day_of(timezone.now()))
        shape = parameters.one_of("format", FORMATS) or _preferred_format(request)
        parameters.check()
        return _csv(question, tenant) if shape == "csv" else _json(question, tenant)


def _question(parameters: Parameters, today: date) -> Question:
    start, end = _period(parameters, today)
    group_by = parameters.some_of("group_by", GROUPS) or ["day"]
    api_key = parameters.read("api_key", _prefix, _KEY_RULE)
    return Question(start, end, group_by, parameters.model(), api_key)


def _period(parameters: Parameters, today: date) -> DayRange:
    end = parameters.date("end_date")
    days = DayRange.asked(parameters.date("start_date"), end, today)
    if parameters.broken:
        return days
    if days.is_reversed:
        parameters.refuse("start_date", "start_date must not be after end_date")
    elif days.is_too_long:
        parameters.refuse("end_date", f"start_date to end_date must not exceed {MOST_DAYS} days")
    return days


def _preferred_format(request: Request) -> str:
    """The format that the client prefers; JSON if it names neither."""
    preferred = request._request.get_preferred_type([*_MEDIA_TYPES])
    return _MEDIA_TYPES.get(preferred or "", "json")


def _prefix(text: str) -> str | None:
    return text if _PREFIX.fullmatch(text) else None


def _json(question: Question, tenant: Tenant) -> HttpResponse:
    rows = question.answer(tenant, most=MOST_ROWS + 1)
    body = encode(_as_dict(question, rows, tenant)) if len(rows) <= MOST_ROWS else b""
    if not body or len(body) > MOST_BYTES:
        raise InvalidRequestError([Violation(TOO_MUCH, "group_by")])
    return HttpResponse(body, content_type="application/json")


def _as_dict(question: Question, rows: Iterable[Row], tenant: Tenant) -> dict[str, Any]:
    return {
        "object": "usage",
        "start_date": question.start.isoformat(),
        "end_date": question.end.isoformat(),
        "time_zone": tenant.clock.zone_at(timezone.now()).key,
        "currency": settings.CURRENCY,
        "data": [_labels(row) | _figures(row) for row in rows],
        "total": _figures(total(rows)),
    }


def _labels(row: Row) -> dict[str, Any]:
    labels = {name: str(row[name]) for name in ("day", "model") if name in row}
    if PREFIX not in row:
        return labels
    prefix, name = row[PREFIX], row[NAME]
    return labels | {"api_key": None if prefix is None else {"id": prefix, "name": name}}


def _figures(row: Row) -> dict[str, int | str]:
    return {name: _shown(row[name]) for name in FIGURES}


def _shown(figure: int | Decimal) -> int | str:
    return format_amount(figure) if isinstance(figure, Decimal) else figure


def _csv(question: Question, tenant: Tenant) -> HttpResponse:
    names = [*question.columns, *FIGURES]
    positions = [position for position, name in enumerate(names) if name != PURPOSE]
    headings = [_HEADINGS.get(names[position], names[position]) for position in positions]
    name = f"usage-{question.start}-{question.end}.csv"
    return csv_file(name, headings, map(itemgetter(*positions), question.lines(tenant)))
