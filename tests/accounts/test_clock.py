"""Days of a tenant whose time zone changes: none repeats or restarts, and the database agrees."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from accounts.quotas.totals import Period
from config import time_zones
from config.clock import Clock

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
ZONES = (
    "UTC",
    "Asia/Shanghai",
    "America/New_York",
    "Pacific/Kiritimati",
    "Etc/GMT+12",
    "Australia/Lord_Howe",
)


@pytest.mark.parametrize(
    ("old", "new", "switch", "before", "after"),
    [
        ("UTC", "Asia/Shanghai", "2026-11-21T00:00+00:00", "2026-11-20", "2026-11-21"),
        ("Asia/Shanghai", "UTC", "2026-11-21T00:00+08:00", "2026-11-20", "2026-11-21"),
        ("Pacific/Kiritimati", "Etc/GMT+12", "2026-11-22T00:00+14:00", "2026-11-21", "2026-11-22"),
        ("Etc/GMT+12", "Pacific/Kiritimati", "2026-11-21T00:00-12:00", "2026-11-20", "2026-11-22"),
    ],
)
def test_the_current_day_ends_by_the_old_time_zone(
    old: str, new: str, switch: str, before: str, after: str
) -> None:
    clock, moment = Clock(old).moved(new, NOON), datetime.fromisoformat(switch)
    assert [until for until, _ in clock.earlier] == [moment]
    assert clock.day_of(moment - timedelta(microseconds=1)).isoformat() == before
    assert clock.day_of(moment).isoformat() == after
    assert Period.of(NOON, clock).day_ends == moment


def test_a_move_taken_back_changes_nothing() -> None:
    assert Clock("UTC").moved("Asia/Tokyo", NOON).moved("UTC", NOON + HOUR) == Clock("UTC")
    twice = Clock("UTC").moved("Asia/Tokyo", NOON).moved("Asia/Shanghai", NOON + HOUR)
    assert twice == Clock("UTC").moved("Asia/Shanghai", NOON)


moves = st.lists(st.tuples(st.sampled_from(ZONES), st.integers(1, 90)), max_size=5)


def moved(first: str, journey: list[tuple[str, int]]) -> Clock:
    clock, now = Clock(first), NOON
    for zone, hours in journey:
        now += hours * HOUR
        clock = clock.moved(zone, now)
    return clock


@given(st.sampled_from(ZONES), moves)
def test_days_follow_each_other_through_any_moves(first: str, journey: list[tuple[str, int]]) -> None:
    clock = moved(first, journey)
    days = [clock.day_of(NOON + half * HOUR / 2) for half in range(-100, 1200)]
    assert days == sorted(days)
    for day in set(days[1:]):
        begin = clock.begin_of(day)
        assert clock.day_of(begin) >= day
        assert clock.day_of(begin - timedelta(microseconds=1)) < day
    assert Clock.of(clock.time_zone, clock.written()) == clock


@pytest.mark.django_db
def test_the_database_computes_the_same_days() -> None:
    journeys = [
        [],
        [("Asia/Shanghai", 3)],
        [("Etc/GMT+12", 5), ("Pacific/Kiritimati", 40)],
        [("America/New_York", 9), ("UTC", 30), ("Australia/Lord_Howe", 60)],
    ]
    moments = [NOON + half * HOUR / 2 for half in range(-20, 500)]
    for first in ZONES:
        for journey in journeys:
            clock = moved(first, journey)
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT accounts_day_of(at, %s, %s::text[]) FROM unnest(%s::timestamptz[]) AS of (at)",
                    [clock.time_zone, clock.written(), moments],
                )
                computed = [day for (day,) in cursor.fetchall()]
            assert computed == [clock.day_of(moment) for moment in moments]


def test_all_time_zones_are_known() -> None:
    assert {*ZONES} <= {*time_zones.names()}
