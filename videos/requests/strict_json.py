"""JSON as the contract reads it: no NaN, no Infinity, no name twice, no nesting deeper than 20 levels."""

import json
import math
from typing import Any, NoReturn

from videos.requests import json_faults
from videos.requests.json_faults import MAX_DEPTH

__all__ = ["MAX_DEPTH", "MOST_ITEMS", "MalformedJSON", "check_depth", "dumps", "fault", "loads"]

MOST_ITEMS = 100
"""Of an array or object; a body with more in one is refused (`bounds`), whatever they are."""


class MalformedJSON(ValueError):
    """A text is no JSON; the message says what is wrong with it, and where."""


class Spelled(float):
    """A number that was not written as Python would write it, such as `1.10`: told on as it was written."""

    __slots__ = ("digits",)
    digits: str


def loads(text: str) -> Any:
    """Parse `text`; whole numbers of any size stay exact. Raises `MalformedJSON`."""
    try:
        value = _DECODER.decode(text)
        check_depth(value)
    except (ValueError, RecursionError) as error:
        raise MalformedJSON(json_faults.told(text, error)) from error
    return value


def fault(value: Any) -> str | None:
    """What is wrong with a text that should be JSON, and where; None for JSON, and for what is no text."""
    if not isinstance(value, str):
        return None
    try:
        loads(value)
    except MalformedJSON as error:
        return str(error)
    return None


def dumps(value: Any) -> str:
    """Write what `loads` read, each number as it was written."""
    if isinstance(value, Spelled):
        return value.digits
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_written(name)}: {dumps(inner)}" for name, inner in value.items()) + "}"
    return "[" + ", ".join(map(dumps, value)) + "]" if isinstance(value, list) else _written(value)


def check_depth(value: Any) -> None:
    """Raise `ValueError` where arrays and objects of up to `MOST_ITEMS` nest deeper than `MAX_DEPTH`."""
    level = _containers([value])
    for _ in range(MAX_DEPTH):
        level = [inner for outer in level for inner in _containers(outer)]
        if not level:
            return
    raise ValueError(json_faults.TOO_DEEP)


def _containers(container: Any) -> list[Any]:
    """The arrays and objects directly in an array or object; none of one that is refused for its size."""
    if len(container) > MOST_ITEMS:
        return []
    items = container.values() if isinstance(container, dict) else container
    return [item for item in items if isinstance(item, dict | list)]


def _written(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(json_faults.NOT_JSON[name])


def _number(digits: str) -> float:
    number = Spelled(digits)
    if math.isinf(number):
        raise ValueError(json_faults.TOO_LARGE)
    number.digits = digits
    return number


def _whole(digits: str) -> int | float:
    if len(digits) > json_faults.MOST_DIGITS:
        raise ValueError(json_faults.TOO_LONG)
    return _number(digits) if digits == "-0" else int(digits)  # a zero with a sign is no whole number


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise ValueError(json_faults.TWICE)
    return fields


_DECODER = json.JSONDecoder(
    parse_constant=_refuse_constant, parse_float=_number, parse_int=_whole, object_pairs_hook=_object
)
