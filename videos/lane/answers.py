"""The responses of the lane, with the headers that the middleware would add."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import structlog

from config import compression
from config.edge.answers import Answer
from config.middleware import REQUEST_ID_HEADER, new_request_id
from videos.api.errors import EXPECTED
from videos.lane.asked import Asked

Value = TypeVar("Value")
Outcome = Answer | Exception | None
"""A response, an error that the view is to answer, or None: the view is to do all of it."""
log = structlog.get_logger(__name__)


def ok(asked: Asked, content: bytes, own: Mapping[str, str]) -> Answer:
    """A successful JSON response with its `own` headers."""
    varies = "vary" in own or compression.is_large(content)
    content, encoding = compression.encoded(content, asked.accept_encoding)
    headers = {**own, **encoding, "allow": asked.route.allow, "content-type": "application/json"}
    if vary := [*asked.origin.vary, *([compression.VARY] if varies else [])]:
        headers["vary"] = ", ".join(vary)
    headers |= {"content-length": str(len(content)), REQUEST_ID_HEADER: new_request_id()}
    encoded = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    return Answer(200, [*asked.origin.headers, *encoded], content)


def attempt(work: Callable[..., Value], *values: Any) -> Value | None:
    """What the work returns; None if it fails, for then the view is to serve the request."""
    try:
        return work(*values)
    except Exception as error:
        left_to_the_view(error)
        return None


def left_to_the_view(error: Exception) -> None:
    """Note an error for which the view is to serve a request: most are refusals."""
    if not isinstance(error, EXPECTED):
        log.warning("the lane could not serve a request", exc_info=error)
