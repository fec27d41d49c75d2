"""The fields of a catalogue entry."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any


@dataclass(frozen=True)
class Seconds:
    """The video lengths a model supports, in whole seconds."""

    allowed: tuple[int, ...]

    @classmethod
    def between(cls, shortest: int, longest: int) -> "Seconds":
        """All lengths from `shortest` to `longest`, inclusive."""
        return cls(tuple(range(shortest, longest + 1)))

    @classmethod
    def of(cls, *lengths: int) -> "Seconds":
        return cls(lengths)

    def __contains__(self, seconds: int) -> bool:
        return seconds in self.allowed

    def __str__(self) -> str:
        """In the contract's wording: `3-15`, `5 or 10`, `4, 8 or 12`, `8`."""
        first, last = self.allowed[0], self.allowed[-1]
        if len(self.allowed) > 1 and last - first == len(self.allowed) - 1:
            return f"{first}-{last}"
        *others, _ = map(str, self.allowed)
        return f"{', '.join(others)} or {last}" if others else str(last)


@dataclass(frozen=True)
class AspectRatios:
    """The aspect ratios a model supports, and the error message for any other."""

    allowed: tuple[str, ...] = ()
    refusal: str = "metadata.aspect_ratio is invalid"
    text_to_video_only: bool = False


@dataclass(frozen=True)
class GenerationTime:
    """How long upstream usually takes for one video, in seconds: the centre and the spread (one sigma)."""

    usual: float
    spread: float


@dataclass(frozen=True)
class ModelSpec:
    """One model at one resolution; everything that differs between models is data here.

    Sources: contract sections 2 (names), 3 (fields) and 4 (Kling's references and shots).
    """

    name: str
    """The public name in its canonical spelling, such as `Kling-3.0-omni-1080p`."""
    family: str
    """Upstream's name of the model, such as `Kling`."""
    version: str
    """Upstream's model version, such as `3.0-Omni`."""
    resolution: str
    """As upstream spells it: `720P`, `768P`, `1080P`."""
    seconds: Seconds
    max_images: int
    frames: int
    """Without a video, up to this many images are the first and last frame; more are references."""
    image_sizes: tuple[tuple[int, int], ...] = ()
    """The widths and heights in pixels that upstream takes of an image; empty if it takes any."""
    ratios: AspectRatios = AspectRatios()
    seconds_with_video: Seconds | None = None
    """The lengths allowed with a reference video, if they differ."""
    scene_type: str | None = None
    """The only scene type that upstream supports for this family."""
    own_switches: frozenset[str] = frozenset()
    """The switches of `output_config` that this family supports and others do not."""
    subjects: bool = False
    """Accepts subject ids and voices for its reference images."""
    elements_and_shots: bool = False
    """Accepts a reference video, an element list and a shot list (contract section 4)."""
    named_by_family: bool = False
    """Messages name only the family, as it has a single version."""
    offered_since: datetime = datetime(2026, 11, 20, tzinfo=UTC)
    """When the model was added to the catalogue; OpenAI's clients read it as `created`."""
    generation_time: GenerationTime = field(default=GenerationTime(usual=120, spread=20))

    def label(self, separator: str) -> str:
        """The model's name in messages: `Kling 2.5`, `Vidu:q2`, or just `GV`."""
        return self.family if self.named_by_family else f"{self.family}{separator}{self.version}"

    def seconds_for(self, *, with_video: bool) -> Seconds:
        return self.seconds_with_video if with_video and self.seconds_with_video else self.seconds


def variants(base: str, *resolutions: str, **common: Any) -> tuple[ModelSpec, ...]:
    """One entry per resolution of the model `base`; `common` holds the fields they share."""
    family, _, version = base.partition("-")
    facts = {"family": family, "version": version, **common}
    return tuple(
        ModelSpec(name=f"{base}-{resolution}", resolution=resolution.upper(), **facts)
        for resolution in resolutions
    )
