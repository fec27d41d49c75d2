"""Violations of the contract, and the exception that reports them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from videos.requests.rules import Fault, Rule, Values

Code = Literal["invalid_request", "model_not_found"]
INVALID_REQUEST: Code = "invalid_request"
MODEL_NOT_FOUND: Code = "model_not_found"
MOST_TOLD = 50


@dataclass(frozen=True)
class Violation:
    """A broken rule: the contract's message, the dotted name of the field if any, and the allowed values."""

    message: str
    param: str | None
    rule: Rule | None = None
    """None if only programs can break it, such as a rule of a query parameter."""
    values: Values = field(default_factory=dict, hash=False)
    """What people are told with the rule."""
    code: Code = INVALID_REQUEST
    allowed: tuple[Any, ...] | None = None
    detail: str | None = None
    """More about it, such as where a text is not valid JSON."""

    @classmethod
    def of(
        cls, fault: Fault, param: str, allowed: tuple[Any, ...] | None = None, name: str = ""
    ) -> "Violation":
        """The fault of a field, which the message calls by `name` if that is not `param`."""
        return cls(f"{name or param} {fault.words}", param, fault.rule, fault.values, allowed=allowed)


class InvalidRequestError(Exception):
    """The request breaks rules of the contract; `violations` holds them in the contract's order.

    If there are more than `MOST_TOLD`, a last one says how many more.
    """

    def __init__(self, violations: Sequence[Violation]) -> None:
        super().__init__(violations[0].message)
        shown, more = violations[:MOST_TOLD], len(violations) - MOST_TOLD
        last = Violation(f"and {more} more", None, Rule.MORE, {"count": more})
        self.violations = (*shown, last) if more > 0 else tuple(shown)
