"""The routes of the API and the format of refusals (contract section 5)."""

import json
import re

from django.http import HttpResponse

from config.ids import first_uuid7
from tests.conftest import NOW

TYPES = {
    "invalid_api_key": "authentication_error",
    "permission_denied": "permission_error",
    "task_not_exist": "not_found_error",
    "not_found": "not_found_error",
    "rate_limit_exceeded": "rate_limit_error",
    "concurrency_limit_exceeded": "rate_limit_error",
    "insufficient_quota": "insufficient_quota",
    "internal_error": "server_error",
    "no_upstream_available": "server_error",
}
"""`error.type` by code; any other refusal is an `invalid_request_error`."""
BUCKET_CHECK = "/v1/account/bucket/check"
CREATE_ROUTES = ["/v1/videos", "/v1/videos/generations", "/v1/video/generations"]
QUERY_ROUTES = ["/v1/videos/{id}", "/v1/videos/generations/{id}", "/v1/video/generations/{id}"]
READ_ROUTES = [
    "/v1/videos/{id}/content",
    "/v1/files/{id}/content",
    "/v1/usage",
    "/v1/account",
    "/v1/models",
    "/v1/models/Kling-3.0-720p",
]
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW")
UNKNOWN_ID = f"task_{first_uuid7(NOW).hex}"


def assert_request_id(answer: HttpResponse) -> str:
    request_id = str(answer.headers["x-request-id"])
    assert re.fullmatch(r"req_[0-9a-f]{32}", request_id)
    return request_id


def assert_refused(answer: HttpResponse, status: int, code: str) -> str:
    """Check that the answer is this refusal in the envelope; returns its message."""
    assert answer.status_code == status, answer.content
    assert_request_id(answer)
    assert answer.headers["content-type"] == "application/json"
    body = json.loads(answer.content)
    message, param = body["message"], body["error"]["param"]
    assert isinstance(message, str)
    assert message
    kind = TYPES.get(code, "not_found_error" if status == 404 else "invalid_request_error")
    assert body["error"] == {"message": message, "type": kind, "param": param, "code": code}
    assert body["code"] == code
    assert body["errors"][0].items() >= {"message": message, "param": param, "code": code}.items()
    assert body.keys() == {"error", "code", "message", "errors"}
    return message


def sample(route: str) -> str:
    return route.format(id=UNKNOWN_ID)
