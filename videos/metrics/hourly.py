"""Counts the tasks created and ended in each hour, from the task rows into `ModelHour`."""

from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from config.ids import first_uuid7
from videos.metrics.buckets import HOUR, start_of_hour
from videos.models import HoursCounted
from videos.states import Status

SLICE = timedelta(days=1)
"""Counted by one statement at most, so that none takes long on an old database."""
SLICES = 10
"""Slices per call at most; the next call continues."""
OVERLAP = HOUR
"""Counted again each time, as tasks of the last hour may have been committed after it was counted."""


def roll_up(now: datetime) -> bool:
    """Count the hours since the last call and `OVERLAP` again; returns whether all are counted."""
    return any(_count_on(now) for _ in range(SLICES))


def roll_up_anew(now: datetime) -> None:
    """Count all hours again from the first task."""
    HoursCounted.objects.all().delete()
    while not roll_up(now):
        pass


def _count_on(now: datetime) -> bool:
    """Count the next slice; returns whether it was the last."""
    with transaction.atomic():
        counted = HoursCounted.locked(now)
        start = start_of_hour(counted.until) - OVERLAP
        end = min(start + SLICE, start_of_hour(now) + HOUR)
        _count(start, end)
        counted.until = min(end, now)
        counted.save(update_fields=["until"])
    return counted.until >= now


def _count(start: datetime, end: datetime) -> None:
    """Rewrite the rows of the hours from `start` to `end` from the tasks."""
    values: dict[str, Any] = {
        "start": start,
        "end": end,
        "first": first_uuid7(start),
        "last": first_uuid7(end),
        "succeeded": Status.SUCCEEDED,
        "failed": Status.FAILED,
    }
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, values)


_COUNT = """
WITH made AS (
    SELECT date_trunc('hour', created_at, 'UTC') AS hour, model, count(*) AS tasks
    FROM videos_task WHERE id >= %(first)s AND id < %(last)s GROUP BY 1, 2
), ended AS (
    SELECT date_trunc('hour', finished_at, 'UTC') AS hour, model,
        count(*) FILTER (WHERE status = %(succeeded)s) AS completed,
        count(*) FILTER (WHERE status = %(failed)s) AS failed,
        coalesce(sum(price) FILTER (WHERE status = %(succeeded)s), 0) AS spend
    FROM videos_task WHERE finished_at >= %(start)s AND finished_at < %(end)s
        AND status IN (%(succeeded)s, %(failed)s) GROUP BY 1, 2
), counted AS (
    SELECT hour, model, coalesce(tasks, 0) AS made, coalesce(completed, 0) AS completed,
        coalesce(failed, 0) AS failed, coalesce(spend, 0) AS spend
    FROM made FULL JOIN ended USING (hour, model)
), gone AS (
    DELETE FROM videos_modelhour known WHERE hour >= %(start)s AND hour < %(end)s AND NOT EXISTS (
        SELECT FROM counted WHERE counted.hour = known.hour AND counted.model = known.model)
)
INSERT INTO videos_modelhour AS known (hour, model, made, completed, failed, spend)
SELECT hour, model, made, completed, failed, spend FROM counted
ON CONFLICT (hour, model) DO UPDATE SET made = excluded.made, completed = excluded.completed,
    failed = excluded.failed, spend = excluded.spend
WHERE (known.made, known.completed, known.failed, known.spend)
    IS DISTINCT FROM (excluded.made, excluded.completed, excluded.failed, excluded.spend)
"""
