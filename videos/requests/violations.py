"""What is wrong with a request, and the error that carries all of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

Code = Literal["invalid_request", "model_not_found"]
INVALID_REQUEST: Code = "invalid_request"
MODEL_NOT_FOUND: Code = "model_not_found"
MOST_TOLD = 50


@dataclass(frozen=True)
class Violation:
    """One rule broken: the contract's sentence, the field in dotted form if any, and what is allowed."""

    message: str
    param: str | None
    code: Code = INVALID_REQUEST
    allowed: tuple[Any, ...] | None = None
    detail: str | None = None
    """What else there is to say, such as where a text is no JSON."""


class InvalidRequestError(Exception):
    """The request breaks rules of the contract; `violations` holds them in the contract's order.

    Of more than `MOST_TOLD` the last one says only how many there are besides.
    """

    def __init__(self, violations: Sequence[Violation]) -> None:
        super().__init__(violations[0].message)
        told, more = violations[:MOST_TOLD], len(violations) - MOST_TOLD
        self.violations = (*told, Violation(f"and {more} more", None)) if more > 0 else tuple(told)
