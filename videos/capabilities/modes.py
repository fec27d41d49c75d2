"""The ways of asking a model for a video, each with a valid sample."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from videos.catalogue import ModelSpec
from videos.requests.shots import REFERENCES_WITH_VIDEO

_TEXT = "A lighthouse at dusk, waves rolling in"
_IMAGE, _VIDEO = "https://example.com/image-{}.png", "https://example.com/video.mp4"


@dataclass(frozen=True)
class Mode:
    """A way of asking for a video, told from others by the number of images and videos."""

    name: str
    title: str
    least_images: int = 0
    most_images: int = 0
    takes_video: bool = False
    has_shots: bool = False
    """Whether a list of shots replaces the prompt."""

    @property
    def needs_prompt(self) -> bool:
        """Whether nothing else says what the video should show."""
        return not (self.least_images or self.takes_video or self.has_shots)

    @property
    def may_have_images(self) -> bool:
        return self.most_images > 0


_MODES: tuple[tuple[Callable[[ModelSpec], bool], Callable[[ModelSpec], Mode]], ...] = (
    (lambda spec: True, lambda spec: Mode("text", "A prompt alone")),
    (
        lambda spec: spec.frames >= 1,
        lambda spec: Mode("first_frame", "An image that the video begins with", 1, 1),
    ),
    (
        lambda spec: spec.frames >= 2,
        lambda spec: Mode("first_and_last_frame", "The images that the video begins and ends with", 2, 2),
    ),
    (
        lambda spec: spec.max_images > spec.frames,
        lambda spec: Mode("references", "Images of what it shows", spec.frames + 1, spec.max_images),
    ),
    (
        lambda spec: spec.elements_and_shots,
        lambda spec: Mode(
            "reference_video",
            "A video, and perhaps images, of what it shows",
            most_images=REFERENCES_WITH_VIDEO,
            takes_video=True,
        ),
    ),
    (
        lambda spec: spec.elements_and_shots,
        lambda spec: Mode("shots", "A list of shots instead of the prompt", has_shots=True),
    ),
)
"""Which models have a mode, and what it is for such a model."""


def modes_of(spec: ModelSpec) -> tuple[Mode, ...]:
    """The modes of a model."""
    return tuple(mode(spec) for has_mode, mode in _MODES if has_mode(spec))


def takes_ratio(spec: ModelSpec, mode: Mode) -> bool:
    """Whether `aspect_ratio` may be given in this mode."""
    return bool(spec.ratios.allowed) and not (spec.ratios.text_to_video_only and mode.may_have_images)


def sample(spec: ModelSpec, mode: Mode) -> dict[str, Any]:
    """A valid body, the shortest video that the model makes in this mode."""
    seconds = spec.seconds_for(with_video=mode.takes_video).allowed[0]
    body: dict[str, Any] = {"model": spec.name, "seconds": str(seconds)}
    body |= {} if mode.has_shots else {"prompt": _TEXT}
    body |= {"images": [_IMAGE.format(number + 1) for number in range(mode.least_images)]}
    body |= {"videos": [_VIDEO] if mode.takes_video else []}
    body |= {"metadata": _metadata(spec, mode, seconds)}
    return {name: value for name, value in body.items() if value}


def _metadata(spec: ModelSpec, mode: Mode, seconds: int) -> dict[str, Any]:
    ratio = {"aspect_ratio": spec.ratios.allowed[0]} if takes_ratio(spec, mode) else {}
    return ratio | ({"ext_info": {"AdditionalParameters": _shots(seconds)}} if mode.has_shots else {})


def _shots(seconds: int) -> dict[str, Any]:
    """Two shots that last so many seconds together."""
    durations = (1, seconds - 1)
    prompts = (_TEXT, "The keeper lights the lamp")
    shots = [
        {"index": number + 1, "prompt": prompt, "duration": duration}
        for number, (prompt, duration) in enumerate(zip(prompts, durations, strict=True))
    ]
    return {"multi_shot": True, "shot_type": "customize", "multi_prompt": shots}
