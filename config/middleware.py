"""What wraps requests: every one, or those for the pages of people."""

import uuid
from collections.abc import Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote_to_bytes
from zoneinfo import ZoneInfo

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.utils import timezone, translation
from django.utils.module_loading import import_string

from config import charsets, health, time_zones
from config.envelope import envelope, json_response
from config.error_codes import ErrorCode
from config.routes import API_PREFIX, CONSOLE_PREFIX, FOR_PAGES, HEALTH_PREFIXES, READING

REQUEST_ID_HEADER = "x-request-id"
TIME_ZONE_COOKIE = "time_zone"
"""Where the pages' script writes the time zone of the viewer's own clock."""
_FOR_PROGRAMS = (API_PREFIX, *HEALTH_PREFIXES)
_POLICY_FOR_PROGRAMS = "default-src 'none'; media-src 'self'; frame-ancestors 'none'"
"""Whatever a program is answered is no page, should a browser open it."""
_PLAIN = ("", "identity")
"""Content encodings that are none."""
_SHOWN = 50
"""Characters of what a client sent that an error repeats."""
_CODES: dict[int, ErrorCode] = {405: "method_not_allowed", 416: "invalid_range"}
"""Of refusals that come without a word."""
Handler = Callable[[HttpRequest], HttpResponse]


class RequestIdMiddleware:
    """Give each request an id: in its answer, in every log line it causes, and in an `internal_error`."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer with `x-request-id` set."""
        identity = request.META["REELAY_REQUEST_ID"] = new_request_id()
        with structlog.contextvars.bound_contextvars(request_id=identity):
            response = self.get_response(request)
        response[REQUEST_ID_HEADER] = identity
        return response


class EmptyRefusalsMiddleware:
    """Say in the envelope what is refused without a word, as Django and the server of assets do."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, with something to read in every refusal."""
        response = self.get_response(request)
        if response.status_code < HTTPStatus.BAD_REQUEST or (not response.streaming and response.content):
            return response
        return _told(request, response)


class HealthMiddleware:
    """Answer the health routes before anything that depends on the Host, which a probe hardly knows."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, or let any other request pass."""
        view = health.ROUTES.get(request.path_info.removesuffix("/"))
        if view is None:
            return self.get_response(request)
        return view(request) if request.method in READING else HttpResponseNotAllowed(READING)


class MethodsMiddleware:
    """Refuse methods that no page knows, before a page asks for a log-in or the token of a form."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Let the request pass to where its route is known."""
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, arguments: Any, named: Any
    ) -> HttpResponse | None:
        """Answer 405 on the route of a page; the API says for each route what it takes."""
        if request.method in FOR_PAGES or request.path_info.startswith(API_PREFIX):
            return None
        return HttpResponseNotAllowed(FOR_PAGES)


class PlainBodiesMiddleware:
    """Refuse a body that is compressed or in a foreign charset, which would be read as something else."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer 415 with the cause, or let the request pass."""
        obstacle = _obstacle(request) if request.META.get("CONTENT_LENGTH", "0") not in ("", "0") else ""
        if not obstacle:
            return self.get_response(request)
        body = envelope(obstacle, type="invalid_request_error", code="unsupported_media_type")
        return json_response(415, body)


class ReadableTextMiddleware:
    """Refuse a query, or a form of a page, that Django would read with marks in place of what it says.

    The API reads the bodies it is sent by itself.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer 400 that names what cannot be read, or let the request pass."""
        query = request.META.get("QUERY_STRING", "")
        if query and (name := _unreadable(query.encode("latin-1"))) is not None:
            return _bad(f"The query parameter {name} is not UTF-8", param=name)
        is_page = request.method == "POST" and not request.path_info.startswith(API_PREFIX)
        return (_form_refusal(request) if is_page else None) or self.get_response(request)


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
        if request.path_info.startswith(CONSOLE_PREFIX):
            vars(response)["_csp_update"] = settings.CONSOLE_SECURITY_POLICY
        return response


class ViewerTimeZoneMiddleware:
    """Show times by the viewer's own clock, whose zone a script of the pages left in a cookie."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer in that time zone; in the deployment's own where none is known."""
        name = request.COOKIES.get(TIME_ZONE_COOKIE, "")
        with timezone.override(ZoneInfo(name) if name in time_zones.names() else None):
            return self.get_response(request)


def request_id(request: HttpRequest) -> str:
    """The id that `RequestIdMiddleware` gave the request."""
    return str(request.META.get("REELAY_REQUEST_ID", ""))


def new_request_id() -> str:
    """An id for a request that was just received."""
    return f"req_{uuid.uuid4().hex}"


def _told(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """The refusal with its headers, and with the envelope."""
    status = response.status_code
    code: ErrorCode = _CODES.get(status, "invalid_request")
    message = f'Method "{request.method}" not allowed.' if status == 405 else response.reason_phrase
    told = json_response(status, envelope(message, type="invalid_request_error", code=code))
    told["content-length"] = str(len(told.content))
    for name, value in response.items():
        told.headers.setdefault(name, value)
    return told


def _form_refusal(request: HttpRequest) -> HttpResponse | None:
    if request.content_type == "application/x-www-form-urlencoded":
        name = _unreadable(request.body)
        return None if name is None else _bad(f"The field {name} is not UTF-8", param=name)
    if request.content_type != "multipart/form-data":
        return None
    boundary = (request.content_params or {}).get("boundary", "")
    if f"--{boundary}--".encode() not in request.body:
        return _bad("The form ends before its last boundary", code="incomplete_body")
    try:
        request.body.decode()
    except UnicodeDecodeError:
        return _bad("The form is not UTF-8")
    return None


def _unreadable(pairs: bytes) -> str | None:
    """The name of the first field that is not UTF-8, escapes undone; None where all are."""
    if b"%" not in pairs and pairs.isascii():
        return None
    for pair in pairs.split(b"&"):
        try:
            unquote_to_bytes(pair).decode()
        except UnicodeDecodeError:
            return unquote_to_bytes(pair.partition(b"=")[0]).decode(errors="replace")[:_SHOWN]
    return None


def _bad(message: str, *, param: str | None = None, code: ErrorCode = "invalid_request") -> HttpResponse:
    return json_response(400, envelope(message, type="invalid_request_error", code=code, param=param))


def _obstacle(request: HttpRequest) -> str:
    """Why the body cannot be read as it is; empty where it can."""
    sent = request.META.get("HTTP_CONTENT_ENCODING", "").strip()
    if sent.lower() not in _PLAIN:
        encoding = charsets.header_text(sent).lower()
        return f"Content-Encoding {encoding[:_SHOWN]} is not supported; send the body uncompressed"
    charset = (request.content_params or {}).get("charset", charsets.UTF_8)
    if charsets.codec(charset) not in (charsets.UTF_8, charsets.ASCII):
        return f"The charset {charsets.header_text(charset)[:_SHOWN]} is not supported; send UTF-8"
    return ""
