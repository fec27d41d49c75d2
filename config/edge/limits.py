"""How large the body of a request may be, by its route, and where it waits to be served."""

from dataclasses import dataclass

from config.edge.bodies import SMALL_BYTES
from config.edge.head import Scope
from config.routes import API_PREFIX, FILES_PATH


@dataclass(frozen=True)
class BodyLimit:
    """The most bytes of a body; `on_disk` says whether a large one is kept in a temporary file."""

    most: int
    on_disk: bool = False


class BodyLimits:
    """The limits of all routes. Forms of pages are limited to `SMALL_BYTES`."""

    def __init__(self, *, max_body: int, max_upload: int) -> None:
        """In bytes: of the API in general, and of its uploads."""
        self._of_pages = BodyLimit(SMALL_BYTES)
        self._of_api = BodyLimit(max_body)
        self._of_uploads = BodyLimit(max_upload, on_disk=True)

    def of(self, scope: Scope) -> BodyLimit:
        """The limit for a request."""
        path: str = scope["path"]
        if not path.startswith(API_PREFIX):
            return self._of_pages
        is_upload = scope["method"] == "POST" and path.removesuffix("/") == FILES_PATH
        return self._of_uploads if is_upload else self._of_api
