"""Suggests the route for a slightly misspelled path."""

from django.urls import Resolver404, resolve

from config.routes import API_PREFIX

WORDS = frozenset(
    {
        *("v1", "videos", "video", "generations", "validate", "content", "remix", "files"),
        *("usage", "account", "bucket", "check", "models", "openapi.json"),
    }
)
"""The fixed words of routes; ids and model names are case-sensitive."""
_LONGEST = 200
"""How many characters of a path an error repeats."""


def suggest_route(path: str, method: str | None = None) -> str | None:
    """The route for a path in the wrong case, or with a slash or `/v1` missing or too many.

    With a `method`, only a route that allows it. None if there is no such route, or the path is correct.
    """
    corrected = _corrected(path)
    if corrected == path.removesuffix("/") or len(corrected) > _LONGEST:
        return None
    try:
        route = resolve(corrected)
    except Resolver404:
        return None
    lacks_id = any(identity in WORDS for identity in route.kwargs.values())
    is_allowed = method is None or method in route.func.cls.scopes  # type: ignore[attr-defined]  # DRF sets it
    return corrected if is_allowed and not lacks_id else None


def _corrected(path: str) -> str:
    parts = [part.lower() if part.lower() in WORDS else part for part in path.split("/") if part]
    while parts and parts[0] == API_PREFIX.strip("/"):
        del parts[0]
    return API_PREFIX + "/".join(parts)
