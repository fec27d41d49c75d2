"""When a running task is asked about, and how far it seems to be."""

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
)

TIME = GenerationTime(usual=120, spread=20)
AGES = st.floats(0, 1e7)
TIMES = st.builds(GenerationTime, usual=st.floats(0.1, 1e5), spread=st.floats(2, 1e5))


@given(AGES, TIMES)
@example(0.0, GenerationTime(0.1, 2))
@example(1e7, GenerationTime(0.1, 2))
@example(0.0, GenerationTime(1e5, 2))
def test_while_the_usual_time_is_a_guess_nobody_stays_away_for_long(age: float, time: GenerationTime) -> None:
    wait = interval(age, time, is_learned=False)
    assert SHORTEST <= wait <= LONGEST
    if age <= time.usual + 4 * time.spread:
        assert wait <= BEFORE_THE_WINDOW


@given(AGES, TIMES)
def test_a_learned_time_is_waited_for_until_its_window_and_then_never_longer_than_the_longest(
    age: float, time: GenerationTime
) -> None:
    wait = interval(age, time, is_learned=True)
    window = time.usual - 3 * time.spread
    assert math.isfinite(wait)
    assert SHORTEST <= wait <= max(LONGEST, window - age)


@given(st.floats(0, 59))
def test_before_the_window_of_a_learned_time_the_next_look_is_when_it_opens(age: float) -> None:
    assert age + interval(age, TIME, is_learned=True) == pytest.approx(60, abs=SHORTEST)


def test_looks_are_densest_from_the_usual_time_on_and_sparse_for_outliers() -> None:
    early, usual, late, outlier, lost = (
        interval(age, TIME, is_learned=True) for age in (70, 120, 150, 400, 1e6)
    )
    assert early > usual
    assert IN_THE_WINDOW >= early > usual >= late == SHORTEST
    assert usual < outlier < lost == LONGEST


@given(st.floats(201, 1e6), st.floats(1, 1e6))
def test_an_outlier_is_looked_at_ever_less(age: float, more: float) -> None:
    assert interval(age, TIME, is_learned=True) <= interval(age + more, TIME, is_learned=True)


@given(st.floats(60, 150), st.floats(0, 50))
def test_within_the_window_looks_become_denser(age: float, more: float) -> None:
    assert interval(age, TIME, is_learned=True) >= interval(age + more, TIME, is_learned=True) - 1e-9


def test_a_model_with_a_wide_spread_is_looked_at_less_than_a_steady_one() -> None:
    steady, varied = GenerationTime(600, 5), GenerationTime(600, 150)
    assert interval(600, steady, is_learned=True) < interval(600, varied, is_learned=True)


@given(st.floats(-1e3, 1e7), st.floats(0.01, 1e5))
def test_progress_is_between_0_and_99(age: float, usual: float) -> None:
    assert 0 <= expected_progress(age, usual) <= 99


@given(AGES, st.floats(0, 1e6), st.floats(0.01, 1e5))
def test_progress_never_goes_back(age: float, more: float, usual: float) -> None:
    assert expected_progress(age, usual) <= expected_progress(age + more, usual)


@pytest.mark.parametrize(("age", "percent"), [(-5, 0), (0, 0), (60, 45), (120, 90), (240, 94), (1e7, 98)])
def test_progress_is_even_at_first_and_then_ever_slower(age: float, percent: int) -> None:
    assert expected_progress(age, 120) == percent
