"""Parses query parameters, and collects all violations before raising them."""

import re
from collections.abc import Callable, Collection, Sequence
from datetime import date
from typing import Any, TypeVar

from django.http import QueryDict

from videos import catalogue
from videos.requests import InvalidRequestError, Violation
from videos.requests.values import whole_number
from videos.requests.violations import MODEL_NOT_FOUND

LATEST_SECOND = 99_999_999_999
"""Far in the future, yet less than any current time in milliseconds, a common mistake."""
_SHOWN_NAME_LENGTH = 100
_DATE = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")
_Value = TypeVar("_Value")


class Parameters:
    """The query string of a request. Empty parameters count as absent, unknown ones are ignored.

    An invalid parameter reads as None; `check` raises all violations together.
    """

    def __init__(self, query: QueryDict) -> None:
        self._query = query
        self._violations: list[Violation] = []

    @property
    def broken(self) -> bool:
        """Whether there is a violation so far."""
        return bool(self._violations)

    def read(
        self,
        name: str,
        parse: Callable[[str], _Value | None],
        rule: str,
        allowed: Sequence[Any] | None = None,
    ) -> _Value | None:
        """The parsed parameter; None if it is absent, or invalid (`parse` returned None)."""
        text = self._query.get(name)
        if not text:
            return None
        value = parse(text)
        if value is None:
            self.refuse(name, f"{name} {rule}", allowed)
        return value

    def one_of(self, name: str, allowed: Collection[str]) -> str | None:
        return self.read(name, lambda text: text if text in allowed else None, _must_be(allowed), (*allowed,))

    def some_of(self, name: str, allowed: Collection[str]) -> list[str]:
        """Values of an enumeration, comma-separated or repeated, in the order of `allowed`."""
        words = {word.strip() for text in self._query.getlist(name) for word in text.split(",")} - {""}
        if words - {*allowed}:
            self.refuse(name, f"{name} {_must_be(allowed)}", (*allowed,))
        return [word for word in allowed if word in words]

    def number(self, name: str, least: int, most: int) -> int | None:

        def parse(text: str) -> int | None:
            number = whole_number(text)
            return number if number is not None and least <= number <= most else None

        return self.read(name, parse, f"must be a whole number from {least} to {most}")

    def second(self, name: str) -> int | None:
        return self.number(name, 0, LATEST_SECOND)

    def date(self, name: str) -> date | None:
        return self.read(name, _date, "must be a date in the form YYYY-MM-DD")

    def model(self) -> str | None:
        """The canonical name of `model`, which clients may write in any case."""
        name = self._query.get("model")
        if not name:
            return None
        spec = catalogue.find(name)
        if spec is None:
            message = f"The model '{name[:_SHOWN_NAME_LENGTH]}' does not exist"
            self._violations.append(Violation(message, "model", code=MODEL_NOT_FOUND))
            return None
        return spec.name

    def refuse(self, name: str, message: str, allowed: Sequence[Any] | None = None) -> None:
        self._violations.append(Violation(message, name, allowed=None if allowed is None else tuple(allowed)))

    def check(self) -> None:
        """Raise `InvalidRequestError` with all violations, if there are any."""
        if self._violations:
            raise InvalidRequestError(self._violations)


def _must_be(allowed: Collection[str]) -> str:
    *others, last = allowed
    return f"must be {', '.join(others)} or {last}"


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if _DATE.fullmatch(text) else None
    except ValueError:  # such as 30 February
        return None
