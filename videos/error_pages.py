"""What is answered where no view does: pages to people who browse, the API's envelope to all others."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from config.middleware import request_id
from config.routes import API_PREFIX, CONSOLE_PREFIX
from videos.api import errors


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """404 for whatever no route matches, and for what is not the viewer's."""
    return _page(request, 404) if _is_person(request) else errors.unknown_route(request, exception)


def malformed_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """400 for what Django refuses before a view is called, such as a foreign host name: nobody's page."""
    return errors.malformed_request(request, exception)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403 for what the viewer's role does not allow."""
    if not _is_person(request):
        return errors.forbidden("This is not allowed")
    return _page(request, 403, {"is_console": request.path_info.startswith(CONSOLE_PREFIX)})


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 for a form whose token is missing or old."""
    if not _is_person(request):
        return errors.forbidden("The form lacks the token of its page, or has an old one")
    return _page(request, 403, {"is_stale_form": True})


def internal_error(request: HttpRequest) -> HttpResponse:
    """500, with the id that finds the log lines and no other detail."""
    if not _is_person(request):
        return errors.internal_error(request)
    return _page(request, 500, {"request_id": request_id(request)})


def _is_person(request: HttpRequest) -> bool:
    """Whether a browser asks for a page."""
    return not request.path_info.startswith(API_PREFIX) and "text/html" in request.headers.get("accept", "")


def _page(request: HttpRequest, status: int, context: dict[str, object] | None = None) -> HttpResponse:
    return render(request, f"errors/{status}.html", context or {}, status=status)
