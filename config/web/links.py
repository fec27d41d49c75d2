"""Absolute links."""

from typing import Protocol

from django.conf import settings

from config import local_address


class Addressed(Protocol):
    """A request, or anything else that knows the scheme and host it was sent to."""

    def build_absolute_uri(self, location: str, /) -> str: ...


def absolute(path: str, request: Addressed | None = None) -> str:
    """The URL of a path: under `PUBLIC_URL`, else on the request's host, else on this machine."""
    if settings.PUBLIC_URL:
        return f"{settings.PUBLIC_URL}{path}"
    if request:
        return request.build_absolute_uri("/").rstrip("/") + path
    return local_address.current(settings.DATA_DIR) + path
