"""JSON in, as strict as the contract, and JSON out; forms stand in `forms`."""

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
from videos.requests import check_bounds, json_faults
from videos.requests.strict_json import MalformedJSON, loads

MALFORMED = "The request body is not valid JSON"
NOT_UTF_8 = "The request body is not UTF-8"
EMPTY = "The request body is empty"
NOT_AN_OBJECT = "The request body must be a JSON object"


class RequestTooLarge(APIException):
    """The body is larger than the contract allows."""

    status_code = 413
    default_code = "request_too_large"
    default_detail = f"The request body must not exceed {settings.MAX_BODY_BYTES} bytes"


class MalformedBody(ParseError):
    """The body cannot be read; `param` is the field in which, where it is known."""

    def __init__(self, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.param = param


class AlwaysJSON(DefaultContentNegotiation):
    """Answers are JSON, whatever a client says it accepts."""

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        """The first renderer, always."""
        return renderers[0], renderers[0].media_type


class EnvelopeJSONRenderer(BaseRenderer):
    """JSON in UTF-8, readable in any language."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None
    ) -> bytes:
        """Encode an answer."""
        return b"" if data is None else encode(data)


class StrictJSONParser(BaseParser):
    """`application/json`, as strict as the contract."""

    media_type = "application/json"

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None
    ) -> dict[str, Any]:
        """Read an object. Raises `RequestTooLarge`, or `MalformedBody` where it is malformed or no object."""
        check_length(parser_context["request"])
        text = _decoded(stream.read())
        try:
            body = loads(text)
        except MalformedJSON as error:
            raise MalformedBody(f"{MALFORMED}: {error}") from error
        if not isinstance(body, dict):
            raise MalformedBody(NOT_AN_OBJECT)
        return body


def _decoded(content: bytes) -> str:
    content = content.removeprefix(codecs.BOM_UTF8)
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        instead = " but UTF-16" if wide else ""
        before = content[: error.start].decode()
        path = json_faults.path_at_end(before)
        where = f"{path}, " if path else ""
        at = json_faults.place(before, len(before))
        raise MalformedBody(f"{NOT_UTF_8}{instead}: {where}{at}", path or None) from error


def check_length(request: Any) -> None:
    """Raise `RequestTooLarge` for a body over the limit, before it is read."""
    if int(request.META.get("CONTENT_LENGTH") or 0) > settings.MAX_BODY_BYTES:
        raise RequestTooLarge


def mapping(request: Request) -> Mapping[str, Any]:
    """The parsed body, no part of which is too large.

    Raises `InvalidRequestError` where one is, and `MalformedBody` for a request without a body, which no
    parser sees.
    """
    data = request.data
    if request.stream is None or isinstance(data, QueryDict) or not isinstance(data, dict):
        raise MalformedBody(EMPTY)
    check_bounds(data)  # before anything else is made of it
    return data
