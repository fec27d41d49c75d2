"""The tenant's statement for a period: opening balance, movements and closing balance."""

from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Tenant
from accounts.portal.base import TenantPage
from accounts.portal.paging import Page
from config.clock import Clock
from config.web.csv_files import csv_file_for_people
from videos.billing import statements
from videos.billing.statements import Movement, Statement
from videos.models import EntryKind, LedgerEntry
from videos.portal.periods import PeriodForm, StatementForm

PAGE = 50
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


class _StatementBase(TenantPage):
    """Shared by page and files."""

    template_name = "portal/statement.html"
    section = "usage"

    def period_form(self) -> StatementForm:
        return StatementForm(self.request.GET, self.tenant.day_of(timezone.now()))


class StatementPage(_StatementBase):
    """The statement, by day, with top-ups and adjustments."""

    def get(self, request: HttpRequest) -> HttpResponse:
        form = self.period_form()
        if not form.is_valid():
            return self.render_to_response(self.get_context_data(form=form, tab="statement"))
        form.show_days()
        statement = statements.statement(self.tenant, *form.days)
        page = Page.of(statements.by_people(self.tenant, *form.days), request.GET, PAGE)
        return self.render_to_response(
            self.get_context_data(
                form=form,
                tab="statement",
                statement=statement,
                rows=[(day.day, _money(day.movement, day.balance)) for day in statement.days],
                total=_money(statement.total, statement.closing),
                headings=HEADINGS,
                page=page,
                entries=[(entry, KINDS[EntryKind(entry.kind)]) for entry in page.rows],
                query=request.GET.urlencode(),
            )
        )


class StatementFile(_StatementBase):
    """One of the statement's tables, as CSV."""

    def get(self, request: HttpRequest, table: str) -> HttpResponse:
        """Redirects to the page if the period is invalid. Raises `Http404` for an unknown table."""
        form = self.period_form()
        if table not in _FILES:
            raise Http404
        if not form.is_valid():
            return HttpResponseRedirect(form.page(reverse("portal:statement", args=[self.tenant.pk])))
        headings, rows = _FILES[table](self.tenant, form)
        return csv_file_for_people(f"{table}-{form.name}.csv", headings, rows)


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
    when = entry.at.astimezone(clock.zone_at(entry.at)).isoformat(" ", "seconds")
    return [when, KINDS[EntryKind(entry.kind)], entry.amount, entry.reason]


_FILES: dict[str, Callable[[Tenant, PeriodForm], _Contents]] = {
    "statement": _days_file,
    "payments": _payments_file,
}
"""The tables by file name."""
