"""The buckets of plots: spans by the viewer's clock, made of whole UTC hours. Pure.

In a time zone half an hour off UTC, an hour belongs to the bucket that contains its first moment.
"""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

HOUR = timedelta(hours=1)
HOURS = 24
"""Buckets of the last day."""


class Span(StrEnum):
    """The last 24 hours, or the last days up to today."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


DAYS = {Span.WEEK: 7, Span.MONTH: 30}
BEGINNINGS = {Span.WEEK: (0, 6, 12, 18), Span.MONTH: (0,)}
"""Hours by the viewer's clock at which buckets begin."""


def starts(span: Span, now: datetime, zone: ZoneInfo) -> list[datetime]:
    """The start of each bucket in UTC, oldest first; some of today's may be in the future.

    Each bucket ends where the next one begins, also on days with a clock change.
    """
    if span is Span.DAY:
        this_hour = start_of_hour(now)
        return [this_hour - ago * HOUR for ago in reversed(range(HOURS))]
    today = now.astimezone(zone).date()
    days = [today - timedelta(days=ago) for ago in reversed(range(DAYS[span]))]
    return [
        datetime.combine(day, time(hour), zone).astimezone(UTC) for day in days for hour in BEGINNINGS[span]
    ]


def counted_from(span: Span, now: datetime, zone: ZoneInfo) -> datetime:
    """The first UTC hour whose tasks count into the span."""
    first = starts(span, now, zone)[0]
    hour = start_of_hour(first)
    return hour if hour == first else hour + HOUR


def place(starts: Sequence[datetime], hour: datetime) -> int:
    """The index of the hour's bucket; the hour must not be before the first one."""
    return bisect_right(starts, hour) - 1


def start_of_hour(moment: datetime) -> datetime:
    """The start of the UTC hour."""
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
