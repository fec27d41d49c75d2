"""Checks and conversions of single values, for all fields of a request (contract section 3)."""

import re
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from videos.requests import strict_json

_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,18}")
_AMOUNT = re.compile(r"[0-9]{1,12}(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,2})?")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
"""What PostgreSQL cannot store in text: NUL and lone surrogates."""
_NOT_IN_URLS = re.compile(r"[\s\x00-\x1f\x7f]")
_ON_OFF = {"Enabled": True, "true": True, "Disabled": False, "false": False}


def is_empty(value: Any) -> bool:
    """Whether the value counts as absent: null, `""`, `[]` or `{}`; false and 0 do not."""
    return value is None or (isinstance(value, str | list | dict) and not value)


def is_blank(text: str) -> bool:
    """Whether the text is empty or only white space."""
    return not text.strip()


def whole_number(value: Any) -> int | None:
    """`5`, `5.0` and `"5"` are 5; anything else, such as `"5.0"`, `" 5"`, 5.5 or true, is None."""
    if isinstance(value, bool):
        return None
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    if isinstance(value, str):
        return int(value) if _WHOLE_NUMBER.fullmatch(value) else None
    return value if isinstance(value, int) else None


def amount(value: Any) -> Decimal | None:
    """A non-negative amount of money, from a number or text such as "1.50"; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    return Decimal(str(value)) if _AMOUNT.fullmatch(str(value)) else None


def is_web_url(value: Any) -> bool:
    """Whether it is an http or https URL with a host."""
    if not isinstance(value, str) or _NOT_IN_URLS.search(value):
        return False
    try:
        parts = urlsplit(value)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port out of range, or an invalid IPv6 address
        return False


def on_off(value: Any) -> bool | None:
    """A switch: `Enabled`, `Disabled`, true or false; None for anything else."""
    if isinstance(value, bool):
        return value
    return _ON_OFF.get(value) if isinstance(value, str) else None


def is_storable(value: Any) -> bool:
    """Whether PostgreSQL can store it: no NUL and no lone surrogate in any string, at any depth."""
    if isinstance(value, str):
        return not _UNSTORABLE.search(value)
    if isinstance(value, dict):
        return all(is_storable(key) and is_storable(item) for key, item in value.items())
    return all(map(is_storable, value)) if isinstance(value, list) else True


def storable(text: str) -> str:
    """The text with U+FFFD in place of what PostgreSQL cannot store."""
    return _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def without_unstorable(value: Any) -> Any:
    """The value with `storable` applied to all strings, at any depth."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return {storable(str(key)): without_unstorable(item) for key, item in value.items()}
    return [without_unstorable(item) for item in value] if isinstance(value, list) else value


def json_object(value: Any) -> dict[str, Any] | None:
    """An object, or a JSON string that holds one; None for anything else."""
    if isinstance(value, str):
        try:
            value = strict_json.loads(value)
        except ValueError:
            return None
    return value if isinstance(value, dict) else None
