"""A tenant's statement for a period, in portal and console: what its page shows and its files hold."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Tenant
from accounts.pages.paging import BEFORE, Page
from config.clock import Clock
from config.web.csv_files import csv_file_for_people
from config.web.query_strings import changed
from videos.billing import statements
from videos.billing.statements import Movement, Statement
from videos.models import EntryKind, LedgerEntry
from videos.pages.periods import PeriodForm, StatementForm

PAGE, MOST_PRINTED = 50, 1000
"""Top-ups and adjustments on a page, and on the page for printing. The file has all."""
PRINT = "print"
"""The query parameter of the page for printing."""
HEADINGS = (
    gettext_lazy("Top-up"),
    gettext_lazy("Adjustment"),
    gettext_lazy("Hold"),
    gettext_lazy("Refund"),
    format_lazy(gettext_lazy("Balance, {currency}"), currency=settings.CURRENCY),
    gettext_lazy("Charge"),
)
"""Headings of the money columns. The last one is what was charged from holds."""
KINDS = {EntryKind.TOP_UP: gettext_lazy("Top-up"), EntryKind.ADJUSTMENT: gettext_lazy("Adjustment")}
"""Ledger entries made by people."""


def period_form(request: HttpRequest, tenant: Tenant) -> StatementForm:
    """The period that the request's query asks for."""
    return StatementForm(request.GET, tenant.day_of(timezone.now()))


def context(request: HttpRequest, tenant: Tenant) -> dict[str, Any]:
    """The statement by day, with top-ups and adjustments; the form alone if its period is invalid."""
    form = period_form(request, tenant)
    if not form.is_valid():
        return {"form": form}
    form.show_days()
    statement = statements.statement(tenant, *form.days)
    return {
        "form": form,
        "statement": statement,
        "rows": [(day.day, _money(day.movement, day.balance)) for day in statement.days],
        "total": _money(statement.total, statement.closing),
        "headings": HEADINGS,
        "query": request.GET.urlencode(),
        **_payments(statements.by_people(tenant, *form.days), tenant.clock, request.GET),
        "payments_file": _file_name("payments", form),
    }


def _payments(entries: QuerySet[LedgerEntry], clock: Clock, query: QueryDict) -> dict[str, Any]:
    """A page of top-ups and adjustments; for printing, a long one that begins with the latest."""
    is_printed = PRINT in query
    page = Page.of(entries, QueryDict(), MOST_PRINTED) if is_printed else Page.of(entries, query, PAGE)
    shown = [
        (entry, KINDS[EntryKind(entry.kind)], f"{_local(entry, clock):%Y-%m-%d %H:%M:%S}")
        for entry in page.rows
    ]
    return {
        "page": page,
        "entries": shown,
        "is_printed": is_printed,
        "printed": changed(query, BEFORE, **{PRINT: "1"}),
        "unprinted": changed(query, PRINT) or "?",
    }


def file(form: StatementForm, tenant: Tenant, table: str) -> HttpResponse:
    """One of the tables as CSV. The form must be valid. Raises `Http404` for an unknown table."""
    if table not in _FILES:
        raise Http404
    headings, rows = _FILES[table](tenant, form)
    return csv_file_for_people(_file_name(table, form), headings, rows)


def _file_name(table: str, form: StatementForm) -> str:
    return f"{table}-{form.name}.csv"


def _money(movement: Movement, balance: Decimal) -> list[Any]:
    """The amounts in the order of `HEADINGS`."""
    moved = movement.paid_in, movement.corrected, movement.set_aside, movement.given_back
    return [*moved, balance, movement.taken]


_Contents = tuple[list[Any], Iterable[list[Any]]]
"""Headings and rows."""


def _days_file(tenant: Tenant, form: PeriodForm) -> _Contents:
    return [_("Day"), *HEADINGS], _day_rows(statements.statement(tenant, *form.days))


def _day_rows(statement: Statement) -> Iterator[list[Any]]:
    yield [_("Opening balance"), "", "", "", "", statement.opening, ""]
    for day in statement.days:
        yield [day.day.isoformat(), *_money(day.movement, day.balance)]
    yield [_("Closing balance"), *_money(statement.total, statement.closing)]


def _payments_file(tenant: Tenant, form: PeriodForm) -> _Contents:
    entries = statements.by_people(tenant, *form.days).order_by("-pk")
    clock = tenant.clock
    return [_("When"), _("What"), _("Amount"), _("Reason")], (_payment(entry, clock) for entry in entries)


def _payment(entry: LedgerEntry, clock: Clock) -> list[Any]:
    when = _local(entry, clock).isoformat(" ", "seconds")
    return [when, KINDS[EntryKind(entry.kind)], entry.amount, entry.reason]


def _local(entry: LedgerEntry, clock: Clock) -> datetime:
    """When it was booked, in the time zone that the tenant had then: on the day that counts it."""
    return entry.at.astimezone(clock.zone_at(entry.at))


_FILES: dict[str, Callable[[Tenant, PeriodForm], _Contents]] = {
    "statement": _days_file,
    "payments": _payments_file,
}
"""The tables by file name."""
TABLES = tuple(_FILES)
"""The names of the tables that there are files of."""
