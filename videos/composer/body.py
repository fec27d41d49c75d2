"""Converts the form's fields to the body that a program would post, and back. Pure functions.

Empty fields are omitted. Shots and elements are `AdditionalParameters` (contract section 4), whose other
parameters are entered as JSON.
"""

from collections.abc import Iterable, Mapping
from itertools import zip_longest
from typing import Any

from videos.composer.answers import IMAGE_FIELDS, REPEATED_FIELDS, SHOT_FIELDS, Answers, filled, many, one
from videos.requests.metadata import OUTPUT_FIELDS
from videos.requests.strict_json import dumps, loads
from videos.requests.values import whole_number

TOP_FIELDS = ("model", "seconds", "prompt", "max_cost")
METADATA_FIELDS = ("negative_prompt", "enhance_prompt", "input_region", "aspect_ratio", "scene_type")
OUTPUT = tuple(name for name in OUTPUT_FIELDS if name != "Resolution")
JSON_TEXTS = ("additional", "ext_info")
SINGLE = (*TOP_FIELDS, *METADATA_FIELDS, *OUTPUT, "multi_shot", *JSON_TEXTS)
ON = "true"
"""The value of a ticked checkbox."""


def body_of(answers: Answers) -> dict[str, Any]:
    """The body for these answers, which the API's code validates later."""
    body: dict[str, Any] = {name: one(answers, name) for name in TOP_FIELDS}
    body |= {"images": filled(answers, "images"), "videos": filled(answers, "videos")}
    return _without_empty(body | {"metadata": _metadata(answers)})


def answers_of(body: Mapping[str, Any]) -> dict[str, list[str]]:
    """The answers that request the same video; anything without a field is left out."""
    metadata = _object(body.get("metadata"))
    output = _object(metadata.get("output_config"))
    ext_info = _object(metadata.get("ext_info"))
    single = {name: body.get(name) for name in TOP_FIELDS}
    single |= {name: metadata.get(name) for name in METADATA_FIELDS}
    single |= {name: output.get(name) for name in OUTPUT}
    answers = {name: [_text(value)] for name, value in single.items() if value is not None}
    rest = {name: value for name, value in ext_info.items() if name != "AdditionalParameters"}
    return {
        **answers,
        **_slots(body, metadata),
        "videos": _texts(body.get("videos")),
        **_additional_answers(ext_info.get("AdditionalParameters")),
        **({"ext_info": [dumps(rest)]} if rest else {}),
    }


def _metadata(answers: Answers) -> dict[str, Any]:
    slots = [slot for slot in _image_slots(answers) if any(slot)]
    subjects = [subject for _, subject, _ in slots]
    voices = {subject: voice for _, subject, voice in slots if voice}
    return _without_empty(
        {
            **{name: one(answers, name) for name in METADATA_FIELDS},
            "ext_info": _ext_info(answers),
            "output_config": _without_empty({name: one(answers, name) for name in OUTPUT}),
            "vidu_q2_object_ids": _without_trailing_empty(subjects),
            "vidu_q2_voice_map": voices,
        }
    )


def _ext_info(answers: Answers) -> Any:
    text = one(answers, "ext_info")
    parsed = _parse(text) if text else {}
    if not isinstance(parsed, dict):
        return text
    return _without_empty({**parsed, "AdditionalParameters": _additional(answers)})


def _additional(answers: Answers) -> Any:
    """The editors' parameters merged with those entered as JSON; the text itself if it is no JSON object."""
    text = one(answers, "additional")
    parsed = _parse(text) if text else {}
    if not isinstance(parsed, dict):
        return text
    return {**parsed, **_elements(answers), **_shots(answers)}


def _elements(answers: Answers) -> dict[str, Any]:
    elements = [{"element_id": _number(text)} for text in filled(answers, "element_ids")]
    return {"element_list": elements} if elements else {}


def _shots(answers: Answers) -> dict[str, Any]:
    """The shots, numbered in order, if the shot list is switched on."""
    if one(answers, "multi_shot") != ON:
        return {}
    rows = zip_longest(*(many(answers, name) for name in SHOT_FIELDS), fillvalue="")
    shots = [
        {"index": index, "prompt": prompt, "duration": _number(duration)}
        for index, (prompt, duration) in enumerate(rows, start=1)
    ]
    return {"multi_shot": True, "shot_type": "customize", "multi_prompt": shots}


def _image_slots(answers: Answers) -> list[tuple[str, str, str]]:
    """The URL, subject and voice of each image slot."""
    columns = (many(answers, name) for name in IMAGE_FIELDS)
    return [(image, subject, voice) for image, subject, voice in zip_longest(*columns, fillvalue="")]


def _slots(body: Mapping[str, Any], metadata: Mapping[str, Any]) -> dict[str, list[str]]:
    images, subjects = _texts(body.get("images")), _texts(metadata.get("vidu_q2_object_ids"))
    voices = _object(metadata.get("vidu_q2_voice_map"))
    of_subjects = [_text(voices.get(name, "")) for name in subjects]
    slots = {"images": images, "subjects": subjects, "voices": of_subjects}
    return {name: values for name, values in slots.items() if values}


def _additional_answers(value: Any) -> dict[str, list[str]]:
    parsed = _parse(value) if isinstance(value, str) else value
    if not isinstance(parsed, dict):
        return {} if value is None else {"additional": [_text(value)]}
    rest = dict(parsed)
    answers = _element_answers(rest) | _shot_answers(rest)
    return answers | ({"additional": [dumps(rest)]} if rest else {})


def _element_answers(rest: dict[str, Any]) -> dict[str, list[str]]:
    """The elements, taken out of `rest` if the editor can show them all."""
    elements = rest.get("element_list")
    if not elements or not _all_have(elements, {"element_id"}):
        return {}
    del rest["element_list"]
    return {"element_ids": [_text(element["element_id"]) for element in elements]}


def _shot_answers(rest: dict[str, Any]) -> dict[str, list[str]]:
    """The shots, taken out of `rest` if the editor can show them all."""
    shots = rest.get("multi_prompt")
    is_on = rest.get("multi_shot") in (True, ON) and rest.get("shot_type") == "customize"
    if not is_on or not shots or not _all_have(shots, {"index", "prompt", "duration"}):
        return {}
    for name in ("multi_shot", "shot_type", "multi_prompt"):
        del rest[name]
    ordered = sorted(shots, key=lambda shot: whole_number(shot["index"]) or 0)
    return {
        "multi_shot": [ON],
        "shot_prompts": [_text(shot["prompt"]) for shot in ordered],
        "shot_durations": [_text(shot["duration"]) for shot in ordered],
    }


def _all_have(items: Any, names: set[str]) -> bool:
    return isinstance(items, list) and all(isinstance(item, dict) and set(item) == names for item in items)


def _without_trailing_empty(texts: list[str]) -> list[str]:
    while texts and not texts[-1]:
        texts = texts[:-1]
    return texts


def _without_empty(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value not in ("", [], {})}


def _number(text: str) -> int | str:
    """An integer of any size; any other text is returned unchanged, for the API to refuse."""
    number = whole_number(text)
    return text if number is None else number


def _parse(text: str) -> Any:
    try:
        return loads(text)
    except ValueError:
        return None


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _texts(value: Any) -> list[str]:
    """The value if it is a list of strings, else an empty list."""
    return value if isinstance(value, list) and all(isinstance(item, str) for item in value) else []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else dumps(value)


def names() -> Iterable[str]:
    """The names of all fields."""
    return (*SINGLE, *REPEATED_FIELDS)
