"""Size limits of a body and its parts, checked before anything else (contract section 5)."""

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import reduce
from itertools import islice
from math import inf
from typing import Any

from videos.requests.draft import ALIASES, open_body, open_metadata
from videos.requests.rules import Rule
from videos.requests.strict_json import MOST_ITEMS, MOST_VALUES
from videos.requests.violations import InvalidRequestError, Violation

MOST_METADATA_BYTES = 16 * 1024
MOST_EXT_INFO_BYTES = 8 * 1024
"""Of compact JSON in UTF-8, or of the JSON text that was sent."""
_SHOWN_PATH_LENGTH = 200
"""Characters of a path that an error shows."""
_Place = tuple[()] | tuple["_Place", str | int]
"""Of a part: the place of what it is in, and its name or position there. Few are ever shown as a path."""
_Placed = tuple[_Place, list[Any] | dict[str, Any]]


def check(body: Mapping[str, Any]) -> None:
    """Raise `InvalidRequestError` if a part of the body is too large to be validated.

    The content of a part that is too large is skipped, and so is all behind the first `MOST_VALUES` values.
    """
    # From cheap to costly; only metadata can contain JSON texts.
    for find in (_oversized_in_body, *((_too_long, _oversized_in_texts) if body.get("metadata") else ())):
        if violations := [*find(body)]:
            raise InvalidRequestError(violations)


def too_many_items(path: str, *, is_array: bool) -> Violation:
    """Of an array or object with more than `MOST_ITEMS`; the path of the body itself is empty."""
    return _exceeds(path[:_SHOWN_PATH_LENGTH], MOST_ITEMS, "items" if is_array else "keys")


def _oversized_in_body(body: Mapping[str, Any]) -> Iterator[Violation]:
    return _oversized(body, "")


def _oversized_in_texts(body: Mapping[str, Any]) -> Iterator[Violation]:
    draft = open_body(body, None)
    name = draft.meta_name("ext_info")
    yield from _oversized(draft.metadata, "metadata")
    yield from _oversized(draft.ext_info, name)
    yield from _oversized(draft.additional, f"{name}.AdditionalParameters")


def _too_long(body: Mapping[str, Any]) -> Iterator[Violation]:
    sent = body.get("metadata")
    is_too_long = _size(sent) > MOST_METADATA_BYTES
    metadata = {} if is_too_long and isinstance(sent, str) else open_metadata(body)
    for name in ALIASES["ext_info"]:
        if metadata and _size(metadata.get(name)) > MOST_EXT_INFO_BYTES:
            yield _exceeds(f"metadata.{name}", MOST_EXT_INFO_BYTES, "bytes")
    if is_too_long:
        yield _exceeds("metadata", MOST_METADATA_BYTES, "bytes")


def _exceeds(path: str, most: int, unit: str) -> Violation:
    rule = Rule.TOO_MANY_BYTES if unit == "bytes" else Rule.TOO_MANY_ITEMS
    message = f"{path or 'The request body'} must not exceed {most} {unit}"
    return Violation(message, path or None, rule, {"most": most})


def _size(value: Any) -> float:
    """Bytes, as compact JSON if it is no text; infinite if it nests too deep to be written."""
    if not isinstance(value, str):
        try:
            value = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
        except RecursionError:
            return inf
    return len(value.encode("utf-8", "surrogatepass"))


def _oversized(value: Any, path: str) -> Iterator[Violation]:
    """A violation for each list and object with more than `MOST_ITEMS` items, the outer ones first."""
    for at, part in _parts(value):
        if len(part) > MOST_ITEMS:
            yield too_many_items(_path(at, path), is_array=isinstance(part, list))


def _parts(value: Any) -> Iterator[_Placed]:
    """The first `MOST_VALUES` lists and objects, but for those in an oversized one."""
    level: list[_Placed] = [((), value)] if isinstance(value, list | dict) else []
    left = MOST_VALUES
    while level:
        yield from level
        left -= len(level)
        level = list(islice(_inside(level), left))


def _inside(level: Iterable[_Placed]) -> Iterator[_Placed]:
    for at, part in level:
        if len(part) <= MOST_ITEMS:
            for name, inner in part.items() if isinstance(part, dict) else enumerate(part):
                if isinstance(inner, list | dict):
                    yield (at, name), inner


def _path(at: _Place, start: str) -> str:
    """Such as `metadata.a[0].b` for a place in the value at `start`."""
    steps: list[str | int] = []
    while at:
        at, step = at
        steps.append(step)
    return reduce(_joined, reversed(steps), start)


def _joined(path: str, name: str | int) -> str:
    if isinstance(name, int):
        return f"{path}[{name}]"
    return f"{path}.{name}" if path else name
