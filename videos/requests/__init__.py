"""The rules of the generic video API: turn a body into a `VideoRequest`, or report all violations. Pure."""

from videos.requests.bounds import check as check_bounds
from videos.requests.bounds import too_many_items
from videos.requests.draft import File
from videos.requests.extras import without_a_meaning
from videos.requests.parsing import VideoRequest, parse
from videos.requests.violations import InvalidRequestError, Violation

__all__ = [
    "File",
    "InvalidRequestError",
    "VideoRequest",
    "Violation",
    "check_bounds",
    "parse",
    "too_many_items",
    "without_a_meaning",
]
