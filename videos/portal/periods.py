"""Which days a page tells of: this month, the last one, the last days, or any; read from the URL's query."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.http import QueryDict
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from accounts.portal.paging import BEFORE
from config.web.query_strings import changed
from videos.billing.usage import MOST_DAYS, DayRange

_FIRST, _LAST = date(2000, 1, 1), date(2999, 12, 31)
_DEFAULT = "this-month"


def _last_month(today: date) -> tuple[date, date]:
    end = today.replace(day=1) - timedelta(days=1)
    return end.replace(day=1), end


_Days = Callable[[date], tuple[date, date]]
PERIODS: dict[str, tuple[Any, _Days]] = {
    "this-month": (_("This month"), lambda today: (today.replace(day=1), today)),
    "last-month": (_("Last month"), _last_month),
    "7-days": (_("Last 7 days"), lambda today: (today - timedelta(days=6), today)),
    "30-days": (_("Last 30 days"), lambda today: (today - timedelta(days=29), today)),
}
"""Periods that have a name, with their first and last day, by the day it is."""


def _day_field(label: Any) -> forms.DateField:
    return forms.DateField(
        label=label,
        required=False,
        widget=forms.DateInput({"type": "date"}, "%Y-%m-%d"),
        input_formats=["%Y-%m-%d"],
        validators=[MinValueValidator(_FIRST), MaxValueValidator(_LAST)],
    )


class PeriodForm(forms.Form):
    """A period by its name, as links have it, or by its first and last day, as they are filled in.

    Nothing asked for is this month.
    """

    period = forms.ChoiceField(
        required=False, choices=[(name, name) for name in PERIODS], widget=forms.HiddenInput
    )
    start_date = _day_field(_("From"))
    end_date = _day_field(_("To"))

    def __init__(self, asked: QueryDict, today: date) -> None:
        """`today` is the tenant's own day."""
        super().__init__(asked)
        self._asked, self._today = asked, today
        self._name = ""
        self.days = DayRange(*PERIODS[_DEFAULT][1](today))
        """The first and the last day, once it is valid."""

    def clean(self) -> dict[str, Any]:
        """Find out which days are meant."""
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("start_date") or cleaned.get("end_date"):
            self._take_days(cleaned)
        elif not self.errors:
            self._name = cleaned.get("period") or _DEFAULT
            self.days = DayRange(*PERIODS[self._name][1](self._today))
        return cleaned

    def show_days(self) -> None:
        """Show the days in force in the fields, whatever they were asked for by. To be called once valid."""
        start, end = self.days
        self.data = {**self.cleaned_data, "start_date": start, "end_date": end}

    def tabs(self) -> list[dict[str, Any]]:
        """Links to the periods that have a name, with all else that is asked for."""
        return [
            {"label": label, "query": self._query(name), "is_current": name == self._name}
            for name, (label, _days) in PERIODS.items()
        ]

    def page(self, path: str) -> str:
        """The page at `path` that is asked for the same."""
        return f"{path}?{self._asked.urlencode()}"

    def _query(self, name: str) -> str:
        return changed(self._asked, "start_date", "end_date", BEFORE, period=name)

    def _take_days(self, cleaned: dict[str, Any]) -> None:
        if self.errors:
            return
        days = DayRange.asked(cleaned.get("start_date"), cleaned.get("end_date"), self._today)
        if days.is_reversed:
            self.add_error("start_date", _("This is after the last day."))
        elif days.is_too_long:
            self.add_error("end_date", format_lazy(_("Choose {days} days at most."), days=MOST_DAYS))
        else:
            self.days = days
