"""When a running task is polled, and its estimated progress."""

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from videos.catalogue import GenerationTime
from videos.estimates.poll_schedule import (
    BEFORE_THE_WINDOW,
    IN_THE_WINDOW,
    LONGEST,
    SHORTEST,
    expected_progress,
    interval,
    stretch,
)

TIME = GenerationTime(usual=120, spread=20)
AGES = st.floats(0, 1e7)
TIMES = st.builds(GenerationTime, usual=st.floats(0.1, 1e5), spread=st.floats(2, 1e5))


@given(AGES, TIMES)
@example(0.0, GenerationTime(0.1, 2))
@example(1e7, GenerationTime(0.1, 2))
@example(0.0, GenerationTime(1e5, 2))
def test_without_learned_times_polling_is_frequent(age: float, time: GenerationTime) -> None:
    wait = interval(age, time, is_learned=False)
    assert SHORTEST <= wait <= LONGEST
    if age <= time.usual + 4 * time.spread:
        assert wait <= BEFORE_THE_WINDOW


@given(AGES, TIMES)
def test_with_learned_times_the_first_poll_is_at_the_window_and_intervals_are_capped(
    age: float, time: GenerationTime
) -> None:
    wait = interval(age, time, is_learned=True)
    window = time.usual - 3 * time.spread
    assert math.isfinite(wait)
    assert SHORTEST <= wait <= max(LONGEST, window - age)


@given(st.floats(0, 59))
def test_before_the_window_the_next_poll_is_at_its_start(age: float) -> None:
    assert age + interval(age, TIME, is_learned=True) == pytest.approx(60, abs=SHORTEST)


def test_polling_is_densest_at_the_usual_time_and_sparse_for_outliers() -> None:
    early, usual, late, outlier, lost = (
        interval(age, TIME, is_learned=True) for age in (70, 120, 150, 400, 1e6)
    )
    assert early > usual
    assert IN_THE_WINDOW >= early > usual >= late == SHORTEST
    assert usual < outlier < lost == LONGEST


@given(st.floats(201, 1e6), st.floats(1, 1e6))
def test_outliers_are_polled_less_and_less(age: float, more: float) -> None:
    assert interval(age, TIME, is_learned=True) <= interval(age + more, TIME, is_learned=True)


@given(st.floats(60, 150), st.floats(0, 50))
def test_polling_gets_denser_within_the_window(age: float, more: float) -> None:
    assert interval(age, TIME, is_learned=True) >= interval(age + more, TIME, is_learned=True) - 1e-9


def test_a_model_with_a_wide_spread_is_polled_less_than_a_steady_one() -> None:
    steady, varied = GenerationTime(600, 5), GenerationTime(600, 150)
    assert interval(600, steady, is_learned=True) < interval(600, varied, is_learned=True)


@pytest.mark.parametrize(("open_tasks", "times"), [(0, 1), (80, 1), (200, 2.5), (240, 3), (100_000, 3)])
def test_a_crowded_account_polls_each_task_less_often(open_tasks: int, times: float) -> None:
    assert stretch(open_tasks) == times
    for age in (10, 70, 120, 190):
        alone = interval(age, TIME, is_learned=False)
        crowded = interval(age, TIME, is_learned=False, stretched=stretch(open_tasks))
        assert crowded == pytest.approx(min(alone * times, 61 - age) if age < 60 else alone * times)


def test_outliers_and_learned_times_are_polled_alike_however_crowded_the_account() -> None:
    for age in (10, 400):
        assert interval(age, TIME, is_learned=True, stretched=3) == interval(age, TIME, is_learned=True)


@given(st.floats(-1e3, 1e7), st.floats(0.01, 1e5))
def test_progress_is_between_0_and_99(age: float, usual: float) -> None:
    assert 0 <= expected_progress(age, usual) <= 99


@given(AGES, st.floats(0, 1e6), st.floats(0.01, 1e5))
def test_progress_never_decreases(age: float, more: float, usual: float) -> None:
    assert expected_progress(age, usual) <= expected_progress(age + more, usual)


@pytest.mark.parametrize(("age", "percent"), [(-5, 0), (0, 0), (60, 45), (120, 90), (240, 94), (1e7, 98)])
def test_progress_is_linear_at_first_and_slows_down(age: float, percent: int) -> None:
    assert expected_progress(age, 120) == percent
