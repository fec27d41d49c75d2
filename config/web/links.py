"""Links as the world reaches them."""

from django.conf import settings
from django.http import HttpRequest

from config import local_address


def absolute(path: str, request: HttpRequest | None = None) -> str:
    """The link to a path: under `PUBLIC_URL`, else as the request came, else on this machine."""
    if settings.PUBLIC_URL:
        return f"{settings.PUBLIC_URL}{path}"
    here = (
        request.build_absolute_uri("/").rstrip("/") if request else local_address.current(settings.DATA_DIR)
    )
    return f"{here}{path}"
