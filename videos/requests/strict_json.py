"""JSON as the contract reads it: no NaN, no Infinity, no nesting deeper than 20 levels."""

import json
import math
from typing import Any, NoReturn

MAX_DEPTH = 20
MOST_ITEMS = 100
"""Of an array or object; a body with more in one is refused (`bounds`), whatever they are."""


def loads(text: str) -> Any:
    """Parse `text`; whole numbers of any size stay exact. Raises `ValueError` where it is malformed."""
    try:
        value = json.loads(text, parse_constant=_refuse_constant, parse_float=_finite)
    except RecursionError as error:
        raise ValueError(f"nested deeper than {MAX_DEPTH} levels") from error
    check_depth(value)
    return value


def check_depth(value: Any) -> None:
    """Raise `ValueError` where arrays and objects of up to `MOST_ITEMS` nest deeper than `MAX_DEPTH`."""
    level = _containers([value])
    for _ in range(MAX_DEPTH):
        level = [inner for outer in level for inner in _containers(outer)]
        if not level:
            return
    raise ValueError(f"nested deeper than {MAX_DEPTH} levels")


def _containers(container: Any) -> list[Any]:
    """The arrays and objects directly in an array or object; none of one that is refused for its size."""
    if len(container) > MOST_ITEMS:
        return []
    items = container.values() if isinstance(container, dict) else container
    return [item for item in items if isinstance(item, dict | list)]


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError("a number is too large")
    return number
