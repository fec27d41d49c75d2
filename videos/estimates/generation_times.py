"""Usual generation time of each model: learned from its latest videos, else the catalogue's guess."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db.models import Avg, F, StdDev
from django.db.models.functions import Extract

from videos import catalogue
from videos.catalogue import GenerationTime
from videos.estimates import poll_schedule
from videos.models import GenerationStat, Task

LATEST = 200
"""Videos of a model that its time is learned from."""
MIN_SAMPLES = 20
"""Videos needed before a learned time is trusted."""
_LEAST_SPREAD = 2.0
"""Seconds; even a steady model may change."""


def known() -> dict[str, GenerationTime]:
    """The learned times by model name, without models that have too few videos."""
    trusted = GenerationStat.objects.filter(samples__gte=MIN_SAMPLES)
    return {stat.model: GenerationTime(stat.usual, stat.spread) for stat in trusted}


def expected(model: str) -> float:
    """Seconds a video of the model should take: as learned, even from few videos, else as guessed."""
    stat = GenerationStat.objects.filter(pk=model).first()
    return stat.usual if stat else guess(model).usual


def guess(model: str) -> GenerationTime:
    """The catalogue's figure; that of another model if the model left the catalogue."""
    spec = catalogue.find(model) or catalogue.MODELS[0]
    return spec.generation_time


def time_to_next_poll(
    model: str, age: float, learned: Mapping[str, GenerationTime], stretched: float = 1.0
) -> timedelta:
    """Time until the next poll of a task accepted `age` seconds ago; `learned` is from `known`.

    `stretched` is the `poll_schedule.stretch` of its account.
    """
    time = learned.get(model)
    seconds = poll_schedule.interval(
        age, time or guess(model), is_learned=time is not None, stretched=stretched
    )
    return timedelta(seconds=seconds)


def learn(now: datetime) -> None:
    """Update the times of each model that finished videos within the last day."""
    for spec in catalogue.MODELS:
        if Task.objects.filter(model=spec.name, done_at__gte=now - timedelta(days=1)).exists():
            _learn(spec.name, now)


def _learn(model: str, now: datetime) -> None:
    """Only tasks accepted long enough ago count, or the quick ones of a new batch would bias the mean."""
    time = guess(model)
    settled = now - timedelta(seconds=time.usual + 4 * time.spread)
    latest = Task.objects.filter(model=model, done_at__isnull=False, accepted_at__lt=settled)
    figures = Task.objects.filter(pk__in=latest.order_by("-done_at").values("pk")[:LATEST]).annotate(
        took=Extract(F("done_at") - F("accepted_at"), "epoch")
    )
    summary = figures.aggregate(usual=Avg("took"), spread=StdDev("took"))
    if summary["usual"] is None:
        return
    GenerationStat.objects.update_or_create(
        model=model,
        defaults={
            "usual": summary["usual"],
            "spread": max(_LEAST_SPREAD, summary["spread"] or 0.0),
            "samples": latest[:LATEST].count(),
            "updated_at": now,
        },
    )
