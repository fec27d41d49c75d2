"""What refuses a request, in Tencent's words: the code of each of our refusals."""

import json
from typing import Any

import structlog
from django.core.exceptions import RequestDataTooBig
from django.db import InterfaceError, OperationalError

from accounts import signatures
from accounts.api.signed import UnknownKeyPair
from accounts.quotas.limits import Kind, LimitReached
from config.error_codes import ErrorCode
from videos import errors
from videos.dialects.tencent.codes import Code, Refused
from videos.models import Task

log = structlog.get_logger(__name__)
_AWAY = "The database cannot be reached at the moment"
_TOO_LARGE = "The request body must not exceed 1 MiB"

BY_ERROR_CODE: dict[ErrorCode, Code] = {
    "bucket_not_set": Code.VALUE,
    "concurrency_limit_exceeded": Code.CONCURRENCY,
    "file_in_use": Code.IN_USE,
    "file_not_exist": Code.NOT_FOUND,
    "header_too_large": Code.TOO_LARGE,
    "http_version_not_supported": Code.PROTOCOL,
    "idempotency_key_reused": Code.VALUE,
    "incomplete_body": Code.REQUEST,
    "insufficient_quota": Code.QUOTA,
    "internal_error": Code.INTERNAL,
    "invalid_api_key": Code.SECRET_ID,
    "invalid_json": Code.REQUEST,
    "invalid_range": Code.REQUEST,
    "invalid_request": Code.REQUEST,
    "max_cost_exceeded": Code.VALUE,
    "method_not_allowed": Code.PROTOCOL,
    "model_not_found": Code.MODEL,
    "no_upstream_available": Code.NO_ACCOUNT,
    "not_found": Code.NOT_FOUND,
    "overloaded": Code.BUSY,
    "permission_denied": Code.NOT_ALLOWED,
    "precondition_failed": Code.REQUEST,
    "rate_limit_exceeded": Code.RATE,
    "request_too_large": Code.TOO_LARGE,
    "store_unavailable": Code.BUSY,
    "task_not_exist": Code.TASK,
    "unsupported_media_type": Code.PROTOCOL,
    "video_expired": Code.NOT_FOUND,
    "video_in_progress": Code.IN_USE,
    "video_in_your_bucket": Code.NOT_FOUND,
    "video_not_ready": Code.IN_USE,
}
"""For refusals outside the view, such as the edge's, which are made in the envelope of the generic API."""
BY_EXCEPTION: dict[type[Exception], tuple[Code, str | None]] = {
    signatures.Malformed: (Code.AUTHORIZATION, None),
    signatures.Expired: (Code.EXPIRED, None),
    signatures.Forged: (Code.SIGNATURE, None),
    UnknownKeyPair: (Code.SECRET_ID, None),
    errors.KeyRefused: (Code.SECRET_ID, str(UnknownKeyPair())),
    errors.ModelNotAllowed: (Code.NOT_ALLOWED, None),
    errors.NoUpstreamAccount: (Code.NO_ACCOUNT, None),
    errors.NoPrice: (Code.INTERNAL, None),
    Task.DoesNotExist: (Code.TASK, "The task does not exist"),
    RequestDataTooBig: (Code.TOO_LARGE, _TOO_LARGE),
    OperationalError: (Code.INTERNAL, _AWAY),
    InterfaceError: (Code.INTERNAL, _AWAY),
}
"""The code of each exception, and the message if it is not the exception's own."""
BY_KIND = {Kind.RATE: Code.RATE, Kind.CONCURRENCY: Code.CONCURRENCY, Kind.QUOTA: Code.QUOTA}
"""By the kind of a limit; the balance has a code of its own."""
EXPECTED: tuple[type[Exception], ...] = (Refused, errors.NotAdmitted, *BY_EXCEPTION)
"""The exceptions that refuse a request; others are faults of ours."""


def refusal_of(error: Exception) -> Refused:
    """The refusal that an expected exception stands for."""
    if isinstance(error, Refused):
        return error
    if isinstance(error, errors.NotAdmitted):
        message = "; ".join(refusal.message for refusal in error.refusals)
        return Refused(_code_of_limit(error.refusals[0]), message)
    if isinstance(error, OperationalError | InterfaceError):
        log.error("the database failed a request", exc_info=error)
    code, own = next(told for kind, told in BY_EXCEPTION.items() if isinstance(error, kind))
    return Refused(code, own or str(error))


def refusal_in(content: bytes) -> Refused:
    """The refusal in an error envelope of the generic API."""
    try:
        sent: Any = json.loads(content)
        code, message = sent["code"], str(sent["message"])
    except (ValueError, KeyError, TypeError):  # a page, or nothing
        code, message = "invalid_request", "The request is malformed"
    return Refused(BY_ERROR_CODE.get(code, Code.REQUEST), message)


def _code_of_limit(refusal: LimitReached) -> Code:
    return Code.BALANCE if refusal.limit == "balance" else BY_KIND[refusal.kind]
