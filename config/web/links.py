"""Absolute links."""

from django.conf import settings
from django.http import HttpRequest

from config import local_address


def absolute(path: str, request: HttpRequest | None = None) -> str:
    """The URL of a path: under `PUBLIC_URL`, else on the request's host, else on this machine."""
    if settings.PUBLIC_URL:
        return f"{settings.PUBLIC_URL}{path}"
    if request:
        return request.build_absolute_uri("/").rstrip("/") + path
    return local_address.current(settings.DATA_DIR) + path
