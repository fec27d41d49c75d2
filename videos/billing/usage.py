"""A tenant's use and spend by day, model and key, for the API and the portal."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from django.db.models import QuerySet, Sum

from accounts.models import Tenant
from config.amounts import ZERO
from videos.models import DailyUsage

MOST_DAYS = 366
PREFIX, NAME, PURPOSE = "api_key__prefix", "api_key__name", "api_key__purpose"
GROUPS = {"day": ("day",), "model": ("model",), "api_key": (PREFIX, NAME, PURPOSE)}
"""What use may be grouped by, with the columns of each group."""
FIGURES = ("tasks", "completed", "failed", "seconds", "spend")
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Question:
    """Which use is wanted; days are the tenant's own, and both ends are included."""

    start: date
    end: date
    group_by: Sequence[str]
    model: str | None = None
    api_key: str | None = None
    """The prefix of a key."""

    @property
    def columns(self) -> list[str]:
        """The columns that identify a row."""
        return [column for group in self.group_by for column in GROUPS[group]]

    def answer(self, tenant: Tenant, most: int | None = None) -> list[Row]:
        """The sums, in one query: the first `most` rows, or all."""
        names = [*self.columns, *FIGURES]
        return [dict(zip(names, row, strict=True)) for row in self._rows(tenant)[:most]]

    def lines(self, tenant: Tenant) -> Iterator[tuple[Any, ...]]:
        """All rows, streamed: `columns`, then `FIGURES`."""
        return self._rows(tenant).iterator()

    def _rows(self, tenant: Tenant) -> QuerySet[DailyUsage, tuple[Any, ...]]:
        used = DailyUsage.objects.filter(tenant=tenant, day__range=(self.start, self.end), **self._filters())
        sums = {f"{name}_used": Sum(name) for name in FIGURES}
        rows = used.values(*self.columns).annotate(**sums).order_by(*self.columns)
        lines: QuerySet[DailyUsage, tuple[Any, ...]] = rows.values_list(*self.columns, *sums)
        return lines

    def _filters(self) -> dict[str, str]:
        asked = {"model": self.model, PREFIX: self.api_key}
        return {column: value for column, value in asked.items() if value}


def total(rows: Iterable[Row]) -> dict[str, int | Decimal]:
    """The sums of the rows."""
    rows = list(rows)
    return {name: sum((row[name] for row in rows), ZERO if name == "spend" else 0) for name in FIGURES}


class DayRange(NamedTuple):
    """A period of use, from its first to its last day."""

    start: date
    end: date

    @classmethod
    def asked(cls, start: date | None, end: date | None, today: date) -> "DayRange":
        """`end` defaults to today, `start` to the first day of the month of `end`."""
        end = end or today
        return cls(start or end.replace(day=1), end)

    @property
    def is_reversed(self) -> bool:
        return self.start > self.end

    @property
    def is_too_long(self) -> bool:
        return (self.end - self.start).days >= MOST_DAYS
