"""Maps violations of the API's rules to fields of the form. Pure functions."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from videos.composer.answers import SHOT_FIELDS, Answers
from videos.composer.body import METADATA_FIELDS, OUTPUT, SINGLE
from videos.requests import Violation

_AT = re.compile(r"\[(\d+)\]")
_ADDITIONAL = re.compile(r"metadata\.(?:ext_info|ExtInfo)\.AdditionalParameters(?:\.(.+))?")
_SHOT_COLUMNS = {"prompt": "shot_prompts", "duration": "shot_durations"}
_EDITORS = {"element_list": "element_ids", "multi_prompt": "shots", "shot_type": "shots"}
_SWITCHES = {"element_ids": "element_ids", "shots": "multi_shot"}
"""The field that tells whether an editor was used."""
_COLUMNS = {"shots": SHOT_FIELDS}
"""The fields of an editor, if they are called otherwise."""
_METADATA = {
    **{f"metadata.{name}": name for name in METADATA_FIELDS},
    **{f"metadata.output_config.{name}": name for name in OUTPUT},
    "metadata.SceneType": "scene_type",
    "metadata.ext_info": "ext_info",
    "metadata.ExtInfo": "ext_info",
    "metadata.vidu_q2_object_ids": "subjects",
    "metadata.vidu_q2_voice_map": "voices",
}
NON_FIELD = "__all__"
"""Django's name for errors that belong to no single field."""


@dataclass(frozen=True)
class FieldPlace:
    """A field and one of its slots; None means the field as a whole."""

    field: str
    slot: int | None = None


def place_of(violation: Violation, answers: Answers) -> FieldPlace:
    """The field at which to show the violation."""
    param = violation.param or ""
    found = _AT.search(param)
    position = int(found[1]) if found else None
    base = param[: found.start()] if found else param
    if base in ("images", "videos"):
        return FieldPlace(base, None if position is None else _slot(answers.get(base, ()), position))
    if inner := _ADDITIONAL.fullmatch(param):
        return _within_additional(inner[1] or "", position, answers)
    return FieldPlace(_METADATA.get(param, param if param in SINGLE else NON_FIELD))


def is_begun(place: FieldPlace, answers: Answers, touched: Collection[str]) -> bool:
    """Whether something was filled in there, or an input was touched, whose names are `touched`."""
    names = _COLUMNS.get(place.field, (place.field,))
    if place.slot is not None:
        values = answers.get(place.field, ())
        is_filled = place.slot < len(values) and bool(values[place.slot])
        return is_filled or f"{place.field}-{place.slot}" in touched
    return any(map(any, (answers.get(name, ()) for name in names))) or any(
        name.partition("-")[0] in names for name in touched
    )


def _within_additional(path: str, position: int | None, answers: Answers) -> FieldPlace:
    """The editor that was used, or else the field for JSON."""
    name, column = re.split(r"[.\[]", path)[0], path.rpartition(".")[2]
    editor = _EDITORS.get(name, "")
    if not any(answers.get(_SWITCHES.get(editor, ""), ())):
        return FieldPlace("additional")
    if position is not None and column in _SHOT_COLUMNS:
        return FieldPlace(_SHOT_COLUMNS[column], position)
    return FieldPlace(editor)


def _slot(values: Sequence[str], position: int) -> int:
    """The slot of the item at `position` when empty slots are not counted."""
    filled = [slot for slot, value in enumerate(values) if value]
    return filled[position] if position < len(filled) else position
