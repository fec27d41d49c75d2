"""The rules of the generic video API: a body becomes a `VideoRequest`, or every violation at once. Pure."""

from videos.requests.draft import File
from videos.requests.parsing import VideoRequest, parse
from videos.requests.violations import InvalidRequestError, Violation

__all__ = ["File", "InvalidRequestError", "VideoRequest", "Violation", "parse"]
