"""What wraps every request."""

import uuid
from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponse

REQUEST_ID_HEADER = "x-request-id"


class RequestIdMiddleware:
    """Give each request an id: in its answer, in every log line it causes, and in an `internal_error`."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer with `x-request-id` set."""
        request_id = f"req_{uuid.uuid4().hex}"
        request.META["REELAY_REQUEST_ID"] = request_id
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            response = self.get_response(request)
        response[REQUEST_ID_HEADER] = request_id
        return response


def request_id(request: HttpRequest) -> str:
    """The id that `RequestIdMiddleware` gave the request."""
    return str(request.META.get("REELAY_REQUEST_ID", ""))
