"""Links as the world reaches them."""

from django.conf import settings
from django.http import HttpRequest

_HERE = "http://localhost:8000"


def absolute(path: str, request: HttpRequest | None = None) -> str:
    """The link to a path: under `PUBLIC_URL`, else as the request came, else on this machine."""
    came = request.build_absolute_uri("/").rstrip("/") if request else _HERE
    return f"{settings.PUBLIC_URL or came}{path}"
