"""Records when a session was last used."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.people import sessions

GetResponse = Callable[[HttpRequest], HttpResponse]


class SeenMiddleware:
    """Records the use of the sessions of people who are logged in."""

    def __init__(self, get_response: GetResponse) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        sessions.note_use(request, timezone.now())
        return self._get_response(request)
