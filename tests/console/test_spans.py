"""Spans are divided in the viewer's time zone into buckets of whole UTC hours."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import NOW
from videos.metrics import buckets
from videos.metrics.buckets import HOUR, Span

SHANGHAI, KOLKATA, NEW_YORK = (
    ZoneInfo(name) for name in ("Asia/Shanghai", "Asia/Kolkata", "America/New_York")
)
ZONES = ["Asia/Shanghai", "Asia/Kolkata", "America/New_York", "Asia/Kathmandu", "America/St_Johns", "UTC"]


def day_of(local: datetime, zone: ZoneInfo) -> list[datetime]:
    """The UTC hours in the last bucket of a month up to that day."""
    begins = buckets.starts(Span.MONTH, local, zone)
    return [
        hour
        for hour in (begins[-1].replace(minute=0) + ahead * HOUR for ahead in range(-1, 30))
        if buckets.place(begins, hour) == len(begins) - 1 and hour.astimezone(zone).date() == local.date()
    ]


def test_a_day_is_the_last_24_hours_including_the_current_one() -> None:
    begins = buckets.starts(Span.DAY, NOW + timedelta(minutes=34), KOLKATA)
    assert begins == [NOW - ago * HOUR for ago in reversed(range(24))]


def test_a_week_is_seven_days_of_four_quarters_in_the_viewers_time_zone() -> None:
    begins = [begin.astimezone(SHANGHAI) for begin in buckets.starts(Span.WEEK, NOW, SHANGHAI)]
    assert len(begins) == 28
    assert {begin.hour for begin in begins} == {0, 6, 12, 18}
    assert (begins[0].date(), begins[-1].date()) == (
        datetime(2026, 11, 14).date(),  # noqa: DTZ001 - a date
        datetime(2026, 11, 20).date(),  # noqa: DTZ001 - a date
    )


def test_a_month_is_thirty_days_up_to_the_viewers_today() -> None:
    late = datetime(2026, 11, 20, 17, tzinfo=UTC)  # already the 21st in Shanghai
    days = [begin.astimezone(SHANGHAI) for begin in buckets.starts(Span.MONTH, late, SHANGHAI)]
    assert len(days) == 30
    assert (days[-1].month, days[-1].day, days[-1].hour) == (11, 21, 0)


@pytest.mark.parametrize(
    ("local", "hours"),
    [
        (datetime(2026, 3, 7, 20, tzinfo=NEW_YORK), 24),
        (datetime(2026, 3, 8, 20, tzinfo=NEW_YORK), 23),  # clocks go forward
        (datetime(2026, 11, 1, 20, tzinfo=NEW_YORK), 25),  # and back
        (datetime(2026, 11, 20, 20, tzinfo=KOLKATA), 24),
    ],
    ids=str,
)
def test_a_day_has_as_many_hours_as_the_clock_change_leaves(local: datetime, hours: int) -> None:
    zone = local.tzinfo
    assert isinstance(zone, ZoneInfo)
    assert len(day_of(local, zone)) == hours


def test_with_a_half_hour_offset_an_hour_belongs_to_the_bucket_it_begins_in() -> None:
    begins = buckets.starts(Span.MONTH, NOW, KOLKATA)
    midnight = datetime(2026, 11, 19, 18, 30, tzinfo=UTC)
    assert begins[-1] == midnight
    assert buckets.place(begins, midnight - timedelta(minutes=30)) == len(begins) - 2
    assert buckets.place(begins, midnight + timedelta(minutes=30)) == len(begins) - 1


@given(
    span=st.sampled_from(Span),
    zone=st.sampled_from(ZONES).map(ZoneInfo),
    now=st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - given
)
def test_every_hour_up_to_now_is_in_one_bucket(span: Span, zone: ZoneInfo, now: datetime) -> None:
    begins = buckets.starts(span, now, zone)
    assert all(earlier < later for earlier, later in pairwise(begins))
    for hour in (begins[0], buckets.start_of_hour(now)):
        place = buckets.place(begins, hour)
        assert begins[place] <= hour
        assert place == len(begins) - 1 or hour < begins[place + 1]
