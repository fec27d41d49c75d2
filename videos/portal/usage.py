"""What the tenant asked for and what it cost: plots, the same numbers as tables, and each table as CSV."""

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
from videos.portal.periods import PeriodForm

Label = str | Promise
MOST_KEYS = 200
"""Keys to choose from, those made last; the use of older ones is asked for by the links of the table."""
HEADINGS = {
    "tasks": gettext_lazy("Videos asked for"),
    "completed": gettext_lazy("Completed"),
    "failed": gettext_lazy("Failed or cancelled"),
    "seconds": gettext_lazy("Seconds"),
    "spend": format_lazy(gettext_lazy("Spend, {currency}"), currency=settings.CURRENCY),
}


class UsageForm(PeriodForm):
    """Which use is asked for."""

    model = forms.ChoiceField(
        label=gettext_lazy("Model"),
        required=False,
        choices=[("", gettext_lazy("Every model")), *((spec.name, spec.name) for spec in catalogue.MODELS)],
    )
    api_key = forms.CharField(
        label=gettext_lazy("API key"), required=False, max_length=16, widget=forms.Select
    )

    def __init__(self, asked: QueryDict, today: date, tenant: Tenant) -> None:
        super().__init__(asked, today)
        self.fields["api_key"].widget.choices = [("", _("Every key")), *_keys(tenant, asked)]

    def question(self, group: str) -> Question:
        """What is asked for, told apart by `group`. To be called once valid."""
        start, end = self.days
        chosen = self.cleaned_data
        return Question(start, end, [group], chosen["model"] or None, chosen["api_key"] or None)


@dataclass(frozen=True)
class Table:
    """Use told apart by one thing: what a page shows, and what its CSV says."""

    group: str
    title: Label
    headings: tuple[Label, ...]
    """Of the columns that tell the rows apart."""
    labels: Callable[[Row], list[Any]]

    def rows(self, found: Iterable[Row]) -> list[tuple[list[Any], list[Any]]]:
        """Labels and figures of each row."""
        return [(self.labels(row), figures(row)) for row in found]


def _key_labels(row: Row) -> list[Any]:
    if row[PREFIX] is None:
        return [_("No key: made before keys were noted"), ""]
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


class _OfUsage(TenantPage):
    """What page and files have in common."""

    template_name = "portal/usage.html"
    section = "usage"

    def asked(self) -> UsageForm:
        """What the URL asks for."""
        return UsageForm(self.request.GET, self.tenant.day_of(timezone.now()), self.tenant)


class UsagePage(_OfUsage):
    """Use over some days."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Answer with plots and tables."""
        form = self.asked()
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
            )
        )


class UsageFile(_OfUsage):
    """One of the tables, as CSV."""

    def get(self, request: HttpRequest, group: str) -> HttpResponse:
        """Answer with exactly the rows of the page, which says what is wrong with what is asked for.

        Raises `Http404` for a table that is not there.
        """
        table, form = TABLES.get(group), self.asked()
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
    """The row's numbers, in the order of the columns."""
    return [row[name] for name in FIGURES]


def _keys(tenant: Tenant, asked: QueryDict) -> list[tuple[str, str]]:
    """The tenant's keys to choose from; one that is asked for is among them."""
    columns = ("prefix", "purpose", "name")
    keys = APIKey.objects.filter(tenant=tenant).order_by("-purpose", "-pk").values_list(*columns)[:MOST_KEYS]
    known = {prefix: f"{name_of(purpose, name)} ({prefix}…)" for prefix, purpose, name in keys}
    chosen = asked.get("api_key")
    return list(({chosen: f"{chosen}…"} | known if chosen else known).items())


def _charts(rows: Iterable[Row], start: date, end: date) -> list[dict[str, str]]:
    """Seconds, spend and outcomes of every day, of those without use too."""
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
        _("Videos that ended, by the day they were asked for"): outcomes,
    }
    return [{"title": title, "picture": charts.bars(title, labels, plot)} for title, plot in plots.items()]
