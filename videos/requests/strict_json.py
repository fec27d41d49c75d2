"""Strict JSON, as the contract demands: no NaN or Infinity, no duplicate names, at most 20 levels."""

import json
import math
from typing import Any, NoReturn

from videos.requests import json_faults
from videos.requests.json_faults import MAX_DEPTH, Oversized

__all__ = [
    "MAX_DEPTH",
    "MOST_ITEMS",
    "MOST_VALUES",
    "MalformedJSON",
    "TooManyValues",
    "check_depth",
    "dumps",
    "fault",
    "loads",
]

MOST_ITEMS = 100
"""Of one array or object; `bounds` refuses a body that has more in any."""
MOST_VALUES = 10_000
"""Of a text, in all arrays and objects together; more than a valid request has, as `metadata` is limited to
16 KiB."""


class MalformedJSON(ValueError):
    """A text is not valid JSON; the message says what is wrong, and where."""


class TooManyValues(ValueError):
    """A text has more than `MOST_VALUES` values, or so many commas and too large an array or object.

    `oversized` is the one that has more than `MOST_ITEMS`, if it was found early, and `value` what the text
    parses to without the strict checks, if it was parsed. Behind `oversized` the text may be invalid.
    """

    def __init__(self, *, oversized: Oversized | None = None, value: Any = None) -> None:
        where, most = (oversized.path or "it", MOST_ITEMS) if oversized else ("it", MOST_VALUES)
        super().__init__(f"{where} has more than {most} values")
        self.oversized = oversized
        self.value = value


class Spelled(float):
    """A float that `dumps` writes with its original digits, such as `1.10`."""

    __slots__ = ("digits",)
    digits: str


def loads(text: str) -> Any:
    """Parse `text`; whole numbers of any size stay exact.

    Raises `MalformedJSON`, or `TooManyValues` for a text that is too large to be checked value by value.
    """
    try:
        _check_size(text)
        value = _STRICT.decode(text)
        check_depth(value)
    except TooManyValues:
        raise
    except (ValueError, RecursionError) as error:
        raise MalformedJSON(json_faults.told(text, error)) from error
    return value


def fault(value: Any) -> str | None:
    """What is wrong with a JSON text, and where; None for valid JSON, and for a value that is not text."""
    if not isinstance(value, str):
        return None
    try:
        loads(value)
    except (MalformedJSON, TooManyValues) as error:
        return str(error)
    return None


def dumps(value: Any) -> str:
    """Serialise what `loads` returned, with each number as it was written."""
    if isinstance(value, Spelled):
        return value.digits
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_encoded(name)}: {dumps(inner)}" for name, inner in value.items()) + "}"
    return "[" + ", ".join(map(dumps, value)) + "]" if isinstance(value, list) else _encoded(value)


def check_depth(value: Any) -> None:
    """Raise `ValueError` if arrays and objects of up to `MOST_ITEMS` nest deeper than `MAX_DEPTH`."""
    level = _containers([value])
    for _ in range(MAX_DEPTH):
        level = [inner for outer in level for inner in _containers(outer)]
        if not level:
            return
    raise ValueError(json_faults.TOO_DEEP)


def _containers(container: Any) -> list[Any]:
    """The arrays and objects directly in a container; none of one that `bounds` refuses for its size."""
    if len(container) > MOST_ITEMS:
        return []
    return [item for item in _values(container) if isinstance(item, dict | list)]


def _check_size(text: str) -> None:
    """Raise `TooManyValues`, or `ValueError` for invalid JSON. A large text is not parsed for it."""
    if sum(map(text.count, _PUNCTUATION)) < MOST_VALUES:
        return
    if oversized := json_faults.first_oversized(text, MOST_ITEMS, _TOKENS):
        raise TooManyValues(oversized=oversized)
    marks = json_faults.marks_outside_strings(text, _PUNCTUATION)
    if marks < MOST_VALUES:
        return
    if len(text) > _LARGE and marks > 2 * MOST_VALUES:
        raise TooManyValues
    try:
        value = _QUICK.decode(text)
    except json.JSONDecodeError:
        raise
    except ValueError as error:  # Python's words about a whole number are not for clients
        raise ValueError(json_faults.TOO_LONG) from error
    if _has_too_many_values(value):
        raise TooManyValues(value=value)


def _has_too_many_values(value: Any) -> bool:
    found = 0
    level: list[list[Any] | dict[str, Any]] = [[value]]
    while level:
        found += sum(map(len, level))
        if found > MOST_VALUES:
            return True
        level = [item for items in level for item in _values(items) if isinstance(item, dict | list)]
    return False


def _values(container: Any) -> Any:
    return container.values() if isinstance(container, dict) else container


def _encoded(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(json_faults.NOT_JSON[name])


def _number(digits: str) -> float:
    number = Spelled(digits)
    if math.isinf(number):
        raise ValueError(json_faults.TOO_LARGE)
    number.digits = digits
    return number


def _integer(digits: str) -> int | float:
    if len(digits) > json_faults.MOST_DIGITS:
        raise ValueError(json_faults.TOO_LONG)
    return _number(digits) if digits == "-0" else int(digits)  # as a float, -0 keeps its sign


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise ValueError(json_faults.TWICE)
    return fields


_PUNCTUATION = "[{,"
"""There is at most one value behind each of these marks, and one more; each value has at most two of them."""
_TOKENS = 5_000
"""In which an oversized array is looked for; this takes 5 ms."""
_LARGE = 256 * 1024
"""Characters of a text that takes longer to parse than to refuse."""
_QUICK = json.JSONDecoder()
_STRICT = json.JSONDecoder(
    parse_constant=_refuse_constant, parse_float=_number, parse_int=_integer, object_pairs_hook=_object
)
"""Calls Python for each object and each number, which takes up to twenty times as long."""
