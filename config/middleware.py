"""Middleware for all requests, and for pages only."""

import secrets
from collections.abc import Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote_to_bytes, urlencode, urlsplit
from zoneinfo import ZoneInfo

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.utils import timezone, translation
from django.utils.module_loading import import_string
from django_htmx.http import HttpResponseClientRedirect
from django_htmx.middleware import HtmxDetails

from config import charsets, health, time_zones
from config.edge.bodies import SMALL_BYTES
from config.envelope import envelope, json_response
from config.error_codes import ErrorCode
from config.routes import (
    CONSOLE_PREFIX,
    FOR_PAGES,
    HEALTH_PREFIXES,
    PICTURE_FORMS,
    PROGRAM_PREFIXES,
    READING,
)

REQUEST_ID_HEADER = "x-request-id"
TIME_ZONE_COOKIE = "time_zone"
"""Set by a script of the pages to the viewer's time zone."""
_FOR_PROGRAMS = (*PROGRAM_PREFIXES, *HEALTH_PREFIXES)
_POLICY_FOR_PROGRAMS = "default-src 'none'; media-src 'self'; frame-ancestors 'none'"
"""For API responses opened in a browser, which are no pages."""
_PLAIN = ("", "identity")
"""Content encodings that mean uncompressed."""
_SHOWN = 50
"""How many characters of client input an error repeats."""
_CODES: dict[int, ErrorCode] = {405: "method_not_allowed", 416: "invalid_range"}
"""Error codes of refusals without a body, by status."""
Handler = Callable[[HttpRequest], HttpResponse]


class _Middleware:
    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response


class RequestIdMiddleware(_Middleware):
    """Gives each request an id: in its response, in its log lines, and in an `internal_error`."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        identity = request.META["REELAY_REQUEST_ID"] = new_request_id()
        with structlog.contextvars.bound_contextvars(request_id=identity):
            response = self.get_response(request)
        response[REQUEST_ID_HEADER] = identity
        return response


class EmptyRefusalsMiddleware(_Middleware):
    """Adds the error envelope to refusals without a body, which Django and WhiteNoise send."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code < HTTPStatus.BAD_REQUEST or (not response.streaming and response.content):
            return response
        return _with_envelope(request, response)


class HealthMiddleware(_Middleware):
    """Answers the health routes before anything checks the Host, which a probe may not know."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        view = health.ROUTES.get(request.path_info.removesuffix("/"))
        if view is None:
            return self.get_response(request)
        return view(request) if request.method in READING else HttpResponseNotAllowed(READING)


class MethodsMiddleware(_Middleware):
    """Refuses methods that no page accepts, before a page checks the log-in or the CSRF token."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, arguments: Any, named: Any
    ) -> HttpResponse | None:
        """Answer 405 on the route of a page; each API route checks its own methods."""
        if request.method in FOR_PAGES or request.path_info.startswith(PROGRAM_PREFIXES):
            return None
        return HttpResponseNotAllowed(FOR_PAGES)


class PlainBodiesMiddleware(_Middleware):
    """Refuses (415) a body that is compressed or in another charset, which would be misread."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        obstacle = _obstacle(request) if request.META.get("CONTENT_LENGTH", "0") not in ("", "0") else ""
        if not obstacle:
            return self.get_response(request)
        body = envelope(obstacle, type="invalid_request_error", code="unsupported_media_type")
        return json_response(415, body)


class ReadableTextMiddleware(_Middleware):
    """Refuses (400) a query or a page's form that is not UTF-8, where Django would replace characters.

    The API decodes request bodies itself.
    """

    def __call__(self, request: HttpRequest) -> HttpResponse:
        query = request.META.get("QUERY_STRING", "")
        if query and (name := _unreadable(query.encode("latin-1"))) is not None:
            return _bad(f"The query parameter {name} is not UTF-8", param=name)
        is_page = request.method == "POST" and not request.path_info.startswith(PROGRAM_PREFIXES)
        return (_form_refusal(request) if is_page else None) or self.get_response(request)


class PictureFormsMiddleware(_Middleware):
    """Lets only people who are logged in send large forms: the check of the CSRF token reads all of it."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, arguments: Any, named: Any
    ) -> HttpResponse | None:
        """Send everybody else to the log-in, without reading the form."""
        is_large = int(request.META.get("CONTENT_LENGTH") or 0) > SMALL_BYTES
        if not is_large or request.path_info.startswith(PROGRAM_PREFIXES) or request.user.is_authenticated:
            return None
        query = urlencode({"next": request.get_full_path()})
        return HttpResponseRedirect(f"{resolve_url(settings.LOGIN_URL)}?{query}")


class PagesMiddleware:
    """Wraps requests for pages in the `PAGES_MIDDLEWARE`; those to the API and the health routes skip it."""

    def __init__(self, get_response: Handler) -> None:
        self._for_programs = self._for_people = get_response
        for name in reversed(settings.PAGES_MIDDLEWARE):
            self._for_people = import_string(name)(self._for_people)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info.startswith(_FOR_PROGRAMS):
            response = self._for_programs(request)
            response.headers.setdefault("Content-Security-Policy", _POLICY_FOR_PROGRAMS)
            return response
        try:
            return self._for_people(request)
        finally:
            translation.deactivate()  # otherwise this thread's next request would use that language


class ConsolePolicyMiddleware(_Middleware):
    """Relaxes the content security policy for the staff console, whose theme evaluates inline scripts."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.path_info.startswith(CONSOLE_PREFIX):
            vars(response)["_csp_update"] = settings.CONSOLE_SECURITY_POLICY
        return response


class ViewerTimeZoneMiddleware(_Middleware):
    """Shows times in the viewer's time zone, from the cookie; in the deployment's if that is not set."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        name = request.COOKIES.get(TIME_ZONE_COOKIE, "")
        with timezone.override(ZoneInfo(name) if name in time_zones.names() else None):
            return self.get_response(request)


class WholePageLogInMiddleware(_Middleware):
    """Leads the whole page to the log-in, and back to itself, if only a part of it was asked for."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        asked: HtmxDetails = vars(request)["htmx"]
        if not asked or not isinstance(response, HttpResponseRedirect):
            return response
        log_in = urlsplit(response.url).path
        if log_in not in (resolve_url(settings.LOGIN_URL), f"{CONSOLE_PREFIX}login/"):
            return response
        page = asked.current_url_abs_path or request.path
        return HttpResponseClientRedirect(f"{log_in}?{urlencode({'next': page})}")


def request_id(request: HttpRequest) -> str:
    """The id that `RequestIdMiddleware` gave the request."""
    return str(request.META.get("REELAY_REQUEST_ID", ""))


def new_request_id() -> str:
    """A random id for a new request."""
    return f"req_{secrets.token_hex(16)}"


def _with_envelope(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """The refusal with its headers and the error envelope."""
    status = response.status_code
    code: ErrorCode = _CODES.get(status, "invalid_request")
    message = f'Method "{request.method}" not allowed.' if status == 405 else response.reason_phrase
    answer = json_response(status, envelope(message, type="invalid_request_error", code=code))
    answer["content-length"] = str(len(answer.content))
    for name, value in response.items():
        answer.headers.setdefault(name, value)
    return answer


def _form_refusal(request: HttpRequest) -> HttpResponse | None:
    if request.content_type == "application/x-www-form-urlencoded":
        name = _unreadable(request.body)
        return None if name is None else _bad(f"The field {name} is not UTF-8", param=name)
    if request.content_type != "multipart/form-data":
        return None
    may_have_picture = PICTURE_FORMS.fullmatch(request.path_info) is not None
    if may_have_picture and int(request.META.get("CONTENT_LENGTH") or 0) > SMALL_BYTES:
        return None  # it is not read into memory
    boundary = (request.content_params or {}).get("boundary", "")
    if f"--{boundary}--".encode() not in request.body:
        return _bad("The form ends before its last boundary", code="incomplete_body")
    if may_have_picture and b"filename=" in request.body:
        return None  # a picture is no text
    return None if _is_utf_8(request.body) else _bad("The form is not UTF-8")


def _is_utf_8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _unreadable(pairs: bytes) -> str | None:
    """The name of the first field that is not UTF-8 once unescaped; None if all are."""
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
    """Why the body cannot be read as it is; empty if it can."""
    sent = request.META.get("HTTP_CONTENT_ENCODING", "").strip()
    if sent.lower() not in _PLAIN:
        encoding = charsets.header_text(sent).lower()
        return f"Content-Encoding {encoding[:_SHOWN]} is not supported; send the body uncompressed"
    charset = (request.content_params or {}).get("charset", charsets.UTF_8)
    if charsets.codec(charset) not in (charsets.UTF_8, charsets.ASCII):
        return f"The charset {charsets.header_text(charset)[:_SHOWN]} is not supported; send UTF-8"
    return ""
