"""What a catalogue entry can say about a model."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any


@dataclass(frozen=True)
class Seconds:
    """The lengths of video a model makes, in whole seconds."""

    allowed: tuple[int, ...]

    @classmethod
    def between(cls, shortest: int, longest: int) -> "Seconds":
        """Every length from `shortest` to `longest`, both included."""
        return cls(tuple(range(shortest, longest + 1)))

    @classmethod
    def of(cls, *lengths: int) -> "Seconds":
        """Just these lengths."""
        return cls(lengths)

    def __contains__(self, seconds: int) -> bool:
        return seconds in self.allowed

    def __str__(self) -> str:
        """As the contract words it: `3-15`, `5 or 10`, `4, 8 or 12`, `8`."""
        first, last = self.allowed[0], self.allowed[-1]
        if len(self.allowed) > 1 and last - first == len(self.allowed) - 1:
            return f"{first}-{last}"
        *others, _ = map(str, self.allowed)
        return f"{', '.join(others)} or {last}" if others else str(last)


@dataclass(frozen=True)
class AspectRatios:
    """The shapes of frame a model takes, and how it words a refusal."""

    allowed: tuple[str, ...] = ()
    refusal: str = "metadata.aspect_ratio is invalid"
    text_to_video_only: bool = False


@dataclass(frozen=True)
class GenerationTime:
    """How long upstream usually works on one video, in seconds: the centre and the spread (one sigma)."""

    usual: float
    spread: float


@dataclass(frozen=True)
class ModelSpec:
    """One model at one resolution: all that differs between models, as data.

    Sources: contract sections 2 (names), 3 (fields) and 4 (Kling's references and shots).
    """

    name: str
    """The public name in its canonical spelling, such as `Kling-3.0-omni-1080p`."""
    family: str
    """Upstream's model name, such as `Kling`."""
    version: str
    """Upstream's model version, such as `3.0-Omni`."""
    resolution: str
    """In upstream's spelling: `720P`, `768P`, `1080P`."""
    seconds: Seconds
    max_images: int
    frames: int
    """Up to this many images, without a video, are the first and last frame; more are references."""
    ratios: AspectRatios = AspectRatios()
    seconds_with_video: Seconds | None = None
    """The lengths left when a reference video is given, where they differ."""
    scene_type: str | None = None
    """The one scene upstream knows for this family."""
    own_switches: frozenset[str] = frozenset()
    """Those switches of `output_config` that not every family has."""
    subjects: bool = False
    """Takes subject ids and voices for its reference images."""
    elements_and_shots: bool = False
    """Takes a reference video, an element list and a shot list (contract section 4)."""
    named_by_family: bool = False
    """Messages name the family alone: it has had one version only."""
    offered_since: datetime = datetime(2026, 11, 20, tzinfo=UTC)
    """When the entry came into the catalogue; OpenAI's clients read it as `created`."""
    generation_time: GenerationTime = field(default=GenerationTime(usual=120, spread=20))

    def label(self, separator: str) -> str:
        """How messages name the model: `Kling 2.5`, `Vidu:q2`, or just `GV`."""
        return self.family if self.named_by_family else f"{self.family}{separator}{self.version}"

    def seconds_for(self, *, with_video: bool) -> Seconds:
        """The lengths allowed, given whether there is a reference video."""
        return self.seconds_with_video if with_video and self.seconds_with_video else self.seconds


def variants(base: str, *resolutions: str, **common: Any) -> tuple[ModelSpec, ...]:
    """One entry for each resolution of the model called `base`; `common` is what they share."""
    family, _, version = base.partition("-")
    facts = {"family": family, "version": version, **common}
    return tuple(
        ModelSpec(name=f"{base}-{resolution}", resolution=resolution.upper(), **facts)
        for resolution in resolutions
    )
