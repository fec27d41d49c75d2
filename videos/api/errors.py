"""The error envelope (contract section 5), and which error becomes which answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from rest_framework import exceptions as drf
from rest_framework.response import Response

from accounts.authentication import CHALLENGE, REFUSAL
from config.middleware import request_id
from videos import errors
from videos.api.bodies import RequestTooLarge, encode
from videos.requests import InvalidRequestError, Violation

NO_RETRY = {"x-should-retry": "false"}
"""OpenAI's SDK repeats some refusals by itself; this one will not change."""


@dataclass(frozen=True)
class Refusal:
    """An answer that is an error. `message` None means: as the exception words it."""

    status: int
    type: str
    code: str
    message: str | None = None
    headers: tuple[tuple[str, str], ...] = ()


_INVALID, _MISSING = "invalid_request_error", "not_found_error"
_UNKNOWN_TASK = "The task does not exist"

REFUSALS: dict[type[Exception], Refusal] = {
    drf.NotAuthenticated: Refusal(401, "authentication_error", "invalid_api_key", REFUSAL),
    drf.AuthenticationFailed: Refusal(401, "authentication_error", "invalid_api_key", REFUSAL),
    errors.TenantSuspended: Refusal(
        401, "authentication_error", "invalid_api_key", REFUSAL, (("WWW-Authenticate", CHALLENGE),)
    ),
    drf.PermissionDenied: Refusal(403, "permission_error", "permission_denied"),
    drf.NotFound: Refusal(404, _MISSING, "not_found", "Unknown route"),
    errors.TaskNotExist: Refusal(404, _MISSING, "task_not_exist", _UNKNOWN_TASK),
    errors.ModelNotExist: Refusal(404, _MISSING, "model_not_found"),
    drf.MethodNotAllowed: Refusal(405, _INVALID, "method_not_allowed"),
    errors.VideoNotReady: Refusal(409, _INVALID, "video_not_ready", headers=tuple(NO_RETRY.items())),
    errors.VideoExpired: Refusal(410, _INVALID, "video_expired"),
    RequestTooLarge: Refusal(413, _INVALID, "request_too_large"),
    drf.UnsupportedMediaType: Refusal(
        415,
        _INVALID,
        "unsupported_media_type",
        "The content type must be application/json or multipart/form-data",
    ),
    drf.ParseError: Refusal(400, _INVALID, "invalid_json"),
    errors.NoUpstreamAccount: Refusal(
        503, "server_error", "internal_error", "No upstream account can take this request at the moment"
    ),
}


def answer_exception(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """DRF's exception handler; what it does not know becomes `internal_error` further out."""
    if isinstance(error, InvalidRequestError):
        return Response(invalid_request(error.violations), status=400)
    refusal = next((known for kind, known in REFUSALS.items() if isinstance(error, kind)), None)
    if refusal is None:
        return None
    headers = dict(refusal.headers)
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    body = envelope(refusal.message or _wording(error), type=refusal.type, code=refusal.code)
    return Response(body, status=refusal.status, headers=headers)


def invalid_request(violations: Sequence[Violation]) -> dict[str, Any]:
    """The envelope for a request that breaks rules: the first on top, all in `errors`."""
    first = violations[0]
    body = envelope(first.message, type=_INVALID, code=first.code, param=first.param)
    return body | {"errors": [_as_dict(violation) for violation in violations]}


def envelope(message: str, *, type: str, code: str, param: str | None = None) -> dict[str, Any]:  # noqa: A002 - the contract's word
    """`error` is what OpenAI's clients read, the flat `code` and `message` what new-api's clients read."""
    return {
        "error": {"message": message, "type": type, "param": param, "code": code},
        "code": code,
        "message": message,
        "errors": [{"message": message, "param": param, "code": code}],
    }


def unknown_route(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """404 for whatever no route matches."""
    return plain(404, envelope("Unknown route", type=_MISSING, code="not_found"))


def malformed_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """400 for what Django refuses before a view is called, such as a foreign host name."""
    return plain(400, envelope("The request is malformed", type=_INVALID, code="invalid_request"))


def internal_error(request: HttpRequest) -> HttpResponse:
    """500, with the id that finds the log lines and no other detail."""
    message = f"Internal error; quote the request id {request_id(request)}"
    return plain(500, envelope(message, type="server_error", code="internal_error"))


def plain(status: int, body: Mapping[str, Any]) -> HttpResponse:
    """An answer outside the reach of DRF."""
    return HttpResponse(encode(body), status=status, content_type="application/json")


def _wording(error: Exception) -> str:
    return str(getattr(error, "detail", None) or error)


def _as_dict(violation: Violation) -> dict[str, Any]:
    described = {"message": violation.message, "param": violation.param, "code": violation.code}
    return described | ({"allowed": list(violation.allowed)} if violation.allowed is not None else {})
