"""JSON responses, and the envelope of every error (contract section 5)."""

import json
from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse

from config.error_codes import ErrorCode

_COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def envelope(message: str, *, type: str, code: ErrorCode, param: str | None = None) -> dict[str, Any]:  # noqa: A002 - the contract's word
    """`error` is what OpenAI's clients read, the flat `code` and `message` what new-api's clients read."""
    return {
        "error": {"message": message, "type": type, "param": param, "code": code},
        "code": code,
        "message": message,
        "errors": [{"message": message, "param": param, "code": code}],
    }


def encode(data: Any) -> bytes:
    """Compact JSON in UTF-8; a lone surrogate, which a client may have sent, is escaped."""
    return _COMPACT.encode(data).encode("utf-8", "backslashreplace")


def json_response(status: int, body: Mapping[str, Any]) -> HttpResponse:
    """A JSON response from outside DRF."""
    return HttpResponse(encode(body), status=status, content_type="application/json")
