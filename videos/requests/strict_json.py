"""Strict JSON, as the contract demands: no NaN or Infinity, no duplicate names, at most 20 levels."""

import json
import math
import re
from typing import Any, NoReturn

from videos.requests import json_faults
from videos.requests.json_faults import MAX_DEPTH

__all__ = ["MAX_DEPTH", "MOST_ITEMS", "MalformedJSON", "check_depth", "dumps", "fault", "loads"]

MOST_ITEMS = 100
"""Of one array or object; `bounds` refuses a body that has more in any."""


class MalformedJSON(ValueError):
    """A text is not valid JSON; the message says what is wrong, and where."""


class Spelled(float):
    """A float that `dumps` writes with its original digits, such as `1.10`."""

    __slots__ = ("digits",)
    digits: str


def loads(text: str) -> Any:
    """Parse `text`; whole numbers of any size stay exact. Raises `MalformedJSON`."""
    try:
        value = (_DECODER if _ODD_INTEGER.search(text) else _QUICK_DECODER).decode(text)
        check_depth(value)
    except (ValueError, RecursionError) as error:
        raise MalformedJSON(json_faults.told(text, error)) from error
    return value


def fault(value: Any) -> str | None:
    """What is wrong with a JSON text, and where; None for valid JSON, and for a value that is not text."""
    if not isinstance(value, str):
        return None
    try:
        loads(value)
    except MalformedJSON as error:
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
    items = container.values() if isinstance(container, dict) else container
    return [item for item in items if isinstance(item, dict | list)]


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


_ODD_INTEGER = re.compile(rf"-0|(?<![0-9])[0-9]{{{json_faults.MOST_DIGITS + 1}}}")
"""Stands in every text with an integer that `_integer` does not read as `int` does, and in some others. It is
tried only where digits begin, so the time is linear."""
_HOOKS: dict[str, Any] = {
    "parse_constant": _refuse_constant,
    "parse_float": _number,
    "object_pairs_hook": _object,
}
_DECODER = json.JSONDecoder(parse_int=_integer, **_HOOKS)
_QUICK_DECODER = json.JSONDecoder(**_HOOKS)
"""Does not call Python for each integer, which takes four times as long."""
