"""Django's error handlers: an HTML page for browsers, the API's error envelope for all other clients."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from config.middleware import request_id
from config.routes import CONSOLE_PREFIX, PROGRAM_PREFIXES, READING
from videos.api import errors


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """404 if no route matches, or the object is hidden from the viewer."""
    return _page(request, 404) if _wants_page(request) else errors.unknown_route(request, exception)


def malformed_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """400 for a request that Django rejects before any view, such as an unknown host name; never a page."""
    return errors.malformed_request(request, exception)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403 if the viewer's role does not allow the request."""
    if not _wants_page(request):
        return errors.forbidden("This is not allowed")
    return _page(request, 403, {"is_console": request.path_info.startswith(CONSOLE_PREFIX)})


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 for a form with a missing or outdated CSRF token."""
    if not _wants_page(request):
        return errors.forbidden("The form lacks the token of its page, or has an old one")
    return _page(request, 403, {"is_stale_form": True})


def internal_error(request: HttpRequest) -> HttpResponse:
    """500, with the request id that finds the log lines and no other detail."""
    if not _wants_page(request):
        return errors.internal_error(request)
    return _page(request, 500, {"request_id": request_id(request)})


class RefusedMethodsMiddleware:
    """Answers browsers with a page where an address does not take the method, such as a form's by GET."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code != 405 or not _wants_page(request):
            return response
        page = _page(request, 405, {"is_form": request.method in READING})
        page["Allow"] = response["Allow"]
        return page


def _wants_page(request: HttpRequest) -> bool:
    is_program = request.path_info.startswith(PROGRAM_PREFIXES)
    return not is_program and "text/html" in request.headers.get("accept", "")


def _page(request: HttpRequest, status: int, context: dict[str, object] | None = None) -> HttpResponse:
    return render(request, f"errors/{status}.html", context or {}, status=status)
