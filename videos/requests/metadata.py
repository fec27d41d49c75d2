"""Rules for metadata (contract section 3), except ext_info."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from videos.catalogue import SCENE_TYPES, SWITCH_OWNERS
from videos.requests.draft import ALIASES, Draft
from videos.requests.rules import Rule
from videos.requests.strict_json import fault
from videos.requests.values import is_empty, is_storable, json_object, on_off
from videos.requests.violations import Violation

SWITCH_VALUES = ("Enabled", "Disabled")
INPUT_REGIONS = ("Oversea", "Mainland")
PERSON_GENERATIONS = ("AllowAdult", "Disallowed")
SWITCHES = (
    "OffPeak",
    "AudioGeneration",
    "InputComplianceCheck",
    "OutputComplianceCheck",
    "EnhanceSwitch",
    "LogoAdd",
)
OUTPUT_FIELDS = (
    "OffPeak",
    "AudioGeneration",
    "PersonGeneration",
    "InputComplianceCheck",
    "OutputComplianceCheck",
    "EnhanceSwitch",
    "LogoAdd",
    "Resolution",
)
"""In the order of the contract's table, in which violations are reported."""
KEYS = (
    "negative_prompt",
    "enhance_prompt",
    "input_region",
    "aspect_ratio",
    "scene_type",
    "SceneType",
    "ext_info",
    "ExtInfo",
    "output_config",
    "vidu_q2_object_ids",
    "vidu_q2_voice_map",
)
_IDS = "metadata.vidu_q2_object_ids"
_VOICES = "metadata.vidu_q2_voice_map"
_MAX_SUBJECTS = 7
_SHOWN_KEY_LENGTH = 200
"""Characters of an unknown key that an error shows."""


def keys(draft: Draft) -> Iterator[Violation]:
    """Metadata must be an object without unknown keys, unless their value is empty."""
    if draft.metadata is None:
        detail = fault(draft.body.get("metadata"))
        yield Violation("metadata must be an object", "metadata", Rule.NOT_AN_OBJECT, detail=detail)
    yield from _unknown(draft.metadata, KEYS, "metadata")


def values(draft: Draft) -> Iterator[Violation]:
    """The rule of each key, in the order of the contract's table."""
    for rule in (_negative_prompt, _enhance_prompt, _input_region, _aspect_ratio, _scene_type):
        yield from rule(draft)
    yield from _object_ids(draft)
    yield from _voice_map(draft)


def output_config(draft: Draft) -> Iterator[Violation]:
    """Options of the output; the resolution is set by the model."""
    config = draft.output_config
    if config is None:
        name = "metadata.output_config"
        yield Violation(f"{name} must be an object", name, Rule.NOT_AN_OBJECT)
        return
    for name in OUTPUT_FIELDS:
        if not is_empty(config.get(name)):
            yield from _output_field(draft, name, config[name])
    for violation in _unknown(config, OUTPUT_FIELDS, "output_config"):
        yield replace(violation, param=f"metadata.{violation.param}", allowed=None)


def aspect_ratio(draft: Draft, ratio: Any, param: str) -> Iterator[Violation]:
    """The model must support the ratio in this mode; `param` is the field that sets it."""
    spec = draft.spec
    if spec is None:
        return
    if ratio not in spec.ratios.allowed:
        rule = Rule.RATIO_NOT_ALLOWED if spec.ratios.allowed else Rule.RATIO_NOT_SUPPORTED
        values = {"model": spec.label(" "), "value": ratio}
        values |= {"allowed": spec.ratios.allowed} if spec.ratios.allowed else {}
        yield Violation(spec.ratios.refusal, param, rule, values, allowed=spec.ratios.allowed)
    if spec.ratios.text_to_video_only and draft.image_count:
        message = f"{spec.family} aspect_ratio is only supported for text-to-video"
        yield Violation(message, param, Rule.RATIO_WITH_IMAGES, {"model": spec.label(" ")})


def differing_aliases(draft: Draft, key: str) -> Iterator[Violation]:
    """A violation if a field is given under both of its names with different values."""
    given = [(draft.metadata or {}).get(name) for name in ALIASES[key]]
    first, second = (value if (opened := json_object(value)) is None else opened for value in given)
    if not is_empty(first) and not is_empty(second) and not _same(first, second):
        one, other = (f"metadata.{name}" for name in ALIASES[key])
        values = {"first": one, "second": other}
        yield Violation(f"{one} and {other} differ", other, Rule.NAMES_DIFFER, values)


def _same(first: Any, second: Any) -> bool:
    # As JSON, because in Python True equals 1.
    return json.dumps(first, sort_keys=True) == json.dumps(second, sort_keys=True)


def _unknown(given: Any, known: tuple[str, ...], prefix: str) -> Iterator[Violation]:
    for name, value in (given or {}).items():
        if name not in known and not is_empty(value):
            path = f"{prefix}.{name[:_SHOWN_KEY_LENGTH]}"
            values = {"field": path}
            message = f"{path} is not supported"
            yield Violation(message, path, Rule.FIELD_NOT_SUPPORTED, values, allowed=known)


def _negative_prompt(draft: Draft) -> Iterator[Violation]:
    value, name = draft.meta("negative_prompt"), "metadata.negative_prompt"
    if value is not None and not isinstance(value, str):
        yield Violation(f"{name} must be a string", name, Rule.NOT_TEXT)
    elif not is_storable(value):
        yield Violation(f"{name} contains characters that cannot be stored", name, Rule.NOT_STORABLE)


def _enhance_prompt(draft: Draft) -> Iterator[Violation]:
    value, name = draft.meta("enhance_prompt"), "metadata.enhance_prompt"
    if value is not None and on_off(value) is None:
        message = f"{name} must be Enabled or Disabled"
        yield Violation(message, name, Rule.NOT_ON_OR_OFF, allowed=SWITCH_VALUES)


def _input_region(draft: Draft) -> Iterator[Violation]:
    value, name = draft.meta("input_region"), "metadata.input_region"
    if value is not None and value not in INPUT_REGIONS:
        yield _not_a_choice(f"{name} must be Oversea or Mainland", name, INPUT_REGIONS)


def _aspect_ratio(draft: Draft) -> Iterator[Violation]:
    value = draft.meta("aspect_ratio")
    if value is not None:
        yield from aspect_ratio(draft, value, "metadata.aspect_ratio")


def _scene_type(draft: Draft) -> Iterator[Violation]:
    yield from differing_aliases(draft, "scene_type")
    value = draft.meta("scene_type")
    if value is not None and value not in SCENE_TYPES:
        *first, last = SCENE_TYPES
        message = f"metadata.scene_type must be {', '.join(first)} or {last}"
        yield _not_a_choice(message, draft.meta_name("scene_type"), SCENE_TYPES)


def _not_a_choice(message: str, name: str, allowed: tuple[str, ...]) -> Violation:
    return Violation(message, name, Rule.NOT_A_CHOICE, allowed=allowed)


def _object_ids(draft: Draft) -> Iterator[Violation]:
    ids, spec = draft.meta("vidu_q2_object_ids"), draft.spec
    if ids is None:
        return
    if not isinstance(ids, list):
        yield Violation(f"{_IDS} must be an array", _IDS, Rule.SUBJECTS_NOT_A_LIST)
    elif spec and spec.subjects and len(ids) < min(draft.image_count, _MAX_SUBJECTS):
        message = f"{_IDS} length must match images (at least first 1-7) for Vidu:q2"
        yield Violation(message, _IDS, Rule.TOO_FEW_SUBJECTS)
    if spec and not spec.subjects:
        yield Violation(f"{_IDS} is only supported for Vidu:q2", _IDS, Rule.SUBJECTS_NOT_SUPPORTED)
    if isinstance(ids, list) and not all(map(_is_nonempty_string, ids)):
        yield Violation(f"{_IDS} must contain non-empty strings", _IDS, Rule.SUBJECT_EMPTY)
    if not is_storable(ids):
        yield Violation(f"{_IDS} contains characters that cannot be stored", _IDS, Rule.NOT_STORABLE)


def _voice_map(draft: Draft) -> Iterator[Violation]:
    voices, spec = draft.meta("vidu_q2_voice_map"), draft.spec
    if voices is None:
        return
    if not isinstance(voices, dict):
        yield Violation(f"{_VOICES} must be an object", _VOICES, Rule.NOT_AN_OBJECT)
    if draft.meta("vidu_q2_object_ids") is None:
        yield Violation(f"{_VOICES} requires {_IDS}", _VOICES, Rule.VOICES_WITHOUT_SUBJECTS)
    if spec and not spec.subjects:
        yield Violation(f"{_VOICES} is only supported for Vidu:q2", _VOICES, Rule.VOICES_NOT_SUPPORTED)
    if isinstance(voices, dict) and not all(map(_is_nonempty_string, voices.values())):
        yield Violation(f"{_VOICES} values must be non-empty strings", _VOICES, Rule.VOICE_EMPTY)
    if not is_storable(voices):
        yield Violation(f"{_VOICES} contains characters that cannot be stored", _VOICES, Rule.NOT_STORABLE)


def _is_nonempty_string(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _output_field(draft: Draft, name: str, value: Any) -> Iterator[Violation]:
    label, param = f"output_config.{name}", f"metadata.output_config.{name}"
    if name == "Resolution":
        message = f"{label} is not supported; resolution is set by model"
        yield Violation(message, param, Rule.RESOLUTION_OF_THE_MODEL)
    elif name == "PersonGeneration":
        if value not in PERSON_GENERATIONS:
            yield _not_a_choice(f"{label} must be AllowAdult or Disallowed", param, PERSON_GENERATIONS)
    elif on_off(value) is None:
        message = f"{label} must be Enabled or Disabled"
        yield Violation(message, param, Rule.NOT_ON_OR_OFF, allowed=SWITCH_VALUES)
    owner = SWITCH_OWNERS.get(name)
    if owner and draft.spec and name not in draft.spec.own_switches:
        message = f"{label} is only supported for modelName {owner}"
        yield Violation(message, param, Rule.SWITCH_OF_ANOTHER_MODEL, {"owner": owner})
