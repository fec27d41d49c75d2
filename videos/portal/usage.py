"""The tenant's usage and its cost: charts, the same figures as tables, and each table as CSV."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django import forms
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import APIKey, Tenant
from accounts.pages.key_states import name_of
from accounts.portal.base import TenantPage
from config.web.csv_files import csv_file_for_people
from videos import catalogue
from videos.billing.usage import FIGURES, NAME, PREFIX, PURPOSE, Question, Row, total
from videos.pages import charts
from videos.pages.charts import Series
from videos.pages.periods import PeriodForm

Label = str | Promise
MOST_KEYS = 200
"""API keys offered, newest first; older ones are reached through the links in the table."""
HEADINGS = {
    "tasks": gettext_lazy("Videos created"),
    "completed": gettext_lazy("Completed"),
    "failed": gettext_lazy("Failed or cancelled"),
    "seconds": gettext_lazy("Seconds"),
    "spend": format_lazy(gettext_lazy("Spend, {currency}"), currency=settings.CURRENCY),
}


class UsageForm(PeriodForm):
    """Period, model and API key of the usage page."""

    model = forms.ChoiceField(
        label=gettext_lazy("Model"),
        required=False,
        choices=[("", gettext_lazy("Every model")), *((spec.name, spec.name) for spec in catalogue.MODELS)],
    )
    api_key = forms.CharField(
        label=gettext_lazy("API key"), required=False, max_length=16, widget=forms.Select
    )

    def __init__(self, query: QueryDict, today: date, tenant: Tenant) -> None:
        super().__init__(query, today)
        self.fields["api_key"].widget.choices = [("", _("Every key")), *_keys(tenant, query)]

    def question(self, group: str) -> Question:
        """The selected usage, grouped by `group`. Call only on a valid form."""
        start, end = self.days
        chosen = self.cleaned_data
        return Question(start, end, [group], chosen["model"] or None, chosen["api_key"] or None)


@dataclass(frozen=True)
class Table:
    """Usage grouped by one dimension, on the page and in its CSV file."""

    group: str
    title: Label
    headings: tuple[Label, ...]
    """Headings of the label columns."""
    labels: Callable[[Row], list[Any]]

    def rows(self, found: Iterable[Row]) -> list[tuple[list[Any], list[Any]]]:
        """(labels, figures) of each row."""
        return [(self.labels(row), figures(row)) for row in found]


def _key_labels(row: Row) -> list[Any]:
    if row[PREFIX] is None:
        return [_("No key (created before keys were recorded)"), ""]
    return [name_of(row[PURPOSE], row[NAME]), row[PREFIX]]


_TABLES = (
    Table("day", gettext_lazy("By day"), (gettext_lazy("Day"),), lambda row: [row["day"].isoformat()]),
    Table("model", gettext_lazy("By model"), (gettext_lazy("Model"),), lambda row: [row["model"]]),
    Table(
        "api_key",
        gettext_lazy("By API key"),
        (gettext_lazy("API key"), gettext_lazy("Begins with")),
        _key_labels,
    ),
)
TABLES = {table.group: table for table in _TABLES}


class _UsageBase(TenantPage):
    """Shared by page and files."""

    template_name = "portal/usage.html"
    section = "usage"

    def usage_form(self) -> UsageForm:
        return UsageForm(self.request.GET, self.tenant.day_of(timezone.now()), self.tenant)


class UsagePage(_UsageBase):
    """Usage over a period, with charts and tables."""

    def get(self, request: HttpRequest) -> HttpResponse:
        form = self.usage_form()
        if not form.is_valid():
            return self.render_to_response(self.get_context_data(form=form, tab="usage"))
        form.show_days()
        found = {group: form.question(group).answer(self.tenant) for group in TABLES}
        tables = [
            (table, table.rows(found[table.group]), figures(total(found[table.group]))) for table in _TABLES
        ]
        return self.render_to_response(
            self.get_context_data(
                form=form,
                tab="usage",
                tables=tables,
                headings=HEADINGS.values(),
                charts=_charts(found["day"], *form.days) if found["day"] else [],
                query=request.GET.urlencode(),
                charges=form.same_days(reverse("portal:statement", args=[self.tenant.pk])),
            )
        )


class UsageFile(_UsageBase):
    """One of the tables, as CSV."""

    def get(self, request: HttpRequest, group: str) -> HttpResponse:
        """Redirects to the page if the form is invalid. Raises `Http404` for an unknown table."""
        table, form = TABLES.get(group), self.usage_form()
        if table is None:
            raise Http404
        if not form.is_valid():
            return HttpResponseRedirect(form.page(reverse("portal:usage", args=[self.tenant.pk])))
        question = form.question(group)
        rows = table.rows(question.answer(self.tenant))
        headings = [*table.headings, *HEADINGS.values()]
        name = f"usage-{group}-{question.start}-{question.end}.csv"
        return csv_file_for_people(name, headings, ([*labels, *numbers] for labels, numbers in rows))


def figures(row: Row) -> list[int | Decimal]:
    """The row's figures in the order of `HEADINGS`."""
    return [row[name] for name in FIGURES]


def _keys(tenant: Tenant, query: QueryDict) -> list[tuple[str, str]]:
    """Choices of the tenant's keys, including the one in the query."""
    columns = ("prefix", "purpose", "name")
    keys = APIKey.objects.filter(tenant=tenant).order_by("-purpose", "-pk").values_list(*columns)[:MOST_KEYS]
    known = {prefix: f"{name_of(purpose, name)} ({prefix}…)" for prefix, purpose, name in keys}
    chosen = query.get("api_key")
    return list(({chosen: f"{chosen}…"} | known if chosen else known).items())


def _charts(rows: Iterable[Row], start: date, end: date) -> list[dict[str, str]]:
    """Charts of seconds, spend and outcomes for every day, including days without use."""
    by_day = {row["day"]: row for row in rows}
    days = [start + timedelta(days=number) for number in range((end - start).days + 1)]
    labels = [f"{day:%m-%d}" for day in days]

    def series(name: str, figure: str) -> Series:
        return Series(name, [float(by_day[day][figure]) if day in by_day else 0 for day in days])

    outcomes = [series(_("Completed"), "completed"), series(_("Failed or cancelled"), "failed")]
    spend = format_lazy(_("Spend a day, {currency}"), currency=settings.CURRENCY)
    plots = {
        _("Seconds of video a day"): [series(_("Seconds"), "seconds")],
        str(spend): [series(_("Spend"), "spend")],
        _("Finished videos, by creation date"): outcomes,
    }
    return [{"title": title, "picture": charts.bars(title, labels, plot)} for title, plot in plots.items()]
