"""How long models usually take is learned from their latest videos."""

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


def test_a_model_is_known_by_the_mean_and_the_spread_of_its_videos(make_task: MakeTask) -> None:
    make_done(make_task, *[90.0, 110.0] * 10)
    generation_times.learn(NOW)
    time = generation_times.known()[MODEL]
    assert time.usual == pytest.approx(100)
    assert time.spread == pytest.approx(10)


def test_too_few_videos_are_not_trusted(make_task: MakeTask) -> None:
    make_done(make_task, *[100.0] * (generation_times.ENOUGH - 1))
    generation_times.learn(NOW)
    assert generation_times.known() == {}
    make_done(make_task, 100.0)
    generation_times.learn(NOW)
    assert set(generation_times.known()) == {MODEL}


def test_however_steady_a_model_was_its_spread_is_never_nothing(make_task: MakeTask) -> None:
    make_done(make_task, *[100.0] * 20)
    generation_times.learn(NOW)
    assert generation_times.known()[MODEL].spread == 2


def test_only_the_latest_videos_count(make_task: MakeTask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generation_times, "LATEST", 20)
    make_done(make_task, *[500.0] * 5, ago=timedelta(hours=5))
    make_done(make_task, *[100.0] * 20)
    generation_times.learn(NOW)
    assert generation_times.known()[MODEL].usual == pytest.approx(100)


def test_videos_accepted_too_lately_do_not_count_or_only_quick_ones_would(make_task: MakeTask) -> None:
    make_done(make_task, *[100.0] * 20)
    make_done(make_task, *[1.0] * 20, ago=timedelta(seconds=10))
    generation_times.learn(NOW)
    assert generation_times.known()[MODEL].usual == pytest.approx(100)


def test_models_are_learned_apart(make_task: MakeTask) -> None:
    make_done(make_task, *[100.0] * 20)
    make_done(make_task, *[50.0] * 20, model="Vidu-q2-720p")
    generation_times.learn(NOW)
    known = generation_times.known()
    assert {model: round(time.usual) for model, time in known.items()} == {MODEL: 100, "Vidu-q2-720p": 50}


def test_a_model_without_recent_videos_keeps_what_was_learned(make_task: MakeTask) -> None:
    make_done(make_task, *[100.0] * 20)
    generation_times.learn(NOW)
    generation_times.learn(NOW + timedelta(days=5))
    assert GenerationStat.objects.get().updated_at == NOW


def test_learning_nothing_writes_nothing(make_task: MakeTask) -> None:
    make_task(Status.RUNNING)
    generation_times.learn(NOW)
    assert not GenerationStat.objects.exists()


@pytest.mark.parametrize("model", [MODEL, "a model that left the catalogue"])
def test_any_model_has_a_guess(model: str) -> None:
    guess = generation_times.guess(model)
    assert isinstance(guess, GenerationTime)
    assert guess.spread > 0


def test_every_models_guess_is_its_own() -> None:
    for spec in catalogue.MODELS:
        assert generation_times.guess(spec.name) == spec.generation_time
