"""What Django makes of where a request was sent: its scheme and host, and the headers of its responses."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse
from django.utils.module_loading import import_string

from config.edge.answers import Headers
from config.middleware import REQUEST_ID_HEADER
from config.routes import API_PREFIX

_OK = 200
_OF_EACH = frozenset({REQUEST_ID_HEADER, "content-length", "content-type", "vary"})
"""Headers that each response sets itself."""


@dataclass(frozen=True)
class Origin:
    """The scheme and host of a request that Django accepts, and what its responses have in common."""

    root: str
    """Such as `https://api.example/`."""
    headers: Headers
    vary: tuple[str, ...]
    """What responses vary on beside their own."""

    def build_absolute_uri(self, location: str, /) -> str:
        """As of Django's request, for the root alone."""
        return self.root


@lru_cache(maxsize=1024)
def origin(scheme: str, server: str, port: str, host: str, forwarded_scheme: str | None) -> Origin | None:
    """Judged by Django itself, once for each combination; None if the response would not be a plain 200.

    `forwarded_scheme` is the header of SECURE_PROXY_SSL_HEADER; None if it was not sent.
    """
    request = HttpRequest()
    request.method, request.path = "GET", API_PREFIX
    request.path_info = request.path
    request.META = {"REQUEST_METHOD": "GET", "SERVER_NAME": server, "SERVER_PORT": port}
    request.META |= {"HTTP_HOST": host} if host else {}
    request.META |= {} if forwarded_scheme is None else {_forwarded(): forwarded_scheme}
    request.__dict__["_get_scheme"] = lambda: scheme
    try:
        response = _middleware()(request)
        root = request.build_absolute_uri("/")
    except DisallowedHost:
        return None
    if response.status_code != _OK:  # such as a redirect to https
        return None
    headers = {name.lower(): value for name, value in response.items()}
    vary = tuple(part.strip() for part in headers.get("vary", "").split(",") if part.strip())
    kept = {name: value for name, value in headers.items() if name not in _OF_EACH}
    return Origin(root, [(name.encode(), value.encode("latin-1")) for name, value in kept.items()], vary)


@cache
def forwarded_scheme_header() -> str:
    """The name of the header that says which scheme the proxy was asked by; empty if none is trusted."""
    return _forwarded().removeprefix("HTTP_").replace("_", "-").lower()


def prepare() -> None:
    """Build the middleware, which takes some time."""
    _middleware()


def _forwarded() -> str:
    return settings.SECURE_PROXY_SSL_HEADER[0] if settings.SECURE_PROXY_SSL_HEADER else ""


@cache
def _middleware() -> Callable[[HttpRequest], HttpResponse]:
    """The middleware around an empty JSON response."""

    def handler(request: HttpRequest) -> HttpResponse:
        return HttpResponse(b"{}", content_type="application/json")

    for name in reversed(settings.MIDDLEWARE):
        handler = import_string(name)(handler)
    return handler
