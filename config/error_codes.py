"""The error codes of the API (contract section 5). Pure."""

from typing import Literal

ErrorCode = Literal[
    "bucket_not_set",
    "concurrency_limit_exceeded",
    "file_in_use",
    "file_not_exist",
    "header_too_large",
    "http_version_not_supported",
    "idempotency_key_reused",
    "incomplete_body",
    "insufficient_quota",
    "internal_error",
    "invalid_api_key",
    "invalid_json",
    "invalid_range",
    "invalid_request",
    "max_cost_exceeded",
    "method_not_allowed",
    "model_not_found",
    "no_upstream_available",
    "not_found",
    "overloaded",
    "permission_denied",
    "precondition_failed",
    "rate_limit_exceeded",
    "request_too_large",
    "store_unavailable",
    "task_not_exist",
    "unsupported_media_type",
    "video_expired",
    "video_in_progress",
    "video_in_your_bucket",
    "video_not_ready",
]
"""Clients depend on them, so a code never changes its meaning; `docs/errors.md` describes each."""
