"""How large the body of a request may be, by its route, and where it waits to be served."""

from dataclasses import dataclass

from config.edge.bodies import SMALL_BYTES
from config.edge.head import Scope, field
from config.routes import CREATE_PATHS, FILES_PATH, PICTURE_FORMS, PROGRAM_PREFIXES

_FORM = b"multipart/form-data"


@dataclass(frozen=True)
class BodyLimit:
    """The most bytes of a body; `on_disk` says whether a large one is kept in a temporary file."""

    most: int
    on_disk: bool = False


class BodyLimits:
    """The limits of all routes. Forms of pages are limited to `SMALL_BYTES`."""

    def __init__(self, *, max_body: int, max_upload: int, max_form: int = 0, max_picture: int = 0) -> None:
        """In bytes: of the API in general, of uploads, of forms with files that ask for videos there, and of
        forms with a picture on pages.

        Those that are 0 have no limit of their own.
        """
        self._of_pages = BodyLimit(SMALL_BYTES)
        self._of_api = BodyLimit(max_body)
        self._of_forms = BodyLimit(max_form, on_disk=True) if max_form else self._of_api
        self._of_pictures = BodyLimit(max_picture, on_disk=True) if max_picture else self._of_pages
        self._of_uploads = BodyLimit(max_upload, on_disk=True)

    def of(self, scope: Scope) -> BodyLimit:
        """The limit for a request."""
        path: str = scope["path"]
        if not path.startswith(PROGRAM_PREFIXES):
            has_picture = PICTURE_FORMS.fullmatch(path) and _is_form(scope)
            return self._of_pictures if has_picture else self._of_pages
        route = path.removesuffix("/") if scope["method"] == "POST" else ""
        if route == FILES_PATH:
            return self._of_uploads
        return self._of_forms if route in CREATE_PATHS and _is_form(scope) else self._of_api


def _is_form(scope: Scope) -> bool:
    return (field(scope, b"content-type") or b"").lower().startswith(_FORM)
