"""Hourly counts agree with the task rows."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.ids import uuid7
from tests.conftest import NOW, MakeTask
from videos.metrics import hourly
from videos.metrics.buckets import start_of_hour
from videos.models import HoursCounted, ModelHour, Task
from videos.states import ACTIVE, Status
from videos.tasks import lifecycle
from videos.tasks.failures import FailureCode
from videos.tasks.lifecycle import StoredMedia

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
MODELS = ("Kling-3.0-720p", "Vidu-q2-720p")
Figures = dict[tuple[datetime, str], tuple[int, int, int, Decimal | int]]


def counted() -> Figures:
    """The hourly counts: made, completed, failed and spend."""
    rows = ModelHour.objects.order_by("hour", "model").values_list(
        "hour", "model", "made", "completed", "failed", "spend"
    )
    return {(hour, model): tuple(figures) for hour, model, *figures in rows}  # type: ignore[misc]


def true() -> Figures:
    """The same counts, computed from the task rows."""
    figures: dict[tuple[datetime, str], Counter[str]] = {}
    for task in Task.objects.all():
        made = figures.setdefault((start_of_hour(task.created_at), task.model), Counter())
        made["made"] += 1
        if task.status in (Status.SUCCEEDED, Status.FAILED):
            assert task.finished_at is not None
            ended = figures.setdefault((start_of_hour(task.finished_at), task.model), Counter())
            ended[task.status] += 1
            if task.status == Status.SUCCEEDED:
                ended["spend"] += task.price  # type: ignore[assignment]
    return {
        key: (row["made"], row[Status.SUCCEEDED], row[Status.FAILED], Decimal(row["spend"]))
        for key, row in figures.items()
    }


def finish(task: Task, now: datetime) -> None:
    assert lifecycle.produced(task, "http://127.0.0.1:9/x.mp4", "1280x720", now)
    assert lifecycle.succeed(task, StoredMedia("a.mp4", 1), now)


def test_a_task_counts_as_made_in_one_hour_and_as_ended_in_another(make_task: MakeTask) -> None:
    task = make_task(Status.RUNNING, price=Decimal("1.5"))
    hourly.roll_up(NOW)
    assert counted() == {(NOW, task.model): (1, 0, 0, 0)}
    finish(task, NOW + HOUR)
    hourly.roll_up(NOW + HOUR)
    assert counted() == {
        (NOW, task.model): (1, 0, 0, 0),
        (NOW + HOUR, task.model): (0, 1, 0, Decimal("1.5")),
    }


def test_cancelled_tasks_are_made_but_neither_completed_nor_failed(make_task: MakeTask) -> None:
    make_task(Status.CANCELLED)
    make_task(Status.FAILED, price=Decimal(1))
    hourly.roll_up(NOW)
    assert counted() == {(NOW, MODELS[0]): (2, 0, 1, 0)}


def test_an_hour_includes_its_first_moment_and_excludes_its_end(
    make_task: MakeTask,
) -> None:
    for moment in (NOW - timedelta(microseconds=1), NOW, NOW + HOUR - timedelta(microseconds=1), NOW + HOUR):
        make_task(Status.SUCCEEDED, now=moment)
    hourly.roll_up(NOW + HOUR)
    assert [row[:2] for row in counted().values()] == [(1, 1), (2, 2), (1, 1)]
    assert counted() == true()


def test_counting_again_rewrites_no_row(make_task: MakeTask) -> None:
    make_task(Status.SUCCEEDED, price=Decimal("0.25"))
    hourly.roll_up(NOW)
    written = "SELECT xmin, ctid, * FROM videos_modelhour"
    before = [vars(row) for row in ModelHour.objects.raw(written)]
    hourly.roll_up(NOW)
    after = [vars(row) for row in ModelHour.objects.raw(written)]
    for row in before + after:
        del row["_state"]
    assert before == after


def test_an_end_recorded_after_its_hour_was_counted_is_counted(make_task: MakeTask) -> None:
    task = make_task(Status.RUNNING, price=Decimal(2), now=NOW - 5 * HOUR)
    hourly.roll_up(NOW + MINUTE)
    finish(task, NOW - MINUTE)
    hourly.roll_up(NOW + 2 * MINUTE)
    assert counted()[NOW - HOUR, task.model] == (0, 1, 0, 2)


def test_hours_whose_tasks_were_deleted_are_corrected(make_task: MakeTask) -> None:
    for model in (*MODELS, MODELS[0]):
        make_task(model=model)
    ModelHour.objects.create(hour=NOW, model="a model nobody asked for", made=7)
    ModelHour.objects.create(hour=NOW, model=MODELS[0], made=9, failed=3, spend=5)
    hourly.roll_up(NOW)
    assert counted() == true()


def test_hours_without_tasks_have_no_row(make_task: MakeTask) -> None:
    make_task(now=NOW - 3 * HOUR)
    hourly.roll_up(NOW)
    assert list(counted()) == [(NOW - 3 * HOUR, MODELS[0])]


@pytest.mark.usefixtures("db")
def test_an_empty_database_is_counted_up_to_now() -> None:
    assert HoursCounted.reached() is None
    assert hourly.roll_up(NOW)
    assert (HoursCounted.reached(), ModelHour.objects.count()) == (NOW, 0)


def test_an_old_database_is_counted_over_several_calls_oldest_first(make_task: MakeTask) -> None:
    days = 25
    for ago in range(0, days, 4):
        make_task(Status.FAILED, now=NOW - timedelta(days=ago))
    seen = []
    while not hourly.roll_up(NOW):
        seen.append(HoursCounted.reached())
    assert len(seen) == 2
    assert seen == sorted(seen)  # type: ignore[type-var]
    assert counted() == true()
    assert HoursCounted.reached() == NOW


def test_a_long_pause_is_caught_up(make_task: MakeTask) -> None:
    task = make_task(Status.RUNNING)
    hourly.roll_up(NOW)
    later = NOW + timedelta(days=15)
    finish(task, later - timedelta(days=7))
    make_task(now=later)
    assert not hourly.roll_up(later)
    assert hourly.roll_up(later)
    assert counted() == true()


def test_a_clock_set_back_loses_nothing(make_task: MakeTask) -> None:
    hourly.roll_up(NOW + 5 * HOUR)
    make_task(now=NOW)
    assert hourly.roll_up(NOW)
    assert hourly.roll_up(NOW + HOUR)
    assert counted() == true()


def test_everything_can_be_counted_again(make_task: MakeTask) -> None:
    hourly.roll_up(NOW)
    make_task(Status.FAILED, now=NOW - timedelta(days=40))
    hourly.roll_up_anew(NOW)
    assert counted() == true()
    assert HoursCounted.objects.count() == 1


_STEPS = st.lists(
    st.tuples(st.sampled_from(["make", "succeed", "fail", "cancel", "count"]), st.integers(0, 90)),
    min_size=1,
    max_size=25,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
@given(steps=_STEPS)
def test_hours_equal_the_rows_after_any_sequence_of_events(make_task: MakeTask, steps: list[Any]) -> None:
    now = NOW
    with transaction.atomic():
        for position, (what, minutes) in enumerate(steps):
            now += minutes * MINUTE
            step(what, now, position, make_task)
        hourly.roll_up(now)
        assert counted() == true()
        transaction.set_rollback(True)  # each example starts empty


def step(what: str, now: datetime, position: int, make_task: MakeTask) -> None:
    """One event of a new task or of the oldest open one."""
    task = Task.objects.filter(status__in=ACTIVE).order_by("id").first()
    if what == "make":
        status = Status.QUEUED if position % 2 else Status.RUNNING
        make_task(status, now=now, id=uuid7(now), model=MODELS[position % 3 % 2], price=Decimal(position))
    elif what == "count":
        hourly.roll_up(now)
    elif task and what == "cancel":
        lifecycle.cancel(task, now)
    elif task and what == "fail":
        lifecycle.fail(task, FailureCode.GENERATION_FAILED, "It did not work.", now)
    elif task and what == "succeed" and task.state is Status.RUNNING:
        finish(task, now)


def test_hours_start_in_utc() -> None:
    moment = datetime(2026, 11, 20, 17, 45, tzinfo=ZoneInfo("Asia/Kolkata"))
    assert start_of_hour(moment) == datetime(2026, 11, 20, 12, tzinfo=UTC)
