"""The period of a page, from the URL's query: a named one, such as this month, or any range of days."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.http import urlencode
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from accounts.pages.paging import BEFORE
from config.days import month_of
from config.web.day_fields import BOUNDS, REVERSED, day_field
from config.web.query_strings import changed
from videos.billing.usage import MOST_DAYS, DayRange

_DEFAULT = "this-month"
MONTH = "month"


def _last_month(today: date) -> tuple[date, date]:
    return month_of(today.replace(day=1) - timedelta(days=1))


_Days = Callable[[date], tuple[date, date]]
PERIODS: dict[str, tuple[Any, _Days]] = {
    "this-month": (_("This month"), lambda today: (today.replace(day=1), today)),
    "last-month": (_("Last month"), _last_month),
    "7-days": (_("Last 7 days"), lambda today: (today - timedelta(days=6), today)),
    "30-days": (_("Last 30 days"), lambda today: (today - timedelta(days=29), today)),
}
"""Label of each named period, and a function from today to its first and last day."""


class PeriodForm(forms.Form):
    """A period by name (in links) or by first and last day (filled in); by default this month."""

    period = forms.ChoiceField(
        required=False, choices=[(name, name) for name in PERIODS], widget=forms.HiddenInput
    )
    start_date = day_field(_("From"))
    end_date = day_field(_("To"))

    def __init__(self, query: QueryDict, today: date) -> None:  # today in the tenant's time zone
        super().__init__(query)
        self._params, self._today = query, today
        self._name = ""
        self.days = DayRange(*PERIODS[_DEFAULT][1](today))
        """The first and the last day, once the form is valid."""

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("start_date") or cleaned.get("end_date"):
            self._take_days(cleaned)
        elif not self.errors:
            self._name = cleaned.get("period") or _DEFAULT
            self.days = DayRange(*PERIODS[self._name][1](self._today))
        return cleaned

    def show_days(self) -> None:
        """Fill the date fields with the selected days. Call only on a valid form."""
        start, end = self.days
        self.data = {**self.cleaned_data, "start_date": start, "end_date": end}

    def tabs(self) -> list[dict[str, Any]]:
        """Links to the named periods that keep the other query parameters."""
        return [
            {"label": label, "query": self._query(name), "is_current": name == self._name}
            for name, (label, _days) in PERIODS.items()
        ]

    def page(self, path: str) -> str:
        return f"{path}?{self._params.urlencode()}"

    def same_days(self, path: str) -> str:
        """Another page that takes a period, with the days of this one."""
        start, end = self.days
        return f"{path}?{urlencode({'start_date': str(start), 'end_date': str(end)})}"

    def _query(self, name: str) -> str:
        return changed(self._params, MONTH, "start_date", "end_date", BEFORE, period=name)

    def _take_days(self, cleaned: dict[str, Any]) -> None:
        if self.errors:
            return
        days = DayRange.asked(cleaned.get("start_date"), cleaned.get("end_date"), self._today)
        if days.is_reversed:
            self.add_error("start_date", REVERSED)
        elif days.is_too_long:
            self.add_error("end_date", format_lazy(_("Choose {days} days at most."), days=MOST_DAYS))
        else:
            self.days = days


class StatementForm(PeriodForm):
    """A period, or a month such as `2026-11`, which goes before the days."""

    month = forms.DateField(
        label=_("Month"),
        required=False,
        widget=forms.DateInput({"type": "month", "pattern": "[0-9]{4}-[0-9]{2}"}, "%Y-%m"),
        input_formats=["%Y-%m"],
        validators=BOUNDS,
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if cleaned.get(MONTH) and not self.errors:
            self._name, self.days = "", DayRange(*month_of(cleaned[MONTH]))
        return cleaned

    def show_days(self) -> None:
        """Also fill in the month of the first day."""
        super().show_days()
        self.data = {**self.data, MONTH: self.days.start}

    @property
    def name(self) -> str:
        """The period, such as `2026-11` for a whole month, or its first and last day."""
        start, end = self.days
        return f"{start:%Y-%m}" if self.days == month_of(start) else f"{start}-{end}"

    def months(self) -> dict[str, str | None]:
        """Links to the months before and after that of the first day; None for one to come."""
        first, last = month_of(self.days.start)
        after = last + timedelta(days=1)
        return {
            "before": self._to_month(first - timedelta(days=1)),
            "after": self._to_month(after) if after <= self._today else None,
        }

    def _to_month(self, day: date) -> str:
        return changed(self._params, "period", "start_date", "end_date", BEFORE, month=f"{day:%Y-%m}")
