"""Violations of the contract, and the exception that reports them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

Code = Literal["invalid_request", "model_not_found"]
INVALID_REQUEST: Code = "invalid_request"
MODEL_NOT_FOUND: Code = "model_not_found"
MOST_TOLD = 50


@dataclass(frozen=True)
class Violation:
    """A broken rule: the contract's message, the dotted name of the field if any, and the allowed values."""

    message: str
    param: str | None
    code: Code = INVALID_REQUEST
    allowed: tuple[Any, ...] | None = None
    detail: str | None = None
    """More about it, such as where a text is not valid JSON."""


class InvalidRequestError(Exception):
    """The request breaks rules of the contract; `violations` holds them in the contract's order.

    If there are more than `MOST_TOLD`, a last one says how many more.
    """

    def __init__(self, violations: Sequence[Violation]) -> None:
        super().__init__(violations[0].message)
        shown, more = violations[:MOST_TOLD], len(violations) - MOST_TOLD
        self.violations = (*shown, Violation(f"and {more} more", None)) if more > 0 else tuple(shown)
