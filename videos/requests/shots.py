"""Rules for ext_info, and for what Kling O1, 3.0 and 3.0-Omni use of it (contract sections 3 and 4)."""

from collections.abc import Callable, Iterator
from typing import Any

from videos.requests.draft import Draft
from videos.requests.files import LABELS, ids_in, problem
from videos.requests.metadata import differing_aliases
from videos.requests.strict_json import fault
from videos.requests.values import is_blank, is_empty, is_storable, whole_number
from videos.requests.violations import Violation

REFERENCES_WITH_VIDEO = 4
REFERENCES = 7
ELEMENTS_WITH_FIRST_FRAME = 3
MAX_SHOTS = 6
MAX_SHOT_PROMPT = 512
"""Characters."""


def ext_info(draft: Draft) -> Iterator[Violation]:
    """An object or a JSON string of one, as is its `AdditionalParameters`."""
    yield from differing_aliases(draft, "ext_info")
    name = draft.meta_name("ext_info")
    if draft.ext_info is None:
        detail = fault(draft.meta("ext_info"))
        yield Violation("metadata.ext_info must be a JSON string or object", name, detail=detail)
    elif draft.additional is None:
        message = "metadata.ext_info.AdditionalParameters must be a JSON object"
        detail = fault((draft.ext_info or {}).get("AdditionalParameters"))
        yield Violation(message, f"{name}.AdditionalParameters", detail=detail)
    texts = (draft.meta("ext_info"), draft.ext_info, draft.additional)
    if not all(map(is_storable, texts)):
        yield Violation("metadata.ext_info contains characters that cannot be stored", name)


def files_in_parameters(draft: Draft) -> Iterator[Violation]:
    """Files that `AdditionalParameters` names must exist; which kind is wanted there only upstream knows."""
    kinds = draft.files
    for file_id in ids_in(draft.additional) if kinds is not None else ():
        if why := problem(file_id, kinds or {}, LABELS):
            yield Violation(f"metadata.ext_info.AdditionalParameters {why}", _path(draft))


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
        yield Violation(f"Reference images must not exceed {limit}", "images")
    if draft.image_count + element_count > limit:
        yield Violation(
            f"images + element_list must not exceed {limit}", where if element_count else "images"
        )
    first_frame = draft.image_count == 1 and not draft.has_video
    if first_frame and element_count > ELEMENTS_WITH_FIRST_FRAME:
        yield Violation(f"element_list supports at most {ELEMENTS_WITH_FIRST_FRAME} elements", where)
    if not is_empty(elements) and not isinstance(elements, list):
        yield Violation("element_list must be an array", where)


def _no_shots(draft: Draft) -> Iterator[Violation]:
    additional = draft.additional or {}
    if not is_empty(additional.get("shot_type")):
        yield Violation("shot_type must not be provided", _path(draft, "shot_type"))
    if not is_empty(additional.get("multi_prompt")):
        yield Violation("Non-empty multi_prompt must not be provided", _path(draft, "multi_prompt"))


def _shot_list(draft: Draft) -> Iterator[Violation]:
    additional = draft.additional or {}
    given, where = additional.get("multi_prompt"), _path(draft, "multi_prompt")
    if additional.get("shot_type") != "customize":
        yield Violation("shot_type must be customize", _path(draft, "shot_type"), allowed=("customize",))
    if not is_empty(given) and not isinstance(given, list):
        yield Violation("multi_prompt must be an array", where)
    elif not 1 <= len(draft.shots) <= MAX_SHOTS:
        yield Violation(f"multi_prompt must contain 1-{MAX_SHOTS} items", where)
    yield from _shot_fields(draft, where)


def _shot_fields(draft: Draft, where: str) -> Iterator[Violation]:
    total = draft.seconds
    yield from _each_shot(
        draft, where, "prompt", _is_short_enough, f"must not exceed {MAX_SHOT_PROMPT} characters"
    )
    yield from _each_shot(draft, where, "index", _is_positive, "must be greater than or equal to 1")
    yield from _each_shot(draft, where, "duration", _is_positive, "must be greater than or equal to 1")
    if total is not None:
        yield from _each_shot(
            draft, where, "duration", _at_most(total), "must not exceed the total task duration"
        )
        yield from _sum(draft, total, where)
    yield from _each_shot(draft, where, "prompt", _is_nonblank_text, "must be a non-empty string")


def _each_shot(
    draft: Draft, where: str, field: str, is_valid: Callable[[Any], bool], rule: str
) -> Iterator[Violation]:
    for position, shot in enumerate(draft.shots):
        value = shot.get(field) if isinstance(shot, dict) else None
        if not is_valid(value):
            yield Violation(f"Each multi_prompt.{field} {rule}", f"{where}[{position}].{field}")


def _sum(draft: Draft, total: int, where: str) -> Iterator[Violation]:
    durations = [whole_number(shot.get("duration")) for shot in draft.shots if isinstance(shot, dict)]
    known = [duration for duration in durations if duration is not None]
    if draft.shots and len(known) == len(draft.shots) and sum(known) != total:
        yield Violation("The sum of all multi_prompt.duration values must equal seconds", where)


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
