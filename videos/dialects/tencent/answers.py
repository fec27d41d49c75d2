"""Answers in the envelope of API 3.0, always with HTTP 200."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse

from config.edge.answers import Answer
from config.envelope import encode
from config.middleware import REQUEST_ID_HEADER
from videos.dialects.tencent import errors
from videos.dialects.tencent.codes import Refused

_JSON = "application/json"
"""Literally, as an SDK looks for an error only in this type."""


def success(values: Mapping[str, Any], request_id: str) -> HttpResponse:
    """What an action returned."""
    return HttpResponse(_enveloped(values, request_id), content_type=_JSON)


def refused(refusal: Refused, request_id: str) -> HttpResponse:
    """An error."""
    return HttpResponse(_error(refusal, request_id), content_type=_JSON)


def reworded(answer: Answer) -> Answer:
    """A refusal of the edge as one of API 3.0."""
    request_id = next(value for name, value in answer.headers if name == REQUEST_ID_HEADER.encode())
    body = _error(errors.refusal_in(answer.body), request_id.decode())
    others = [(name, value) for name, value in answer.headers if name != b"content-length"]
    return Answer(200, [*others, (b"content-length", str(len(body)).encode())], body)


def _error(refusal: Refused, request_id: str) -> bytes:
    return _enveloped({"Error": {"Code": refusal.code, "Message": str(refusal)}}, request_id)


def _enveloped(values: Mapping[str, Any], request_id: str) -> bytes:
    return encode({"Response": {**values, "RequestId": request_id}})
