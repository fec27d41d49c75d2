"""Filters of the console's lists: the theme's, adapted to large tables."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.db.models import Field, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.forms import DropdownForm, RangeDateForm
from unfold.widgets import UnfoldAdminSelectWidget

from config.console.theme import ChoicesDropdownFilter, DropdownFilter, RangeDateFilter
from config.days import midnight
from config.db.any_of import Order, is_any_of, of_one
from config.ids import first_uuid7
from config.web.day_fields import BOUNDS, FIRST, LAST, REVERSED

DAYS = "day"
"""Prefix of the parameters of a range of days: `day_from` and `day_to`."""
BY_TIME: Order = ("-at", "-pk")
"""The order of rows in an index of `at` and the primary key, newest first."""


class ChoiceForm(DropdownForm):  # type: ignore[misc]  # the theme has no types
    """A plain select box: the theme's own, drawn by a script, is hard to use without seeing it."""

    widget = UnfoldAdminSelectWidget

    class Media:
        """Without the theme's scripts."""


class FieldChoiceFilter(ChoicesDropdownFilter):
    """Filters by the choices of a field."""

    form_class = ChoiceForm


class ChoiceFilter(DropdownFilter):
    """Filters by a value of one column, chosen from a list."""

    form_class = ChoiceForm
    column: ClassVar[str]
    indexed_as: "ClassVar[Field[Any, Any] | None]" = None
    """The type of the column, if an index has the rows of each value, newest first, and is to be used."""

    @property
    def index_order(self) -> Order | None:
        """The order of the rows in the index, if it is used."""
        return of_one(self.column) if self.indexed_as and self.value() else None

    def has_output(self) -> bool:
        """Shown even without choices: Django ignores the value of a filter that is not shown."""
        return True

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The rows with the chosen value. Raises `IncorrectLookupParameters` if it is not a choice."""
        value = self.value()
        if not value:
            return queryset
        if value not in {str(offered) for offered, _label in self.lookup_choices}:
            raise IncorrectLookupParameters
        return self.chosen(queryset, value)

    def chosen(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        """The rows with that value, which is one of the choices."""
        if self.indexed_as:
            return queryset.filter(is_any_of(self.column, [value], self.indexed_as))
        return queryset.filter(**{self.column: value})


class DayRangeForm(RangeDateForm):  # type: ignore[misc]  # the theme has no types
    """The first and last day of a range, both optional. The browser has the date picker."""

    class Media:
        """Without the theme's scripts, whose calendar writes days in the page's language."""

    def __init__(self, name: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(name, *args, **kwargs)
        for field, label in zip(self.fields.values(), (_("First day"), _("Last day")), strict=True):
            field.label = label
            field.input_formats = ["%Y-%m-%d"]
            field.validators = list(BOUNDS)
            field.widget.input_type = "date"
            field.widget.attrs |= {"min": str(FIRST), "max": str(LAST)}

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        first, last = self.days()
        if first and last and first > last:
            self.add_error(f"{self.name}_from", REVERSED)
        return cleaned

    def days(self) -> tuple[date | None, date | None]:
        """The first and the last day, as far as they are given and valid."""
        return self.cleaned_data.get(f"{self.name}_from"), self.cleaned_data.get(f"{self.name}_to")


class DayRangeFilter(RangeDateFilter):
    """Rows whose `at` is within a range of days in the viewer's time zone."""

    parameter_name = DAYS
    form_class = DayRangeForm
    template = "unfold/filters/filters_field.html"  # which shows the labels of both days

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Django keeps all values of a repeated parameter; use the last one, as `request.GET` does.
        self.used_parameters.update({name: self.request.GET[name] for name in self.used_parameters})
        self.start, self.end = moments_asked_for(self.request)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return within(queryset, "at", self.start, self.end)


class DaysOfId(DayRangeFilter):
    """For rows with time-ordered ids (`config.ids`): filters by a range of ids."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        bounds = (None if moment is None else first_uuid7(moment) for moment in (self.start, self.end))
        return within(queryset, "pk", *bounds)


class DaysOfWriting(DayRangeFilter):
    """For rows with an index of `at` and primary key, whose order the list of a range must use.

    In the order of the primary key, PostgreSQL would read all newer rows to find those of last year.
    """

    @property
    def index_order(self) -> Order | None:
        """The order of the index, if a range of days is requested."""
        return None if self.start is None and self.end is None else BY_TIME


def moments_asked_for(request: HttpRequest) -> tuple[datetime | None, datetime | None]:
    """The start and the (exclusive) end of the requested days; None if the range is open there.

    Raises `IncorrectLookupParameters` for an invalid range. Django then redirects to the list, where messages
    show what was wrong.
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
    """The rows with a value from `start` (inclusive) to `end` (exclusive); None is no bound."""
    bounds = {f"{column}__gte": start, f"{column}__lt": end}
    return rows.filter(**{lookup: bound for lookup, bound in bounds.items() if bound is not None})


def parameters_of(entry: Any) -> set[str]:
    """The query parameters that an entry of `list_filter` reads."""
    column, kind = entry if isinstance(entry, tuple) else (entry, entry)
    if isinstance(kind, type) and issubclass(kind, DayRangeFilter):
        return {f"{DAYS}_from", f"{DAYS}_to"}
    if isinstance(kind, type) and issubclass(kind, admin.SimpleListFilter):
        return {str(kind.parameter_name)}
    return {column, f"{column}__exact"}


def _problems(form: forms.Form) -> Iterable[str]:
    """The errors of the form, each with the label of its field."""
    return (f"{form[name].label}: {problem}" for name, found in form.errors.items() for problem in found)
