"""Filters of the console's lists: those of the theme, fitted to tables of many rows."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.forms import DropdownForm, RangeDateForm
from unfold.widgets import UnfoldAdminSelectWidget

from config.console.theme import ChoicesDropdownFilter, DropdownFilter, RangeDateFilter
from config.days import midnight
from config.ids import first_uuid7

DAYS = "day"
"""How the parameters of a range of days begin: `day_from` and `day_to`."""
BY_TIME = ("-at", "-pk")
"""The order in which an index of `at` and the number of a row lists rows, newest first."""
_FIRST, _LAST = date(2000, 1, 1), date(2999, 12, 31)


class ChoiceForm(DropdownForm):  # type: ignore[misc]  # the theme has no types
    """A plain list to choose from: the theme's own, drawn by a script, is hard to use without seeing it."""

    widget = UnfoldAdminSelectWidget

    class Media:
        """Without the theme's scripts."""


class FieldChoiceFilter(ChoicesDropdownFilter):
    """A filter that is chosen from the choices of a field."""

    form_class = ChoiceForm


class ChoiceFilter(DropdownFilter):
    """A filter that is chosen from a list, by the value of one column."""

    form_class = ChoiceForm
    column: ClassVar[str]

    def has_output(self) -> bool:
        """Also with nothing to choose from: Django ignores the value of a filter that is not shown."""
        return True

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The rows with the chosen value. Raises `IncorrectLookupParameters` for one that is not on offer."""
        value = self.value()
        if not value:
            return queryset
        if value not in {str(offered) for offered, _label in self.lookup_choices}:
            raise IncorrectLookupParameters
        return self.chosen(queryset, value)

    def chosen(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        """The rows with that value, which is on offer."""
        return queryset.filter(**{self.column: value})


class DayRangeForm(RangeDateForm):  # type: ignore[misc]  # the theme has no types
    """The first and the last day of a range; either may be left empty. The browser has the calendar."""

    class Media:
        """Without the theme's scripts: their calendar writes days as the language of the page does."""

    def __init__(self, name: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(name, *args, **kwargs)
        for field, label in zip(self.fields.values(), (_("First day"), _("Last day")), strict=True):
            field.label = label
            field.input_formats = ["%Y-%m-%d"]
            field.validators = [MinValueValidator(_FIRST), MaxValueValidator(_LAST)]
            field.widget.input_type = "date"
            field.widget.attrs |= {"min": str(_FIRST), "max": str(_LAST)}

    def clean(self) -> dict[str, Any]:
        """Refuse a range that ends before it begins."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        first, last = self.days()
        if first and last and first > last:
            self.add_error(f"{self.name}_from", _("This is after the last day."))
        return cleaned

    def days(self) -> tuple[date | None, date | None]:
        """The first and the last day, as far as they are given and valid."""
        return self.cleaned_data.get(f"{self.name}_from"), self.cleaned_data.get(f"{self.name}_to")


class DayRangeFilter(RangeDateFilter):
    """Rows whose `at` is on one of the days of a range, by the viewer's time zone."""

    parameter_name = DAYS
    form_class = DayRangeForm
    template = "unfold/filters/filters_field.html"  # which shows the labels of both days

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Django keeps every value that a parameter has; the last one counts, which is that of `request.GET`.
        self.used_parameters.update({name: self.request.GET[name] for name in self.used_parameters})
        self.start, self.end = moments_asked_for(self.request)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The rows of these days."""
        return within(queryset, "at", self.start, self.end)


class DaysOfId(DayRangeFilter):
    """For rows whose ids tell when they were made (`config.ids`): a range of ids."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The rows of these days."""
        bounds = (None if moment is None else first_uuid7(moment) for moment in (self.start, self.end))
        return within(queryset, "pk", *bounds)


class DaysOfWriting(DayRangeFilter):
    """For rows with an index of `at` and their number, in whose order the rows of a range are to be listed.

    By their number alone, PostgreSQL would find those of last year by reading all that were written later.
    """

    @property
    def is_by_time(self) -> bool:
        """Whether a range is asked for."""
        return self.start is not None or self.end is not None


def moments_asked_for(request: HttpRequest) -> tuple[datetime | None, datetime | None]:
    """The first moment of the days asked for, and the first one after them; None where the range is open.

    Raises `IncorrectLookupParameters` for what is no range of days. Django then leads back to the list, where
    a message says what was wrong.
    """
    form = DayRangeForm(DAYS, request.GET)
    if not form.is_valid():
        for problem in _problems(form):
            messages.error(request, problem)
        raise IncorrectLookupParameters
    zone = timezone.get_current_timezone()
    first, last = form.days()
    end = None if last is None else midnight(last + timedelta(days=1), zone)
    return None if first is None else midnight(first, zone), end


def within(rows: QuerySet[Any], column: str, start: Any, end: Any) -> QuerySet[Any]:
    """The rows with a value from `start` on and before `end`; None is no bound."""
    bounds = {f"{column}__gte": start, f"{column}__lt": end}
    return rows.filter(**{lookup: bound for lookup, bound in bounds.items() if bound is not None})


def parameters_of(entry: Any) -> set[str]:
    """What an entry of `list_filter` takes from the query of the list's address."""
    column, kind = entry if isinstance(entry, tuple) else (entry, entry)
    if isinstance(kind, type) and issubclass(kind, DayRangeFilter):
        return {f"{DAYS}_from", f"{DAYS}_to"}
    if isinstance(kind, type) and issubclass(kind, admin.SimpleListFilter):
        return {str(kind.parameter_name)}
    return {column, f"{column}__exact"}


def _problems(form: forms.Form) -> Iterable[str]:
    """What is wrong with which box."""
    return (f"{form[name].label}: {problem}" for name, found in form.errors.items() for problem in found)
