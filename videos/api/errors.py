"""The error envelope (contract section 5), and the response to each exception."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import structlog
from django.conf import settings
from django.core.exceptions import DisallowedHost, RequestDataTooBig, TooManyFieldsSent
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from rest_framework import exceptions as drf
from rest_framework.response import Response

from accounts.api.authentication import CHALLENGE, REFUSAL
from accounts.api.throttles import TooManyRequests
from accounts.bucket_check import NoBucket, TooManyChecks
from accounts.quotas import limits
from config.amounts import format_amount
from config.charsets import header_text
from config.envelope import envelope, json_response
from config.error_codes import ErrorCode
from config.middleware import request_id
from config.stores.base import StoreError
from videos import errors
from videos.api import hints, rate_limits
from videos.api.bodies import RequestTooLarge
from videos.api.parts import IncompleteForm
from videos.models import File, Task
from videos.requests import InvalidRequestError, Violation

NO_RETRY = (("x-should-retry", "false"),)
"""OpenAI's SDK retries some statuses by itself; this header says that a retry is useless."""
RETRY_AFTER_SECONDS = "30"
"""`Retry-After` in seconds, while upstream accounts or the database are unavailable."""


@dataclass(frozen=True)
class Refusal:
    """An error response. If `message` is None, the exception's own message is used."""

    status: int
    type: str
    code: ErrorCode
    message: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    param: str | None = None


log = structlog.get_logger(__name__)
_INVALID, _MISSING = "invalid_request_error", "not_found_error"
_LONGEST_HOST = 253
"""Characters of a DNS name."""
_UNKNOWN_TASK = "The task does not exist"
_DATABASE_FAILED = (OperationalError, InterfaceError)

REFUSALS: dict[type[Exception], Refusal] = {
    drf.NotAuthenticated: Refusal(401, "authentication_error", "invalid_api_key", REFUSAL),
    drf.AuthenticationFailed: Refusal(401, "authentication_error", "invalid_api_key", REFUSAL),
    errors.KeyRefused: Refusal(
        401, "authentication_error", "invalid_api_key", REFUSAL, (("WWW-Authenticate", CHALLENGE),)
    ),
    drf.PermissionDenied: Refusal(403, "permission_error", "permission_denied"),
    errors.ModelNotAllowed: Refusal(403, "permission_error", "permission_denied"),
    drf.NotFound: Refusal(404, _MISSING, "not_found", "Unknown route"),
    Task.DoesNotExist: Refusal(404, _MISSING, "task_not_exist", _UNKNOWN_TASK),
    File.DoesNotExist: Refusal(404, _MISSING, "file_not_exist", "The file does not exist"),
    NoBucket: Refusal(404, _MISSING, "bucket_not_set"),
    errors.ModelNotExist: Refusal(404, _MISSING, "model_not_found"),
    drf.MethodNotAllowed: Refusal(405, _INVALID, "method_not_allowed"),
    errors.MaxCostExceeded: Refusal(400, _INVALID, "max_cost_exceeded", param="max_cost"),
    errors.IdempotencyKeyReused: Refusal(422, _INVALID, "idempotency_key_reused", headers=NO_RETRY),
    errors.VideoInProgress: Refusal(409, _INVALID, "video_in_progress", headers=NO_RETRY),
    errors.FileInUse: Refusal(409, _INVALID, "file_in_use", headers=NO_RETRY),
    errors.VideoNotReady: Refusal(409, _INVALID, "video_not_ready", headers=NO_RETRY),
    errors.VideoInYourBucket: Refusal(409, _INVALID, "video_in_your_bucket", headers=NO_RETRY),
    errors.VideoExpired: Refusal(410, _INVALID, "video_expired"),
    RequestTooLarge: Refusal(413, _INVALID, "request_too_large"),
    drf.UnsupportedMediaType: Refusal(
        415,
        _INVALID,
        "unsupported_media_type",
        "The content type must be application/json or multipart/form-data",
    ),
    IncompleteForm: Refusal(400, _INVALID, "incomplete_body"),
    drf.ParseError: Refusal(400, _INVALID, "invalid_json"),
    errors.NoUpstreamAccount: Refusal(
        503, "server_error", "no_upstream_available", headers=(("Retry-After", RETRY_AFTER_SECONDS),)
    ),
    StoreError: Refusal(
        *(503, "server_error", "store_unavailable", "The store of videos does not answer at the moment"),
        headers=(("Retry-After", RETRY_AFTER_SECONDS),),
    ),
    **dict.fromkeys(
        _DATABASE_FAILED,
        Refusal(
            503,
            "server_error",
            "internal_error",
            "The database cannot be reached at the moment",
            (("Retry-After", RETRY_AFTER_SECONDS),),
        ),
    ),
    errors.FileNotStored: Refusal(
        503, "server_error", "internal_error", headers=(("Retry-After", RETRY_AFTER_SECONDS),)
    ),
    errors.NoPrice: Refusal(503, "server_error", "internal_error", headers=NO_RETRY),
}


EXPECTED = (InvalidRequestError, errors.NotAdmitted, *REFUSALS)
"""The exceptions that refuse a request; others are faults of ours."""


def answer_exception(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """DRF's exception handler; returns None for unknown exceptions, which become `internal_error`."""
    if isinstance(error, InvalidRequestError):
        return Response(invalid_request(error.violations), status=400)
    if isinstance(error, errors.NotAdmitted):
        return _limited(error.refusals, error.allowance)
    if isinstance(error, TooManyRequests | TooManyChecks):
        allowance = limits.Allowance(int(error.refusal.value), 0, error.refusal.retry_at)
        return _limited((error.refusal,), allowance)
    refusal = next((known for kind, known in REFUSALS.items() if isinstance(error, kind)), None)
    if refusal is None:
        return None
    if isinstance(error, _DATABASE_FAILED):
        log.error("the database failed a request", exc_info=error)
    headers = dict(refusal.headers)
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    message = refusal.message or _message_of(error)
    if isinstance(error, drf.MethodNotAllowed):
        request = context["request"]
        message = message.rstrip(".") + (_hint(request.path_info, request.method) or ".")
    param = refusal.param or getattr(error, "param", None)
    body = envelope(message, type=refusal.type, code=refusal.code, param=param)
    return Response(body, status=refusal.status, headers=headers)


def _limited(refusals: Sequence[limits.LimitReached], allowance: limits.Allowance | None) -> Response:
    now = timezone.now()
    headers = {**rate_limits.headers(allowance, now), **dict(_retry_headers(refusals, now))}
    return Response(not_admitted(refusals), status=429, headers=headers)


def invalid_request(violations: Sequence[Violation]) -> dict[str, Any]:
    """The envelope for an invalid request: the first violation on top, all in `errors`."""
    first = violations[0]
    body = envelope(first.message, type=_INVALID, code=first.code, param=first.param)
    return body | {"errors": [_as_dict(violation) for violation in violations]}


_LIMIT_CODES: dict[limits.Kind, tuple[str, ErrorCode]] = {
    limits.Kind.RATE: ("rate_limit_error", "rate_limit_exceeded"),
    limits.Kind.CONCURRENCY: ("rate_limit_error", "concurrency_limit_exceeded"),
    limits.Kind.QUOTA: ("insufficient_quota", "insufficient_quota"),
}


def not_admitted(refusals: Sequence[limits.LimitReached]) -> dict[str, Any]:
    """The envelope for a task refused by limits: the first one on top, all in `errors`."""
    first = refusals[0]
    kind, code = _LIMIT_CODES[first.kind]
    described = [limit_reached(refusal) for refusal in refusals]
    return envelope(first.message, type=kind, code=code) | {"errors": described}


def limit_reached(refusal: limits.LimitReached) -> dict[str, Any]:
    """One limit: name, value, use so far, and `retry_at` in Unix seconds (None: never)."""
    return {
        "message": refusal.message,
        "param": None,
        "code": _LIMIT_CODES[refusal.kind][1],
        "limit": refusal.limit,
        "value": _number(refusal.value),
        "used": _number(refusal.used),
        "retry_at": refusal.retry_at and math.ceil(refusal.retry_at.timestamp()),
    }


def _number(value: int | Decimal) -> int | str:
    return format_amount(value) if isinstance(value, Decimal) else value


def _retry_headers(refusals: Sequence[limits.LimitReached], now: datetime) -> Iterator[tuple[str, str]]:
    """`Retry-After` if waiting helps, else `NO_RETRY`."""
    if any(refusal.kind is limits.Kind.QUOTA or refusal.retry_at is None for refusal in refusals):
        yield from NO_RETRY
    else:
        last = max(refusal.retry_at for refusal in refusals if refusal.retry_at)
        yield "Retry-After", str(rate_limits.seconds_until(last, now))


def unknown_route(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """404 for an unknown path, with a hint if it resembles a route."""
    message = f"Unknown route{_hint(request.path_info)}"
    return json_response(404, envelope(message, type=_MISSING, code="not_found"))


def _hint(path: str, method: str | None = None) -> str:
    route = hints.suggest_route(path, method)
    return f"; did you mean {route}?" if route else ""


def malformed_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """400 for what Django refuses before a view runs, such as an unknown host; 413 for a large form."""
    if isinstance(exception, RequestDataTooBig):
        return json_response(413, envelope("The form is too large", type=_INVALID, code="request_too_large"))
    message = "The request is malformed"
    if isinstance(exception, TooManyFieldsSent):
        message = f"A query or a form must not exceed {settings.DATA_UPLOAD_MAX_NUMBER_FIELDS} fields"
    if isinstance(exception, DisallowedHost):
        host = header_text(request.META.get("HTTP_HOST", ""))[:_LONGEST_HOST]
        message = f"The Host '{host}' is not served here; ALLOWED_HOSTS and PUBLIC_URL say which are"
    return json_response(400, envelope(message, type=_INVALID, code="invalid_request"))


def forbidden(message: str) -> HttpResponse:
    """403 as JSON, for a program that calls a page without permission."""
    return json_response(403, envelope(message, type="permission_error", code="permission_denied"))


def internal_error(request: HttpRequest) -> HttpResponse:
    """500, with the request id and no other detail."""
    message = f"Internal error; quote the request id {request_id(request)}"
    return json_response(500, envelope(message, type="server_error", code="internal_error"))


def _message_of(error: Exception) -> str:
    return str(getattr(error, "detail", None) or error)


def _as_dict(violation: Violation) -> dict[str, Any]:
    described = {"message": violation.message, "param": violation.param, "code": violation.code}
    described |= {"detail": violation.detail} if violation.detail is not None else {}
    return described | ({"allowed": list(violation.allowed)} if violation.allowed is not None else {})
