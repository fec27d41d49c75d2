"""The routes of the lane, as the URL configuration has them."""

from dataclasses import dataclass
from enum import Enum
from functools import cache

from django.urls import resolve, reverse

from videos.api.base import View
from videos.models.task import PUBLIC_PREFIX


class Kind(Enum):
    """What a request does; each kind has a thread of its own."""

    CREATE = "create"
    READ = "read"
    LIST = "list"


@dataclass(frozen=True, eq=False)
class Route:
    """A route and the view that serves it outside the lane."""

    kind: Kind
    view: type[View]
    method: str

    @property
    def scope(self) -> str:
        return self.view.scopes[self.method]

    @property
    def allow(self) -> str:
        """The `Allow` header of its responses."""
        return ", ".join(self.view.scopes)


_PLAIN = {
    ("POST", "videos"): Kind.CREATE,
    ("POST", "videos-generations"): Kind.CREATE,
    ("POST", "video-generations"): Kind.CREATE,
    ("GET", "videos"): Kind.LIST,
}
_OF_ONE = ("video", "generation", "new-api")
"""The routes that read one task, by name."""


def find(method: str, path: str) -> tuple[Route, str] | None:
    """The route, and the public id in the path or an empty text; None if the lane does not serve it."""
    plain, of_one = _routes()
    if route := plain.get((method, path.removesuffix("/"))):
        return route, ""
    prefix, found, rest = path.removesuffix("/").partition(PUBLIC_PREFIX)
    route = of_one.get(prefix) if found and method == "GET" and "/" not in rest else None
    return (route, found + rest) if route else None


@cache
def _routes() -> tuple[dict[tuple[str, str], Route], dict[str, Route]]:
    """The routes without an id by method and path, and those that read a task by what precedes its id."""
    plain = {
        (method, reverse(name)): Route(kind, _view(reverse(name)), method)
        for (method, name), kind in _PLAIN.items()
    }
    paths = [reverse(name, args=[PUBLIC_PREFIX]) for name in _OF_ONE]
    of_one = {path.removesuffix(PUBLIC_PREFIX): Route(Kind.READ, _view(path), "GET") for path in paths}
    return plain, of_one


def _view(path: str) -> type[View]:
    view: type[View] = resolve(path).func.cls  # type: ignore[attr-defined]  # DRF sets it
    return view
