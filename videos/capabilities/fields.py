"""JSON Schemas of single fields of a request, for one model or for all."""

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from videos.catalogue import SCENE_TYPES, SWITCH_OWNERS, ModelSpec, Seconds
from videos.requests.media import MAX_URL, MAX_VIDEOS
from videos.requests.metadata import INPUT_REGIONS, OUTPUT_FIELDS, PERSON_GENERATIONS, SWITCH_VALUES, SWITCHES
from videos.requests.parsing import MAX_PROMPT
from videos.requests.shots import MAX_SHOT_PROMPT, MAX_SHOTS, REFERENCES
from videos.requests.strict_json import MOST_ITEMS

Schema = dict[str, Any]
EMPTY: Schema = {"enum": [None, "", [], {}]}
"""What counts as absent."""
NOTHING: Schema = {"not": {}}
"""What no value is."""
SWITCH: Schema = {"enum": [*SWITCH_VALUES, True, False]}
_WEB_URL = r"[Hh][Tt][Tt][Pp][Ss]?://[^\s\u0000-\u001f\u007f/?#][^\s\u0000-\u001f\u007f]*"
_FILE_ID = "file_[0-9a-f]{32}"
_AMOUNT = r"^[0-9]{1,12}(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,2})?$"
_ANY_TEXT, _NOT_BLANK = r"^[^\u0000]*$", r"^[^\u0000]*[^\s\u0000][^\u0000]*$"
_POSITIVE: Schema = {
    "anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "pattern": "^[1-9][0-9]{0,17}$"}]
}
_NOT_EMPTY: Schema = {"type": "string", "minLength": 1}
_LARGEST_AMOUNT = 999_999_999_999


def text(longest: int | None = None) -> Schema:
    """Text that is not blank, of at most so many characters."""
    limit = {} if longest is None else {"maxLength": longest}
    return {"type": "string", **limit, "pattern": _NOT_BLANK}


def seconds(allowed: Seconds) -> Schema:
    """The lengths, as numbers and as text."""
    return {"enum": [*allowed.allowed, *map(str, allowed.allowed)]}


def prompt() -> Schema:
    """The prompt."""
    return {**text(MAX_PROMPT), "description": "What the video shows."}


def urls(most: int, description: str) -> Schema:
    """Addresses or ids of uploaded files."""
    item = {"type": "string", "maxLength": MAX_URL, "pattern": f"^({_WEB_URL}|{_FILE_ID})$"}
    return {"type": "array", "minItems": 1, "maxItems": most, "items": item, "description": description}


def inputs(spec: ModelSpec) -> Schema:
    """The fields for images and videos that the model has."""
    images = {"images": urls(spec.max_images, "Their order matters.")} if spec.max_images else {}
    videos = {"videos": urls(MAX_VIDEOS, "The reference video.")} if spec.elements_and_shots else {}
    return images | videos


def max_cost() -> Schema:
    """An amount of money."""
    return {
        "description": "The most that the video may cost.",
        "anyOf": [
            {"type": "number", "minimum": 0, "maximum": _LARGEST_AMOUNT},
            {"type": "string", "pattern": _AMOUNT},
        ],
    }


def sizes(spec: ModelSpec) -> Iterator[tuple[str, str]]:
    """Each size of a frame that the model makes, such as `1280x720`, and its aspect ratio."""
    shorter = int(spec.resolution.rstrip("P"))
    for ratio in spec.ratios.allowed:
        width, height = map(int, ratio.split(":"))
        if shorter % min(width, height) == 0 and math.gcd(width, height) == 1:
            scale = shorter // min(width, height)
            yield f"{width * scale}x{height * scale}", ratio


def size(spec: ModelSpec) -> Schema:
    """The field for the size, if the model has aspect ratios."""
    allowed = [size for size, _ in sizes(spec)]
    return {"size": {"enum": allowed, "description": "Says aspect_ratio in other words."}} if allowed else {}


def metadata(spec: ModelSpec) -> Schema:
    """The metadata of a model."""
    return closed(
        {
            "negative_prompt": {"type": "string", "pattern": _ANY_TEXT},
            "enhance_prompt": SWITCH,
            "input_region": {"enum": [*INPUT_REGIONS]},
            **_optional("aspect_ratio", spec.ratios.allowed),
            "scene_type": {"enum": [*SCENE_TYPES]},
            "ext_info": _ext_info(spec),
            "output_config": output_config(_outputs_of(spec)),
            **(_subjects() if spec.subjects else {}),
        }
    ) | ({"dependentRequired": {"vidu_q2_voice_map": ["vidu_q2_object_ids"]}} if spec.subjects else {})


def closed(properties: Schema) -> Schema:
    """An object with these properties and no others."""
    return {"type": "object", "additionalProperties": False, "properties": properties}


def output_config(names: Iterable[str]) -> Schema:
    """An object of these fields of `output_config`."""
    return closed({name: SWITCH if name in SWITCHES else {"enum": [*PERSON_GENERATIONS]} for name in names})


def _outputs_of(spec: ModelSpec) -> Iterator[str]:
    foreign = {*SWITCH_OWNERS} - spec.own_switches
    return (name for name in OUTPUT_FIELDS if name not in foreign and name != "Resolution")


def _optional(name: str, allowed: Sequence[str]) -> Schema:
    return {name: {"enum": [*allowed]}} if allowed else {}


def _subjects() -> Schema:
    names = {"type": "array", "minItems": 1, "maxItems": MOST_ITEMS, "items": _NOT_EMPTY}
    voices = {
        "type": "object",
        "minProperties": 1,
        "maxProperties": MOST_ITEMS,
        "additionalProperties": _NOT_EMPTY,
    }
    return {"vidu_q2_object_ids": names, "vidu_q2_voice_map": voices}


def _ext_info(spec: ModelSpec) -> Schema:
    opened: Schema = {"type": "object", "maxProperties": MOST_ITEMS}
    if spec.elements_and_shots:
        opened |= {"properties": {"element_list": _elements()}}
    as_text = {"type": "string", "contentMediaType": "application/json"}
    return {
        "type": "object",
        "maxProperties": MOST_ITEMS,
        "properties": {"AdditionalParameters": {"anyOf": [opened, as_text]}},
    }


def _elements() -> Schema:
    return {"anyOf": [{"type": "array", "maxItems": REFERENCES}, EMPTY]}


def shot_list() -> Schema:
    """The shots that replace the prompt."""
    shot = {
        "type": "object",
        "required": ["index", "prompt", "duration"],
        "properties": {"index": _POSITIVE, "prompt": text(MAX_SHOT_PROMPT), "duration": _POSITIVE},
    }
    return {"type": "array", "minItems": 1, "maxItems": MAX_SHOTS, "items": shot}
