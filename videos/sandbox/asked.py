"""What a create call of either product asks of a model, and upstream's checks of that. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from videos.sandbox.models import MODELS, Model
from videos.sandbox.protocol import MPS, VOD
from videos.sandbox.schema import invalid, value_at

RATIOS = ("16:9", "9:16", "1:1", "4:3", "3:4", "3:2", "2:3", "4:5", "5:4", "21:9", "9:21")
AUDIO_ON = (True, "Enabled")


@dataclass(frozen=True)
class Places:
    """Where a product's create call says what."""

    duration: str
    resolution: str
    ratio: str
    audio: str


PLACES = {
    MPS: Places(
        duration="Duration",
        resolution="ExtraParameters.Resolution",
        ratio="ExtraParameters.AspectRatio",
        audio="ExtraParameters.EnableAudio",
    ),
    VOD: Places(
        duration="OutputConfig.Duration",
        resolution="OutputConfig.Resolution",
        ratio="OutputConfig.AspectRatio",
        audio="OutputConfig.AudioGeneration",
    ),
}


@dataclass(frozen=True)
class Asked:
    """A video as a create call asks for it, with upstream's defaults."""

    model: Model
    resolution: str
    ratio: str
    seconds: float
    audio: bool


def asked_of(product: str, payload: Mapping[str, Any]) -> Asked:
    """Return what a create call asks for. Raises `ApiError` if its model is unknown."""
    places, model = PLACES[product], model_of(payload)
    seconds = value_at(payload, places.duration)
    return Asked(
        model,
        resolution=value_at(payload, places.resolution) or model.resolutions[0],
        ratio=value_at(payload, places.ratio) or "16:9",
        seconds=model.default_duration if seconds is None else seconds,
        audio=value_at(payload, places.audio) in AUDIO_ON,
    )


def model_of(payload: Mapping[str, Any]) -> Model:
    """Return the model of a create call. Raises `ApiError` if it is unknown."""
    versions = MODELS.get(payload.get("ModelName") or "")
    if versions is None:
        raise invalid("ModelName", payload.get("ModelName"))
    version = payload.get("ModelVersion") or next(iter(versions))
    if version not in versions:
        raise invalid("ModelVersion", version)
    return versions[version]


def check_asked(product: str, payload: Mapping[str, Any]) -> None:
    """Raise `ApiError` if the model does not make such a video."""
    asked, places = asked_of(product, payload), PLACES[product]
    if not asked.model.takes_resolution(asked.resolution):
        raise invalid(places.resolution, asked.resolution)
    if asked.ratio not in RATIOS:
        raise invalid(places.ratio, asked.ratio)
    if not _takes_seconds(payload["ModelName"], asked):
        raise invalid(places.duration, asked.seconds)


def _takes_seconds(family: str, asked: Asked) -> bool:
    if family == "Hailuo" and asked.resolution == "1080P":
        return asked.seconds == asked.model.default_duration
    return asked.seconds in asked.model.durations
