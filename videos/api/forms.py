"""Forms with bracketed names, as one nested mapping like that of a JSON body."""

import re
from io import BytesIO
from typing import Any

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.http.multipartparser import MultiPartParser as DjangoMultiPartParser
from django.http.multipartparser import MultiPartParserError
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from videos.api.bodies import RequestTooLarge, check_length
from videos.requests import File
from videos.requests.strict_json import MAX_DEPTH, MOST_ITEMS

_BRACKETS = re.compile(r"\[([^\[\]]*)\]")
_INDEX = re.compile(r"[0-9]{1,4}")
_FIELD = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")


class BracketFormParser(BaseParser):
    """`multipart/form-data` with bracketed names, as OpenAI's SDK sends it: `images[]`, `metadata[a][b]`."""

    media_type = "multipart/form-data"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> dict[str, Any]:
        """Read a form into a mapping like that of JSON; an uploaded file becomes `File`.

        Raises `RequestTooLarge`, or `ParseError` where it is malformed.
        """
        request = parser_context["request"]
        check_length(request)
        content = stream.read()
        try:
            parser = _FormParser(request.META, BytesIO(content), request.upload_handlers, "utf-8")
            if not parser.is_ended(content):
                raise ParseError("The form ends before its last boundary")
            fields, files = parser.parse()
        except RequestDataTooBig as error:
            raise RequestTooLarge from error
        except (MultiPartParserError, SuspiciousOperation) as error:
            raise ParseError("The form is malformed") from error
        pairs = [(name, value) for name, values in fields.lists() for value in values]
        # A file anywhere in a field makes the field one, so that it is refused and never dropped.
        return nested(pairs) | {name.partition("[")[0] or name: File() for name in files}


class _FormParser(DjangoMultiPartParser):
    """Django's, which drops a file whose name is no name, such as `..`, and takes a form that is cut off."""

    def is_ended(self, content: bytes) -> bool:
        """Whether the last boundary is there, behind which nothing counts."""
        boundary: bytes = vars(self)["_boundary"]
        return b"--" + boundary + b"--" in content

    def sanitize_file_name(self, file_name: str) -> str:
        """The name, or any other."""
        return super().sanitize_file_name(file_name) or "unnamed"


def nested(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Unfold bracketed names: `a[b][c]` is an object in an object, `a[]` and a repeated `a` are arrays.

    `a[0][b]` is of the item of that number; the n-th `a[][b]` is of the n-th item, for Django hands values
    over grouped by name. Raises `ParseError` where names contradict each other or nest too deeply.
    """
    body: dict[str, Any] = {}
    for name, value in pairs:
        match = _FIELD.fullmatch(name)
        keys = [match[1], *_BRACKETS.findall(match[2])] if match else [name]
        if len(keys) > MAX_DEPTH:
            raise ParseError(f"{name[:100]} nests deeper than {MAX_DEPTH} levels")
        try:
            _put(body, keys, value)
        except (TypeError, AttributeError) as error:
            raise ParseError(f"{name[:100]} contradicts another field") from error
    body = {key: _with_arrays(value) for key, value in body.items()}
    for key in ("images", "videos"):
        # A form has no arrays of one; where an array is meant, one value is one.
        if isinstance(body.get(key), str):
            body[key] = [body[key]]
    return body


def _put(container: Any, keys: list[str], value: Any) -> None:
    key, rest = keys[0], keys[1:]
    if isinstance(container, list) is not (key == ""):
        raise TypeError("an array and an object of one name")
    if isinstance(container, list):
        _append(container, rest, value)
    elif not rest:
        if isinstance(container.get(key), dict):
            raise TypeError("a value and an object of one name")
        container[key] = [*_as_list(container[key]), value] if key in container else value
    else:
        _put(container.setdefault(key, [] if rest[0] == "" else {}), rest, value)


def _append(items: list[Any], keys: list[str], value: Any) -> None:
    if not keys:
        items.append(value)
        return
    if len(items) > MOST_ITEMS:
        return  # the body is refused for that; to go on would only cost time
    item = next((item for item in items if isinstance(item, dict) and not _holds(item, keys)), None)
    if item is None:
        items.append(item := {})
    _put(item, keys, value)


def _holds(container: Any, keys: list[str]) -> bool:
    """Whether there is a value at the end of `keys` already; an array takes any number."""
    return not keys or (
        isinstance(container, dict) and keys[0] in container and _holds(container[keys[0]], keys[1:])
    )


def _with_arrays(value: Any) -> Any:
    """Turn objects that number their items, as in `a[0]` and `a[1]`, into arrays in that order."""
    if isinstance(value, list):
        return [_with_arrays(item) for item in value]
    if not isinstance(value, dict):
        return value
    items = {key: _with_arrays(item) for key, item in value.items()}
    return (
        [items[key] for key in sorted(items, key=int)]
        if items and all(map(_INDEX.fullmatch, items))
        else items
    )


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
