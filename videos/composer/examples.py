"""Examples to start from: prompts with the settings and models that suit them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from videos.catalogue import ModelSpec
from videos.composer.body import ON
from videos.composer.fitting import fitted
from videos.composer.picker import default, named


@dataclass(frozen=True)
class Example:
    """A prompt, or shots with their seconds; `models` are those it suits best, best first."""

    name: str
    title: Promise
    seconds: int
    models: Sequence[str]
    prompt: Promise | str = ""
    shots: Sequence[tuple[Promise, int]] = ()
    settings: Mapping[str, str] = field(default_factory=dict)

    def model_among(self, offered: Sequence[ModelSpec]) -> ModelSpec | None:
        """The model on offer that suits best; None if none has shots, and they are needed."""
        able = [spec for spec in offered if spec.elements_and_shots or not self.shots]
        best = (spec for name in self.models if (spec := named(name, able)))
        return next(best, default(able) if able else None)

    def answers_for(self, spec: ModelSpec) -> dict[str, list[str]]:
        """The form filled in, as the model takes it."""
        single = {"model": spec.name, "seconds": str(self.seconds), **self.settings}
        single |= {"multi_shot": ON} if self.shots else {"prompt": str(self.prompt)}
        answers = {name: [value] for name, value in single.items()} | {
            "shot_prompts": [str(prompt) for prompt, _seconds in self.shots],
            "shot_durations": [str(seconds) for _prompt, seconds in self.shots],
        }
        return fitted(answers, spec)[0]


EXAMPLES = (
    Example(
        "lighthouse",
        _("Lighthouse in a storm"),
        5,
        ("Kling-3.0-720p", "Kling-2.6-720p"),
        _(
            "A lighthouse on a rocky coast at dusk, waves crashing against the cliffs, its beam sweeping"
            " through the rain. A slow aerial shot circles the tower. Cinematic, deep blue tones, film grain."
        ),
        settings={"aspect_ratio": "16:9"},
    ),
    Example(
        "perfume",
        _("A product turning"),
        5,
        ("Kling-2.6-1080p", "Kling-3.0-720p"),
        _(
            "A perfume bottle of amber glass turns slowly on wet black stone, drops of water sliding down its"
            " side. Soft studio light from the left, a golden rim of light, macro lens, shallow focus."
        ),
        settings={"aspect_ratio": "1:1"},
    ),
    Example(
        "noodles",
        _("Street food, upright"),
        6,
        ("Vidu-q3-turbo-720p", "Kling-3.0-720p"),
        _(
            "A cook tosses noodles in a flaming wok at a night market, sparks flying, steam in neon light. A"
            " handheld camera moves in close from the front. Vivid colours, fast and lively."
        ),
        settings={"aspect_ratio": "9:16"},
    ),
    Example(
        "violin",
        _("With sound"),
        8,
        ("GV-3.1-fast-720p", "GV-3.1-720p", "Kling-3.0-720p"),
        _(
            "An old man plays the violin alone in an empty railway station in the early morning. The camera"
            " moves slowly towards him. The music echoes from the walls, pigeons take off, a train far away."
        ),
        settings={"aspect_ratio": "16:9", "AudioGeneration": "Enabled"},
    ),
    Example(
        "ink",
        _("Ink painting in motion"),
        5,
        ("Hunyuan-1.5-720p", "Kling-3.0-720p"),
        _(
            "A Chinese ink painting comes to life: mist drifts between the mountains, a small boat glides"
            " over the river, cranes rise from the reeds. The camera pans slowly to the right."
        ),
    ),
    Example(
        "morning",
        _("A story in three shots"),
        10,
        ("Kling-3.0-720p", "Kling-3.0-omni-720p"),
        shots=(
            (_("A cat wakes up on a window sill in the first light of the day and stretches."), 3),
            (_("It jumps down and runs through a narrow lane of an old town, seen from behind."), 3),
            (_("On a roof it stops and looks over the town as the sun rises. Wide shot."), 4),
        ),
        settings={"aspect_ratio": "16:9"},
    ),
)


def offered_examples(offered: Sequence[ModelSpec]) -> Sequence[Example]:
    """Those that a model on offer can make."""
    return [example for example in EXAMPLES if example.model_among(offered)]


def answers_of_example(name: str, offered: Sequence[ModelSpec]) -> dict[str, list[str]] | None:
    """The form filled in with that example; None if there is none of that name."""
    for example in offered_examples(offered):
        if example.name == name and (spec := example.model_among(offered)):
            return example.answers_for(spec)
    return None
