"""Notes when a session was last used."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.people import sessions

GetResponse = Callable[[HttpRequest], HttpResponse]


class SeenMiddleware:
    """Of people who have logged in: other sessions say nothing of their use."""

    def __init__(self, get_response: GetResponse) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Note it, before the page is made."""
        sessions.note_use(request, timezone.now())
        return self._get_response(request)
