"""From the fields of the form to the body a program would post, and back. Pure.

A form sends texts alone, and some fields several times (`MANY`). What is left empty is left out of the body.
Shots and elements are `AdditionalParameters` to the API (contract section 4); what else stands there is
written as JSON.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest
from typing import Any

from videos.requests.metadata import OUTPUT_FIELDS
from videos.requests.strict_json import dumps, loads
from videos.requests.values import whole_number

Answers = Mapping[str, Sequence[str]]
"""What was filled in: the values of each field, by its name."""

TOP = ("model", "seconds", "prompt", "max_cost")
META = ("negative_prompt", "enhance_prompt", "input_region", "aspect_ratio", "scene_type")
OUTPUT = tuple(name for name in OUTPUT_FIELDS if name != "Resolution")
MANY = ("images", "subjects", "voices", "videos", "shot_prompts", "shot_durations", "elements")
"""Fields that are sent several times; the values of one slot or shot stand at the same place."""
JSON_TEXTS = ("additional", "ext_info")
SINGLE = (*TOP, *META, *OUTPUT, "multi_shot", *JSON_TEXTS)
ON = "true"
"""What a box that is ticked sends."""


def body_of(answers: Answers) -> dict[str, Any]:
    """The body that asks for what was filled in. Nothing is checked here: that is the API's to do."""
    body: dict[str, Any] = {name: _one(answers, name) for name in TOP}
    body |= {"images": _filled(answers, "images"), "videos": _filled(answers, "videos")}
    return _given(body | {"metadata": _metadata(answers)})


def answers_of(body: Mapping[str, Any]) -> dict[str, list[str]]:
    """What to fill in to ask for the same video; what the form has no field for is missing."""
    metadata = _object(body.get("metadata"))
    output = _object(metadata.get("output_config"))
    ext_info = _object(metadata.get("ext_info"))
    single = {name: body.get(name) for name in TOP}
    single |= {name: metadata.get(name) for name in META}
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
    pairs = [pair for pair in _pairs(answers) if any(pair)]
    subjects = [subject for _, subject, _ in pairs]
    voices = {subject: voice for _, subject, voice in pairs if voice}
    return _given(
        {
            **{name: _one(answers, name) for name in META},
            "ext_info": _ext_info(answers),
            "output_config": _given({name: _one(answers, name) for name in OUTPUT}),
            "vidu_q2_object_ids": _up_to_the_last(subjects),
            "vidu_q2_voice_map": voices,
        }
    )


def _ext_info(answers: Answers) -> Any:
    further = _one(answers, "ext_info")
    opened = _opened(further) if further else {}
    if not isinstance(opened, dict):
        return further
    return _given({**opened, "AdditionalParameters": _additional(answers)})


def _additional(answers: Answers) -> Any:
    """The parameters of the editors and those written as JSON, as one object; what is no JSON, as it is."""
    text = _one(answers, "additional")
    opened = _opened(text) if text else {}
    if not isinstance(opened, dict):
        return text
    return {**opened, **_elements(answers), **_shots(answers)}


def _elements(answers: Answers) -> dict[str, Any]:
    elements = [{"element_id": _number(text)} for text in _filled(answers, "elements")]
    return {"element_list": elements} if elements else {}


def _shots(answers: Answers) -> dict[str, Any]:
    """The shot list, while it is switched on: with the shots in the order they stand in."""
    if _one(answers, "multi_shot") != ON:
        return {}
    rows = zip_longest(_many(answers, "shot_prompts"), _many(answers, "shot_durations"), fillvalue="")
    shots = [
        {"index": index, "prompt": prompt, "duration": _number(duration)}
        for index, (prompt, duration) in enumerate(rows, start=1)
    ]
    return {"multi_shot": True, "shot_type": "customize", "multi_prompt": shots}


def _pairs(answers: Answers) -> list[tuple[str, str, str]]:
    """What stands in each slot for an image: its URL, the subject it shows, and that one's voice."""
    columns = (_many(answers, name) for name in ("images", "subjects", "voices"))
    return [(image, subject, voice) for image, subject, voice in zip_longest(*columns, fillvalue="")]


def _slots(body: Mapping[str, Any], metadata: Mapping[str, Any]) -> dict[str, list[str]]:
    images, subjects = _texts(body.get("images")), _texts(metadata.get("vidu_q2_object_ids"))
    voices = _object(metadata.get("vidu_q2_voice_map"))
    of_subjects = [_text(voices.get(name, "")) for name in subjects]
    slots = {"images": images, "subjects": subjects, "voices": of_subjects}
    return {name: values for name, values in slots.items() if values}


def _additional_answers(given: Any) -> dict[str, list[str]]:
    opened = _opened(given) if isinstance(given, str) else given
    if not isinstance(opened, dict):
        return {} if given is None else {"additional": [_text(given)]}
    rest = dict(opened)
    answers = _element_answers(rest) | _shot_answers(rest)
    return answers | ({"additional": [dumps(rest)]} if rest else {})


def _element_answers(rest: dict[str, Any]) -> dict[str, list[str]]:
    """The elements, taken out of `rest` if the editor can show them all."""
    elements = rest.get("element_list")
    if not elements or not _all_have(elements, {"element_id"}):
        return {}
    del rest["element_list"]
    return {"elements": [_text(element["element_id"]) for element in elements]}


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


def _many(answers: Answers, name: str) -> list[str]:
    return [_with_plain_lines(text) for text in answers.get(name, ())]


def _filled(answers: Answers, name: str) -> list[str]:
    return [text for text in _many(answers, name) if text]


def _one(answers: Answers, name: str) -> str:
    return next(reversed(_many(answers, name)), "")


def _with_plain_lines(text: str) -> str:
    # Browsers send line ends as two characters, of which one was typed.
    return text.replace("\r\n", "\n")


def _up_to_the_last(texts: list[str]) -> list[str]:
    """Without the empty ones at the end."""
    while texts and not texts[-1]:
        texts = texts[:-1]
    return texts


def _given(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value not in ("", [], {})}


def _number(text: str) -> int | str:
    """A whole number as such, whatever its size; any other text as it stands, for the API to refuse."""
    number = whole_number(text)
    return text if number is None else number


def _opened(text: str) -> Any:
    try:
        return loads(text)
    except ValueError:
        return None


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _texts(value: Any) -> list[str]:
    """The items of an array of texts; none of anything else."""
    return value if isinstance(value, list) and all(isinstance(item, str) for item in value) else []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else dumps(value)


def names() -> Iterable[str]:
    """Every field there is."""
    return (*SINGLE, *MANY)
