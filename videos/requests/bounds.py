"""Size limits of a body and its parts, checked before anything else (contract section 5)."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from videos.requests.draft import ALIASES, open_body, open_metadata
from videos.requests.rules import Rule
from videos.requests.strict_json import MOST_ITEMS
from videos.requests.violations import InvalidRequestError, Violation

MOST_METADATA_BYTES = 16 * 1024
MOST_EXT_INFO_BYTES = 8 * 1024
"""Of compact JSON in UTF-8, or of the JSON text that was sent."""
_SHOWN_PATH_LENGTH = 200
"""Characters of a path that an error shows."""


def check(body: Mapping[str, Any]) -> None:
    """Raise `InvalidRequestError` if a part of the body is too large to be validated.

    The content of a part that is too large is skipped, so the time is linear in the length of the body.
    """
    # From cheap to costly; only metadata can contain JSON texts.
    for find in (_oversized_in_body, *((_too_long, _oversized_in_texts) if body.get("metadata") else ())):
        if violations := [*find(body)]:
            raise InvalidRequestError(violations)


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


def _size(value: Any) -> int:
    if not isinstance(value, str):
        value = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    return len(value.encode("utf-8", "surrogatepass"))


def _oversized(value: Any, path: str) -> Iterator[Violation]:
    """A violation for each list and object with more than `MOST_ITEMS` items."""
    if not isinstance(value, list | dict):
        return
    if len(value) > MOST_ITEMS:
        yield _exceeds(path[:_SHOWN_PATH_LENGTH], MOST_ITEMS, "items" if isinstance(value, list) else "keys")
        return
    for name, inner in value.items() if isinstance(value, dict) else enumerate(value):
        yield from _oversized(inner, _joined(path, name))


def _joined(path: str, name: str | int) -> str:
    if isinstance(name, int):
        return f"{path}[{name}]"
    return f"{path}.{name}" if path else name
