"""Rules for ext_info, and for what Kling O1, 3.0 and 3.0-Omni use of it (contract sections 3 and 4)."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from videos.requests.draft import Draft
from videos.requests.files import LABELS, fault_of, ids_in
from videos.requests.metadata import differing_aliases
from videos.requests.rules import Rule, Values
from videos.requests.strict_json import fault
from videos.requests.values import is_blank, is_empty, is_storable, whole_number
from videos.requests.violations import Violation

REFERENCES_WITH_VIDEO = 4
REFERENCES = 7
ELEMENTS_WITH_FIRST_FRAME = 3
MAX_SHOTS = 6
MAX_SHOT_PROMPT = 512
"""Characters."""


class _ShotRule(NamedTuple):
    """A rule for one field of each shot."""

    field: str
    is_valid: Callable[[Any], bool]
    words: str
    """The contract's, behind the name of the field."""
    rule: Rule
    values: Values = {}


def ext_info(draft: Draft) -> Iterator[Violation]:
    """An object or a JSON string of one, as is its `AdditionalParameters`."""
    yield from differing_aliases(draft, "ext_info")
    name = draft.meta_name("ext_info")
    if draft.ext_info is None:
        detail = fault(draft.meta("ext_info"))
        message = "metadata.ext_info must be a JSON string or object"
        yield Violation(message, name, Rule.NOT_AN_OBJECT, detail=detail)
    elif draft.additional is None:
        message = "metadata.ext_info.AdditionalParameters must be a JSON object"
        detail = fault((draft.ext_info or {}).get("AdditionalParameters"))
        yield Violation(message, f"{name}.AdditionalParameters", Rule.NOT_AN_OBJECT, detail=detail)
    texts = (draft.meta("ext_info"), draft.ext_info, draft.additional)
    if not all(map(is_storable, texts)):
        message = "metadata.ext_info contains characters that cannot be stored"
        yield Violation(message, name, Rule.NOT_STORABLE)


def files_in_parameters(draft: Draft) -> Iterator[Violation]:
    """Files that `AdditionalParameters` names must exist; which kind is wanted there only upstream knows."""
    kinds = draft.files
    for file_id in ids_in(draft.additional) if kinds is not None else ():
        if found := fault_of(file_id, kinds or {}, LABELS):
            yield Violation.of(found, _path(draft), name="metadata.ext_info.AdditionalParameters")


def elements_and_shots(draft: Draft) -> Iterator[Violation]:
    """References and elements share one limit; the durations of the shots must add up to `seconds`."""
    if draft.spec is None or not draft.spec.elements_and_shots:
        return
    yield from _references(draft)
    if draft.additional is not None:
        yield from _shot_list(draft) if draft.is_multi_shot else _no_shots(draft)


def _path(draft: Draft, *parts: str) -> str:
    return ".".join((draft.meta_name("ext_info"), "AdditionalParameters", *parts))


def _references(draft: Draft) -> Iterator[Violation]:
    limit = REFERENCES_WITH_VIDEO if draft.has_video else REFERENCES
    elements = (draft.additional or {}).get("element_list")
    element_count = len(elements) if isinstance(elements, list) else 0
    where = _path(draft, "element_list")
    if draft.image_count > limit:
        message = f"Reference images must not exceed {limit}"
        yield Violation(message, "images", Rule.TOO_MANY_REFERENCES, {"most": limit})
    if draft.image_count + element_count > limit:
        message, place = (
            f"images + element_list must not exceed {limit}",
            where if element_count else "images",
        )
        yield Violation(message, place, Rule.TOO_MANY_REFERENCES_AND_ELEMENTS, {"most": limit})
    first_frame = draft.image_count == 1 and not draft.has_video
    if first_frame and element_count > ELEMENTS_WITH_FIRST_FRAME:
        message = f"element_list supports at most {ELEMENTS_WITH_FIRST_FRAME} elements"
        yield Violation(message, where, Rule.TOO_MANY_ELEMENTS, {"most": ELEMENTS_WITH_FIRST_FRAME})
    if not is_empty(elements) and not isinstance(elements, list):
        yield Violation("element_list must be an array", where, Rule.ELEMENTS_NOT_A_LIST)


def _no_shots(draft: Draft) -> Iterator[Violation]:
    additional = draft.additional or {}
    if not is_empty(additional.get("shot_type")):
        message = "shot_type must not be provided"
        yield Violation(message, _path(draft, "shot_type"), Rule.SHOT_TYPE_WITHOUT_SHOTS)
    if not is_empty(additional.get("multi_prompt")):
        message = "Non-empty multi_prompt must not be provided"
        yield Violation(message, _path(draft, "multi_prompt"), Rule.SHOTS_SWITCHED_OFF)


def _shot_list(draft: Draft) -> Iterator[Violation]:
    additional = draft.additional or {}
    given, where = additional.get("multi_prompt"), _path(draft, "multi_prompt")
    if additional.get("shot_type") != "customize":
        place, message = _path(draft, "shot_type"), "shot_type must be customize"
        yield Violation(message, place, Rule.SHOT_TYPE_MISSING, allowed=("customize",))
    if not is_empty(given) and not isinstance(given, list):
        yield Violation("multi_prompt must be an array", where, Rule.SHOTS_NOT_A_LIST)
    elif not 1 <= len(draft.shots) <= MAX_SHOTS:
        message = f"multi_prompt must contain 1-{MAX_SHOTS} items"
        yield Violation(message, where, Rule.SHOT_COUNT, {"most": MAX_SHOTS})
    yield from _shot_fields(draft, where)


def _shot_fields(draft: Draft, where: str) -> Iterator[Violation]:
    for rule in _SHOT_RULES:
        yield from _each_shot(draft, where, rule)
    if (total := draft.seconds) is not None:
        message = "must not exceed the total task duration"
        most = {"most": total}
        yield from _each_shot(
            draft, where, _ShotRule("duration", _at_most(total), message, Rule.SHOT_TOO_LONG, most)
        )
        yield from _sum(draft, total, where)
    yield from _each_shot(draft, where, _HAS_PROMPT)


def _each_shot(draft: Draft, where: str, rule: _ShotRule) -> Iterator[Violation]:
    for position, shot in enumerate(draft.shots):
        value = shot.get(rule.field) if isinstance(shot, dict) else None
        if not rule.is_valid(value):
            message, place = (
                f"Each multi_prompt.{rule.field} {rule.words}",
                f"{where}[{position}].{rule.field}",
            )
            yield Violation(message, place, rule.rule, rule.values)


def _sum(draft: Draft, total: int, where: str) -> Iterator[Violation]:
    durations = [whole_number(shot.get("duration")) for shot in draft.shots if isinstance(shot, dict)]
    known = [duration for duration in durations if duration is not None]
    if draft.shots and len(known) == len(draft.shots) and sum(known) != total:
        message = "The sum of all multi_prompt.duration values must equal seconds"
        values = {"total": sum(known), "seconds": total}
        yield Violation(message, where, Rule.SHOTS_NOT_THE_LENGTH, values)


def _is_short_enough(prompt: Any) -> bool:
    return not isinstance(prompt, str) or len(prompt) <= MAX_SHOT_PROMPT


def _is_nonblank_text(prompt: Any) -> bool:
    return isinstance(prompt, str) and not is_blank(prompt)


def _is_positive(value: Any) -> bool:
    number = whole_number(value)
    return number is not None and number >= 1


def _at_most(total: int) -> Callable[[Any], bool]:
    def is_valid(value: Any) -> bool:
        number = whole_number(value)
        return number is None or number <= total

    return is_valid


_LEAST = "must be greater than or equal to 1"
_SHOT_RULES = (
    _ShotRule(
        "prompt",
        _is_short_enough,
        f"must not exceed {MAX_SHOT_PROMPT} characters",
        Rule.SHOT_PROMPT_TOO_LONG,
        {"most": MAX_SHOT_PROMPT},
    ),
    _ShotRule("index", _is_positive, _LEAST, Rule.SHOT_INDEX),
    _ShotRule("duration", _is_positive, _LEAST, Rule.SHOT_TOO_SHORT),
)
"""In the contract's order; what follows them depends on the length of the video."""
_HAS_PROMPT = _ShotRule("prompt", _is_nonblank_text, "must be a non-empty string", Rule.SHOT_PROMPT_MISSING)
