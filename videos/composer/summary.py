"""What a request asks for, in short: its shots in order, and its prompts in one line."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from django.utils.text import Truncator

from videos.composer.body import answers_of

LONGEST_TITLE = 90
"""Characters."""


class ShotText(NamedTuple):
    """A shot as it was asked for."""

    prompt: str
    seconds: str


def shots_of(request: Mapping[str, Any]) -> Sequence[ShotText]:
    """The shots of a request in order; empty if it has none."""
    answers = answers_of(request)
    return [
        ShotText(*shot)
        for shot in zip(answers.get("shot_prompts", ()), answers.get("shot_durations", ()), strict=True)
    ]


def title_of(request: Mapping[str, Any], shots: Sequence[ShotText]) -> str:
    """The prompt, or else those of the shots, in one line and clipped; empty without any."""
    text = str(request.get("prompt") or " / ".join(shot.prompt for shot in shots))
    return Truncator(" ".join(text.split())).chars(LONGEST_TITLE)


def asked_for(request: Mapping[str, Any]) -> dict[str, Any]:
    """Template context of a task's page: its title and its shots."""
    shots = shots_of(request)
    return {"headline": title_of(request, shots), "shots": shots}
