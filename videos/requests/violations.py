"""What is wrong with a request, and the error that carries all of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

INVALID_REQUEST = "invalid_request"
MODEL_NOT_FOUND = "model_not_found"


@dataclass(frozen=True)
class Violation:
    """One rule broken: the contract's sentence, the field in dotted form, and what would be allowed."""

    message: str
    param: str
    code: str = INVALID_REQUEST
    allowed: tuple[Any, ...] | None = None


class InvalidRequestError(Exception):
    """The request breaks rules of the contract; `violations` holds every one, in the contract's order."""

    def __init__(self, violations: Sequence[Violation]) -> None:
        super().__init__(violations[0].message)
        self.violations = tuple(violations)
