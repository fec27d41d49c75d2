"""The files of the API's forms while they arrive, with its errors."""

from videos.api.bodies import RequestTooLarge
from videos.api.parts import LONGEST_NAME, Part
from videos.files.spool import Spool, TooLarge
from videos.requests import InvalidRequestError, Violation


class FileTooLarge(RequestTooLarge):
    """A file exceeds the size for its kind; `param` is its field."""

    def __init__(self, field: str, why: TooLarge) -> None:
        super().__init__(f"{field} {why}")
        self.param = field


class FormTooLarge(RequestTooLarge):
    """A form exceeds what its route takes."""

    def __init__(self, most: int) -> None:
        super().__init__(f"The request body must not exceed {most} bytes")


class PartSpool(Spool):
    """The file of a part."""

    def __init__(self, part: Part) -> None:
        """Raises `MalformedBody` if the part is encoded."""
        if part.is_encoded:
            raise part.encoding_refused()
        super().__init__(part.file_name or "")
        self._field = part.name[:LONGEST_NAME]

    def write(self, piece: bytes) -> None:
        """Raises `FileTooLarge`."""
        try:
            super().write(piece)
        except TooLarge as error:
            raise FileTooLarge(self._field, error) from error


def refused(field: str, why: str, allowed: tuple[str, ...] | None = None) -> InvalidRequestError:
    """The refusal of a field of a form."""
    return InvalidRequestError([Violation(f"{field} {why}", field, allowed=allowed)])
