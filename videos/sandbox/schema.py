"""Checks of JSON values against a description of their fields. Pure."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from videos.sandbox.protocol import ApiError

NUMBER = (int, float)
TYPE_NAMES: dict[type, str] = {
    str: "String",
    int: "Integer",
    float: "Float",
    bool: "Boolean",
    dict: "Object",
    list: "Array",
}


def check_object(value: Mapping[str, Any], fields: Mapping[str, Any], path: str = "") -> None:
    """Raise `ApiError` for an unknown field or a value of the wrong type.

    A field is described by a type, a tuple of types, a mapping of fields for an object, or a one-element list
    for an array of that element.
    """
    for name, content in value.items():
        if name not in fields:
            raise ApiError("UnknownParameter", f"The parameter `{path}{name}` is not recognized.")
        if content is not None:  # null means the field was left out
            _check_type(f"{path}{name}", content, fields[name])


def _check_type(path: str, value: object, wanted: Any) -> None:
    types = _types(wanted)
    # The exact type, because in Python True is an int.
    if type(value) not in types:
        raise ApiError("InvalidParameter", f"The type of parameter `{path}` must be {TYPE_NAMES[types[-1]]}.")
    if isinstance(value, dict):
        check_object(value, wanted, f"{path}.")
    elif isinstance(value, list):
        for index, element in enumerate(value):
            _check_type(f"{path}.{index}", element, wanted[0])


def _types(wanted: Any) -> tuple[type, ...]:
    if isinstance(wanted, tuple):
        return wanted
    return (wanted if isinstance(wanted, type) else type(wanted),)


def check_choices(payload: Mapping[str, Any], choices: Mapping[str, tuple[object, ...]]) -> None:
    """Raise `ApiError` if a field has none of its values. Its path may lead through arrays."""
    for path, allowed in choices.items():
        for value in values_at(payload, path):
            if value not in (None, "", *allowed):
                raise invalid(path, value)


def check_lengths(payload: Mapping[str, Any], longest: Mapping[str, tuple[int, str]]) -> None:
    """Raise `ApiError` if a text has more characters than its field takes; the code is the field's own."""
    for path, (characters, code) in longest.items():
        for value in values_at(payload, path):
            if len(value or "") > characters:
                raise ApiError(code, f"`{path}` is longer than {characters} characters.")


def values_at(value: Any, path: str) -> Iterator[Any]:
    """Yield the values at a path such as `Files.Type`: one for each element of an array on the way."""
    if isinstance(value, list):
        for element in value:
            yield from values_at(element, path)
    elif path and isinstance(value, dict):
        name, _, rest = path.partition(".")
        yield from values_at(value.get(name), rest)
    elif not path:
        yield value


def value_at(payload: Mapping[str, Any], path: str) -> Any:
    """Return the value at a path without arrays; None if there is none."""
    return next(values_at(payload, path), None)


def object_in(path: str, text: str | None) -> dict[str, Any]:
    """Return the JSON object in a string, empty without one. Raises `ApiError` for anything else."""
    try:
        held = json.loads(text) if text else {}
    except ValueError:
        held = None
    if not isinstance(held, dict):
        raise ApiError("InvalidParameterValue", f"`{path}` must be a string holding a JSON object.")
    return held


def require(value: Mapping[str, Any], *names: str, path: str = "") -> None:
    """Raise `ApiError` if a field of the object at this path is absent or empty."""
    for name in names:
        if not value.get(name):
            raise ApiError("MissingParameter", f"The parameter `{path}{name}` is required.")


def invalid(path: str, value: object, code: str = "InvalidParameterValue") -> ApiError:
    """Return the error for a value that a field does not take."""
    return ApiError(code, f"The value `{str(value)[:100]}` of parameter `{path}` is not valid.")
