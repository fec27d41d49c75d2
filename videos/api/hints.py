"""Which route a client means whose path is spelled a little otherwise."""

from django.urls import Resolver404, resolve

from config.routes import API_PREFIX

WORDS = frozenset(
    {"v1", "videos", "video", "generations", "validate", "content", "usage", "account", "models"}
)
"""What routes are made of, besides ids and names, which are told apart by their case."""
_LONGEST = 200
"""Characters of a path that an error repeats."""


def meant(path: str, method: str | None = None) -> str | None:
    """The route that a path with a slash or a `/v1` too many, without one, or in another case means.

    With a `method`, only one that takes it. None where that is no route, or is the path as it was sent.
    """
    corrected = _corrected(path)
    if corrected == path.removesuffix("/") or len(corrected) > _LONGEST:
        return None
    try:
        route = resolve(corrected)
    except Resolver404:
        return None
    lacks_id = route.kwargs.get("task_id") in WORDS
    takes_it = method is None or method in route.func.cls.scopes  # type: ignore[attr-defined]  # DRF sets it
    return corrected if takes_it and not lacks_id else None


def _corrected(path: str) -> str:
    parts = [part.lower() if part.lower() in WORDS else part for part in path.split("/") if part]
    while parts and parts[0] == API_PREFIX.strip("/"):
        del parts[0]
    return API_PREFIX + "/".join(parts)
