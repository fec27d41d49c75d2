"""Spans of time, divided as plots are: by the viewer's clock, out of whole hours of UTC. Pure.

Where the viewer's clock is half an hour off UTC's, an hour belongs to where its first moment falls.
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
"""The hours at which buckets begin, by the viewer's clock."""


def starts(span: Span, now: datetime, zone: ZoneInfo) -> list[datetime]:
    """When each bucket begins, in UTC, oldest first; some of today may still be to come.

    Each ends where the next one begins, also on days that are longer or shorter than others.
    """
    if span is Span.DAY:
        this_hour = start_of_hour(now)
        return [this_hour - ago * HOUR for ago in reversed(range(HOURS))]
    today = now.astimezone(zone).date()
    days = [today - timedelta(days=ago) for ago in reversed(range(DAYS[span]))]
    return [
        datetime.combine(day, time(hour), zone).astimezone(UTC) for day in days for hour in BEGINNINGS[span]
    ]


def place(starts: Sequence[datetime], hour: datetime) -> int:
    """Which bucket the hour counts to; it must not be before the first one."""
    return bisect_right(starts, hour) - 1


def start_of_hour(moment: datetime) -> datetime:
    """The first moment of the hour, by UTC."""
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
