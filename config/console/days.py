"""The way down from years to months to days, on lists that no question about time may read as a whole.

What there is to choose comes from the moment chosen so far and from the first and the last row alone.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ERROR_FLAG, PAGE_VAR
from django.db import connection
from django.db.models import Model, QuerySet, Subquery
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from config.days import midnight
from config.ids import first_uuid7, made_at
from config.web.query_strings import changed

STRAYING = 10_000
"""Rows are written nearly in the order of time: each within so many of its place."""
_TEXT = re.compile(r"(2[0-9]{3})(?:-([0-9]{2}))?(?:-([0-9]{2}))?")
_LONG = {1: "Y", 2: "YEAR_MONTH_FORMAT", 3: "DATE_FORMAT"}
_SHORT = {1: "Y", 2: "F", 3: "j"}
"""How people write a year, a month and a day, alone and among others of theirs."""


@dataclass(frozen=True)
class CalendarSpan:
    """A year, a month or a day of the viewer's: `parts` are one, two or three numbers."""

    parts: tuple[int, ...]

    @classmethod
    def of(cls, text: str) -> "CalendarSpan":
        """The span of that name, such as 2026, 2026-11 or 2026-11-20; raises `ValueError` for any other."""
        found = _TEXT.fullmatch(text)
        if found is None:
            raise ValueError(text)
        span = cls(tuple(int(part) for part in found.groups() if part))
        span.first_day()
        return span

    def __str__(self) -> str:
        return "-".join(f"{part:02}" for part in self.parts)

    def label(self, formats: Mapping[int, str]) -> str:
        """As people write it."""
        return date_format(self.first_day(), formats[len(self.parts)])

    def first_day(self) -> date:
        """Its first day."""
        return date(*(*self.parts, 1, 1)[:3])

    def moments(self) -> tuple[datetime, datetime]:
        """Its first moment, and the first one after it."""
        zone = timezone.get_current_timezone()
        return midnight(self.first_day(), zone), midnight(self._day_after(), zone)

    def path(self) -> Iterator["CalendarSpan"]:
        """The spans around it, from the year on, and itself."""
        return (CalendarSpan(self.parts[:length]) for length in range(1, len(self.parts) + 1))

    def within(self, first: date, last: date) -> Iterator["CalendarSpan"]:
        """The next narrower spans that have a day from `first` to `last`; a day has none."""
        if len(self.parts) == 1:
            narrower = [CalendarSpan((*self.parts, month)) for month in range(1, 13)]
        elif len(self.parts) == 2:
            days = (self._day_after() - self.first_day()).days
            narrower = [CalendarSpan((*self.parts, day)) for day in range(1, days + 1)]
        else:
            return iter(())
        return (span for span in narrower if span.first_day() <= last and span._day_after() > first)

    def _day_after(self) -> date:
        steps = {1: 366, 2: 31, 3: 1}
        beyond = self.first_day() + timedelta(days=steps[len(self.parts)])
        return date(*(*(beyond.timetuple()[: len(self.parts)]), 1, 1)[:3])


def years(first: date, last: date) -> Iterator[CalendarSpan]:
    """The years from one day to another."""
    return (CalendarSpan((year,)) for year in range(first.year, last.year + 1))


@dataclass(frozen=True)
class Step:
    """One choice on the way: its label, its full name, and the query that leads to it."""

    label: str
    name: str
    query: str


class DayFilter(admin.SimpleListFilter):
    """Rows of a year, a month or a day, in the time zone of the viewer; shown above the list."""

    title = _("day")
    parameter_name = "day"
    template = "admin/filter_above.html"
    is_above = True
    column: ClassVar[str]
    """Where a row says its moment."""

    def __init__(self, request: HttpRequest, params: Any, model: Any, model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        self._rows: QuerySet[Any] = model_admin.get_queryset(request)
        self.span = self._span(self.value())

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[str, str]]:
        """They are none of the kind that is listed at the side."""
        return []

    def has_output(self) -> bool:
        """It shows even so."""
        return True

    def choices(self, changelist: Any) -> Iterator[Any]:
        """None at the side."""
        return iter(())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The rows of the span."""
        return queryset if self.span is None else self.rows_of(queryset, *self.span.moments())

    def rows_of(self, queryset: QuerySet[Any], start: datetime, end: datetime) -> QuerySet[Any]:
        """The rows from `start` on and before `end`."""
        raise NotImplementedError

    def moment_of(self, value: Any) -> datetime:
        """The moment that the value of `column` tells."""
        raise NotImplementedError

    def path(self) -> list[Step]:
        """The way so far."""
        spans = [] if self.span is None else list(self.span.path())
        everything = str(_("All"))
        return [Step(everything, everything, self._query(None)), *(self._step(span, _LONG) for span in spans)]

    def narrower(self) -> list[Step]:
        """Where it leads from here."""
        ends = self._ends()
        if ends is None:
            return []
        days = [timezone.localdate(self.moment_of(value)) for value in ends]
        return [self._step(span, _SHORT) for span in (self.span.within(*days) if self.span else years(*days))]

    def _ends(self) -> tuple[Any, Any] | None:
        """What the first and the last row say, in one query; None where there is no row."""
        first, last = (self._rows.order_by(order).values(self.column)[:1] for order in ("pk", "-pk"))
        ends = self._rows.order_by().values_list(Subquery(first), Subquery(last))[:1]
        return next(iter(ends), None)

    def _span(self, text: str | None) -> CalendarSpan | None:
        try:
            return CalendarSpan.of(text) if text else None
        except ValueError as error:
            raise IncorrectLookupParameters from error

    def _step(self, span: CalendarSpan, formats: Mapping[int, str]) -> Step:
        return Step(span.label(formats), span.label(_LONG), self._query(span))

    def _query(self, span: CalendarSpan | None) -> str:
        chosen = {str(self.parameter_name): str(span)} if span else {}
        return changed(self.request.GET, PAGE_VAR, ERROR_FLAG, str(self.parameter_name), **chosen)


class DayOfIdFilter(DayFilter):
    """For rows whose ids tell when they were made (`config.ids`)."""

    column = "pk"

    def rows_of(self, queryset: QuerySet[Any], start: datetime, end: datetime) -> QuerySet[Any]:
        """A range of ids."""
        return queryset.filter(pk__gte=first_uuid7(start), pk__lt=first_uuid7(end))

    def moment_of(self, value: UUID) -> datetime:
        """What its id tells."""
        return made_at(value)


class DayOfWritingFilter(DayFilter):
    """For rows that are numbered, and written nearly in the order of the moments in `at`.

    The place of a moment is found by halving: a day, however far back, is read without what lies around it.
    """

    column = "at"
    moment = 'row."at"'
    """The moment of a row, in SQL."""

    def rows_of(self, queryset: QuerySet[Any], start: datetime, end: datetime) -> QuerySet[Any]:
        """A range of numbers, wide enough for those that strayed, and the moments within it."""
        first, after = (place_of(moment, queryset.model, self.moment) for moment in (start, end))
        near = queryset.filter(pk__gte=first - STRAYING, pk__lt=after + STRAYING)
        return near.filter(at__gte=start, at__lt=end)

    def moment_of(self, value: datetime) -> datetime:
        """What stands there."""
        return value


def place_of(moment: datetime, model: type[Model], expression: str) -> int:
    """A number above those of all rows before that moment, and not above that of any row after it."""
    with connection.cursor() as cursor:
        cursor.execute(
            _HALVING.format(table=connection.ops.quote_name(model._meta.db_table), moment=expression),
            {"moment": moment},
        )
        return int(cursor.fetchone()[0])


_HALVING = """WITH RECURSIVE halving(low, high) AS (
    SELECT coalesce(min(id), 0), coalesce(max(id), -1) + 1 FROM {table}
UNION ALL
    SELECT CASE WHEN probe.at < %(moment)s THEN probe.id + 1 ELSE low END,
           CASE WHEN probe.at < %(moment)s THEN high ELSE middle END
    FROM halving, LATERAL (SELECT (low + high) / 2 AS middle) half, LATERAL (
        SELECT row.id, {moment} AS at FROM {table} row WHERE row.id >= middle ORDER BY row.id LIMIT 1
    ) probe
    WHERE low < high
) SELECT max(low) FROM halving"""
