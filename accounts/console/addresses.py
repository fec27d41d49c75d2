"""Keeps API keys out of the addresses of the console: browsers and proxies remember those."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from accounts import keys
from config.routes import CONSOLE_PREFIX, READING


class KeysInAddressesMiddleware:
    """Leads to the same address with each API key in it cut to its prefix, by which searches find it.

    The console's script cuts it before it is sent; this is for browsers without script, and for links.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        asked = request.META.get("QUERY_STRING", "")
        if request.path_info.startswith(CONSOLE_PREFIX) and request.method in READING:
            kept = keys.without_secrets(asked)
            if kept != asked:
                return HttpResponseRedirect(f"{request.path}?{kept}")
        return self._get_response(request)
