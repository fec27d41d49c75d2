"""The submitted values of the form, by field. A form sends only text, and some fields repeatedly."""

from collections.abc import Mapping, Sequence

Answers = Mapping[str, Sequence[str]]

IMAGE_FIELDS = ("images", "subjects", "voices")
SHOT_FIELDS = ("shot_prompts", "shot_durations")
ELEMENT_FIELDS = ("element_ids",)
REPEATED_FIELDS = (*IMAGE_FIELDS, "videos", *SHOT_FIELDS, *ELEMENT_FIELDS)
"""The values of one image or shot have the same position in each of its fields."""


def many(answers: Answers, name: str) -> list[str]:
    """All values of a field, with plain line ends: browsers send CRLF."""
    return [text.replace("\r\n", "\n") for text in answers.get(name, ())]


def filled(answers: Answers, name: str) -> list[str]:
    """The values of a field that are not empty."""
    return [text for text in many(answers, name) if text]


def one(answers: Answers, name: str) -> str:
    """The last value of a field; empty if there is none."""
    return next(reversed(many(answers, name)), "")
