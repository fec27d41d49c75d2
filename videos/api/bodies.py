"""Parses and renders JSON bodies as strictly as the contract says; form bodies are in `forms`."""

import codecs
from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from django.http import QueryDict
from rest_framework.exceptions import APIException, ParseError
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from config.envelope import encode
from videos.requests import InvalidRequestError, check_bounds, json_faults, too_many_items
from videos.requests.strict_json import MOST_VALUES, MalformedJSON, TooManyValues, loads

MALFORMED = "The request body is not valid JSON"
NOT_UTF_8 = "The request body is not UTF-8"
EMPTY = "The request body is empty"
NOT_AN_OBJECT = "The request body must be a JSON object"


class RequestTooLarge(APIException):
    """The body exceeds `MAX_BODY_BYTES`."""

    status_code = 413
    default_code = "request_too_large"
    default_detail = f"The request body must not exceed {settings.MAX_BODY_BYTES} bytes"


class MalformedBody(ParseError):
    """The body cannot be parsed; `param` is the field at fault, if known."""

    def __init__(self, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.param = param


class AlwaysJSON(DefaultContentNegotiation):
    """Ignores the `Accept` header: every response is JSON."""

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type


class EnvelopeJSONRenderer(BaseRenderer):
    """JSON in UTF-8; non-ASCII characters are not escaped."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None
    ) -> bytes:
        return b"" if data is None else encode(data)


class StrictJSONParser(BaseParser):
    """Parses `application/json` as strictly as the contract says."""

    media_type = "application/json"

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None
    ) -> dict[str, Any]:
        """Parse an object. Raises `RequestTooLarge`, or `MalformedBody` if it is no valid JSON object."""
        check_length(parser_context["request"])
        return parse_object(stream.read())


def parse_object(content: bytes) -> dict[str, Any]:
    """Parse a JSON object.

    Raises `MalformedBody` if it is none, and if it has too many values, unless `InvalidRequestError` can name
    the part that is too large.
    """
    text = _decode(content)
    try:
        return _object(loads(text))
    except TooManyValues as error:
        raise _too_large(error) from error
    except MalformedJSON as error:
        raise MalformedBody(f"{MALFORMED}: {error}") from error


def _too_large(error: TooManyValues) -> Exception:
    """The refusal of a body with too many values, naming the part that is too large if it is known."""
    if found := error.oversized:
        if found.is_array and not found.path:
            return MalformedBody(NOT_AN_OBJECT)
        return InvalidRequestError([too_many_items(found.path, is_array=found.is_array)])
    if error.value is not None:
        check_bounds(_object(error.value))
    return MalformedBody(f"The request body has more than {MOST_VALUES} values")


def _object(body: Any) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise MalformedBody(NOT_AN_OBJECT)
    return body


def _decode(content: bytes) -> str:
    content = content.removeprefix(codecs.BOM_UTF8)
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        is_utf_16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        instead = " but UTF-16" if is_utf_16 else ""
        before = content[: error.start].decode()
        path = json_faults.path_at_end(before)
        where = f"{path}, " if path else ""
        at = json_faults.place(before, len(before))
        raise MalformedBody(f"{NOT_UTF_8}{instead}: {where}{at}", path or None) from error


def check_length(request: Any) -> None:
    """Raise `RequestTooLarge` if `Content-Length` is over the limit."""
    if int(request.META.get("CONTENT_LENGTH") or 0) > settings.MAX_BODY_BYTES:
        raise RequestTooLarge


def mapping(request: Request) -> Mapping[str, Any]:
    """The parsed body, checked against the size limits of its parts.

    Raises `InvalidRequestError` if a part is too large, and `MalformedBody` if there is no body, in which
    case no parser has run.
    """
    data = request.data
    if request.stream is None or isinstance(data, QueryDict) or not isinstance(data, dict):
        raise MalformedBody(EMPTY)
    check_bounds(data)  # before any other use
    return data
