"""Usual generation times are learned from the latest videos of each model."""

from datetime import timedelta

import pytest

from tests.conftest import NOW, MakeTask
from videos import catalogue
from videos.catalogue import GenerationTime
from videos.estimates import generation_times
from videos.models import GenerationStat
from videos.states import Status

MODEL = "Kling-3.0-720p"
AGO = timedelta(hours=2)


def make_done(make_task: MakeTask, *seconds: float, model: str = MODEL, ago: timedelta = AGO) -> None:
    for took in seconds:
        accepted = NOW - ago
        make_task(
            Status.SUCCEEDED, model=model, accepted_at=accepted, done_at=accepted + timedelta(seconds=took)
        )


def test_the_mean_and_spread_of_a_models_videos_are_learned(make_task: MakeTask) -> None:
    make_done(make_task, *[90.0, 110.0] * 10)
    generation_times.learn(NOW)
    time = generation_times.known()[MODEL]
    assert time.usual == pytest.approx(100)
    assert time.spread == pytest.approx(10)


def test_too_few_videos_are_not_enough_to_learn(make_task: MakeTask) -> None:
    make_done(make_task, *[100.0] * (generation_times.MIN_SAMPLES - 1))
    generation_times.learn(NOW)
    assert generation_times.known() == {}
    make_done(make_task, 100.0)
    generation_times.learn(NOW)
    assert set(generation_times.known()) == {MODEL}


def test_the_spread_of_a_steady_model_has_a_minimum(make_task: MakeTask) -> None:
    make_done(make_task, *[100.0] * 20)
    generation_times.learn(NOW)
    assert generation_times.known()[MODEL].spread == 2


def test_only_the_latest_videos_count(make_task: MakeTask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generation_times, "LATEST", 20)
    make_done(make_task, *[500.0] * 5, ago=timedelta(hours=5))
    make_done(make_task, *[100.0] * 20)
    generation_times.learn(NOW)
    assert generation_times.known()[MODEL].usual == pytest.approx(100)


def test_recently_accepted_videos_do_not_count_as_only_quick_ones_have_ended(make_task: MakeTask) -> None:
    make_done(make_task, *[100.0] * 20)
    make_done(make_task, *[1.0] * 20, ago=timedelta(seconds=10))
    generation_times.learn(NOW)
    assert generation_times.known()[MODEL].usual == pytest.approx(100)


def test_models_are_learned_separately(make_task: MakeTask) -> None:
    make_done(make_task, *[100.0] * 20)
    make_done(make_task, *[50.0] * 20, model="Vidu-q2-720p")
    generation_times.learn(NOW)
    known = generation_times.known()
    assert {model: round(time.usual) for model, time in known.items()} == {MODEL: 100, "Vidu-q2-720p": 50}


def test_a_model_without_recent_videos_keeps_its_figures(make_task: MakeTask) -> None:
    make_done(make_task, *[100.0] * 20)
    generation_times.learn(NOW)
    generation_times.learn(NOW + timedelta(days=5))
    assert GenerationStat.objects.get().updated_at == NOW


def test_without_videos_nothing_is_written(make_task: MakeTask) -> None:
    make_task(Status.RUNNING)
    generation_times.learn(NOW)
    assert not GenerationStat.objects.exists()


@pytest.mark.parametrize("model", [MODEL, "a model that left the catalogue"])
def test_every_model_has_a_default(model: str) -> None:
    guess = generation_times.guess(model)
    assert isinstance(guess, GenerationTime)
    assert guess.spread > 0


def test_the_default_of_a_model_is_in_the_catalogue() -> None:
    for spec in catalogue.MODELS:
        assert generation_times.guess(spec.name) == spec.generation_time
