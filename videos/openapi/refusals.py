"""Refusals: which codes have which status, and an example of each as the code would write it."""

from collections.abc import Mapping
from typing import Any

from accounts.api.authentication import CHALLENGE
from accounts.api.permissions import HasScope
from accounts.quotas.limits import Kind, LimitReached
from config.envelope import envelope
from config.error_codes import ErrorCode
from videos.api import errors
from videos.api.bodies import MALFORMED, RequestTooLarge
from videos.openapi.objects import TEXT, WHOLE
from videos.openapi.parts import JSON, Answer, Body, Header, Refused, ref
from videos.requests import InvalidRequestError, parse
from videos.tasks.deletion import IN_PROGRESS

ALWAYS: Refused = {
    400: ("invalid_request",),
    429: ("rate_limit_exceeded",),
    431: ("header_too_large",),
    500: ("internal_error",),
    503: ("internal_error", "overloaded"),
    505: ("http_version_not_supported",),
}
"""What any request may be refused with."""
WITH_KEY: Refused = {401: ("invalid_api_key",), 403: ("permission_denied",)}
"""What a request that needs a key may be refused with besides."""
WITH_BODY: Refused = {
    400: ("invalid_json", "incomplete_body"),
    413: ("request_too_large",),
    415: ("unsupported_media_type",),
}
"""What a request with a body may be refused with besides."""
MEANINGS: Mapping[int, str] = {
    400: "The request breaks a rule.",
    401: "The API key is missing, wrong, revoked or expired.",
    403: "The API key may not do this.",
    404: "There is no such thing, or it is another tenant's.",
    405: "The route does not take this method.",
    409: "The state of the video or file does not allow this now.",
    410: "The video was kept as long as promised and is gone.",
    412: "The video is not the one that the request names.",
    413: "The body is too large.",
    415: "The body is neither JSON nor a form in UTF-8, or it is compressed.",
    416: "The range lies outside the video.",
    422: "The Idempotency-Key came with another request before.",
    429: "A limit is reached.",
    431: "The head of the request is too large.",
    500: "Something of ours broke.",
    503: "Something that the request needs does not work at the moment.",
    505: "HTTP/2 is not switched on.",
}
REQUEST_ID = Header(
    "x-request-id", TEXT, "The id of this request, to be quoted in questions.", is_always=True
)
_RETRY_AFTER = Header("retry-after", WHOLE, "Seconds after which to try again.")
_SHOULD_RETRY = Header("x-should-retry", TEXT, "`false` where a retry is useless.")
HEADERS: Mapping[int, tuple[Header, ...]] = {
    401: (
        Header("www-authenticate", {**TEXT, "examples": [CHALLENGE]}, "How to authenticate.", is_always=True),
    ),
    405: (Header("allow", TEXT, "The methods that the route takes.", is_always=True),),
    409: (_SHOULD_RETRY,),
    416: (Header("content-range", TEXT, "The size of the video.", is_always=True),),
    422: (_SHOULD_RETRY,),
    429: (_RETRY_AFTER, _SHOULD_RETRY),
    503: (_RETRY_AFTER, _SHOULD_RETRY),
}
"""Headers of refusals besides the request's id, by status."""
_BROKEN = {"model": "Kling-2.5-720p", "seconds": 7, "prompt": "a cat", "metadata": {"aspect_ratio": "2:1"}}
"""A request that breaks two rules."""
_LIMITS: Mapping[ErrorCode, LimitReached] = {
    "rate_limit_exceeded": LimitReached(
        *(Kind.RATE, "requests_per_minute", 60, 60),
        message="The limit of 60 tasks per minute is reached: 60 in the last minute",
        retry_at=None,
    ),
    "concurrency_limit_exceeded": LimitReached(
        *(Kind.CONCURRENCY, "concurrent_tasks", 5, 5),
        message="The limit of 5 concurrent tasks is reached: 5 are open",
        retry_at=None,
    ),
    "insufficient_quota": LimitReached(
        *(Kind.QUOTA, "seconds_per_day", 60, 58),
        message="The daily limit of 60 seconds of video does not allow this task: 58 are used, it has 5",
        retry_at=None,
    ),
}
_MESSAGES: Mapping[ErrorCode, str] = {
    "bucket_not_set": "No bucket is set for this account",
    "file_in_use": "The file is used by task_01a21cabb86672b88a41da17a78b1ba7",
    "header_too_large": "The request head must not exceed 64 header fields and 16384 bytes",
    "http_version_not_supported": "HTTP/2 is not spoken here; use HTTP/1.1",
    "idempotency_key_reused": "This Idempotency-Key was used with another body",
    "incomplete_body": "The request body ended before its last byte",
    "internal_error": "Internal error; quote the request id req_0c9f3bd56e5a4f0a8a7a4cf9a6f8f3d1",
    "invalid_json": f"{MALFORMED}: a comma is missing at line 1, column 27 (seconds)",
    "invalid_range": "The range lies outside the video's 1048576 bytes",
    "max_cost_exceeded": "The price of 5.00 CNY exceeds max_cost, 4.00",
    "method_not_allowed": 'Method "PUT" not allowed.',
    "model_not_found": "The model 'Kling-9.9' does not exist",
    "no_upstream_available": "No upstream account can take this request at the moment",
    "overloaded": "Too many request bodies are arriving at once; send this one again in a moment",
    "permission_denied": HasScope.message,
    "precondition_failed": "The video is not the one that If-Match or If-Unmodified-Since names",
    "request_too_large": RequestTooLarge.default_detail,
    "video_expired": "The video was kept until 2026-12-20 12:00 UTC and has been removed",
    "video_in_progress": IN_PROGRESS,
    "video_in_your_bucket": "The video is in your bucket films-1250000000 (ap-x) as a.mp4: denied",
    "video_not_ready": "The video is not ready yet",
}
"""Messages of refusals that the code words anew each time."""
_OF_REFUSALS = {refusal.code: refusal for refusal in errors.REFUSALS.values()}
_TYPES: Mapping[str, str] = {"overloaded": "server_error"}


def merged(*tables: Refused) -> Refused:
    """The codes of all tables, by status in order."""
    statuses = sorted({status for table in tables for status in table})
    return {
        status: tuple(dict.fromkeys(code for table in tables for code in table.get(status, ())))
        for status in statuses
    }


def answer(status: int, codes: tuple[ErrorCode, ...]) -> Answer:
    """The answer with that status, with an example of each code."""
    described = f"{MEANINGS[status]} `code` is {' or '.join(f'`{code}`' for code in codes)}."
    examples: dict[str, Any] = {code: example(code) for code in codes}
    return Answer(described, (Body(JSON, ref("Error"), examples),), (REQUEST_ID, *HEADERS.get(status, ())))


def example(code: ErrorCode) -> dict[str, Any]:
    """A body with that code."""
    if code == "invalid_request":
        return _invalid_request()
    if code in _LIMITS:
        return errors.not_admitted([_LIMITS[code]])
    refusal = _OF_REFUSALS.get(code)
    kind = refusal.type if refusal else _TYPES.get(code, "invalid_request_error")
    message = _MESSAGES.get(code) or (refusal.message if refusal else None)
    assert message, code  # noqa: S101 - a test builds all examples
    return envelope(message, type=kind, code=code, param=refusal.param if refusal else None)


def _invalid_request() -> dict[str, Any]:
    try:
        parse(_BROKEN)
    except InvalidRequestError as error:
        return errors.invalid_request(error.violations)
    raise AssertionError("the request is valid")
