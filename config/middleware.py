"""What wraps requests: every one, or those for the pages of people."""

import uuid
from collections.abc import Callable
from zoneinfo import ZoneInfo, available_timezones

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation
from django.utils.module_loading import import_string

REQUEST_ID_HEADER = "x-request-id"
TIME_ZONE_COOKIE = "time_zone"
"""Where the pages' script writes the time zone of the viewer's own clock."""
_FOR_PROGRAMS = ("/v1/", "/healthz", "/readyz")
_POLICY_FOR_PROGRAMS = "default-src 'none'; media-src 'self'; frame-ancestors 'none'"
"""Whatever a program is answered is no page, should a browser open it."""
_CONSOLE = "/admin/"
_ZONES = available_timezones()
Handler = Callable[[HttpRequest], HttpResponse]


class RequestIdMiddleware:
    """Give each request an id: in its answer, in every log line it causes, and in an `internal_error`."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer with `x-request-id` set."""
        request_id = f"req_{uuid.uuid4().hex}"
        request.META["REELAY_REQUEST_ID"] = request_id
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            response = self.get_response(request)
        response[REQUEST_ID_HEADER] = request_id
        return response


class PagesMiddleware:
    """Wrap the requests of people in the `PAGES_MIDDLEWARE` too, and let those of programs pass by."""

    def __init__(self, get_response: Handler) -> None:
        self._for_programs = self._for_people = get_response
        for name in reversed(settings.PAGES_MIDDLEWARE):
            self._for_people = import_string(name)(self._for_people)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer by the chain for whoever asks."""
        if request.path_info.startswith(_FOR_PROGRAMS):
            response = self._for_programs(request)
            response.headers.setdefault("Content-Security-Policy", _POLICY_FOR_PROGRAMS)
            return response
        try:
            return self._for_people(request)
        finally:
            translation.deactivate()  # or the next request of this thread would be answered in that language


class ConsolePolicyMiddleware:
    """Relax the content security policy for the staff console, whose theme evaluates inline scripts."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, with what `CSPMiddleware` is to add to the policy."""
        response = self.get_response(request)
        if request.path_info.startswith(_CONSOLE):
            vars(response)["_csp_update"] = settings.CONSOLE_SECURITY_POLICY
        return response


class ViewerTimeZoneMiddleware:
    """Show times by the viewer's own clock, whose zone a script of the pages left in a cookie."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer in that time zone; in the deployment's own where none is known."""
        name = request.COOKIES.get(TIME_ZONE_COOKIE, "")
        with timezone.override(ZoneInfo(name) if name in _ZONES else None):
            return self.get_response(request)


def request_id(request: HttpRequest) -> str:
    """The id that `RequestIdMiddleware` gave the request."""
    return str(request.META.get("REELAY_REQUEST_ID", ""))
