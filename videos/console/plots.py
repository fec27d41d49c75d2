"""The dashboard's charts and the same figures as a table."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from videos.metrics.buckets import Span
from videos.metrics.overview import Counts
from videos.pages import charts
from videos.pages.charts import Series


@dataclass(frozen=True)
class Plot:
    """A chart with its heading; `picture` is HTML."""

    name: str
    heading: str
    picture: str


def drawn(span: Span, starts: Sequence[datetime], buckets: Sequence[Counts], now: datetime) -> list[Plot]:
    """Charts of tasks, success rate and charges per bucket; future buckets are empty."""
    labels = [_label(span, start) for start in starts]
    known = [counts if start <= now else None for start, counts in zip(starts, buckets, strict=True)]

    def series(name: str, value: Callable[[Counts], float | None]) -> Series:
        return Series(name, [None if counts is None else value(counts) for counts in known])

    rate = series(_("Success rate"), lambda counts: counts.success_rate)
    charges = series(_("Charges"), lambda counts: float(counts.spend))
    tasks = [
        series(_("Completed"), lambda counts: counts.completed),
        series(_("Failed"), lambda counts: counts.failed),
        series(_("Created"), lambda counts: counts.made),
    ]
    return [
        Plot("tasks", _("Tasks"), charts.lines(_("Tasks made, completed and failed"), labels, tasks)),
        Plot(
            "rate", _("Success rate, %"), charts.lines(_("Success rate in percent"), labels, [rate], top=100)
        ),
        Plot(
            "charges",
            _("Charges, %(currency)s") % {"currency": settings.CURRENCY},
            charts.bars(_("Price of the tasks that completed"), labels, [charges]),
        ),
    ]


def rows(
    span: Span, starts: Sequence[datetime], buckets: Sequence[Counts], now: datetime
) -> list[dict[str, Any]]:
    """The figures of the charts as table rows, without future buckets."""
    return [
        row(counts, _label(span, start))
        for start, counts in zip(starts, buckets, strict=True)
        if start <= now
    ]


def row(counts: Counts, label: str = "") -> dict[str, Any]:
    """One row of the table."""
    return {"label": label, "counts": counts}


def _label(span: Span, start: datetime) -> str:
    """The bucket's start in the viewer's time zone: a time, or a date with its time unless it is midnight."""
    local = timezone.localtime(start)
    if span is Span.DAY:
        return local.strftime("%H:%M")
    day = date_format(local, pgettext("a day, as a date format of Django", "M j"))
    return day if (local.hour, local.minute) == (0, 0) else f"{day}, {local:%H:%M}"
