"""Pages of rows, newest first, found by where the page before ended: nothing is counted, nothing skipped."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from django.db.models import Model, QuerySet
from django.http import QueryDict

from config.web.query_strings import changed

_Row = TypeVar("_Row", bound=Model)
BEFORE = "before"
"""The parameter that says which row the page before ended with."""
_LARGEST = 2**63 - 1


@dataclass(frozen=True)
class Page(Generic[_Row]):
    """Some rows, and how to get to the others."""

    rows: Sequence[_Row]
    newest: str
    """The query of the first page; empty where this is it."""
    older: str
    """The query of the next page; empty where there is none."""

    @classmethod
    def of(cls, rows: QuerySet[_Row], query: QueryDict, size: int) -> "Page[_Row]":
        """The page that the query asks for; the first, where it makes no sense."""
        before = _number(query.get(BEFORE, ""))
        asked = rows.order_by("-pk") if before is None else rows.order_by("-pk").filter(pk__lt=before)
        found = list(asked[: size + 1])
        has_more = len(found) > size
        return cls(
            rows=found[:size],
            newest="" if before is None else changed(query, BEFORE),
            older=changed(query, before=str(found[size - 1].pk)) if has_more else "",
        )


def _number(text: str) -> int | None:
    is_one = text.isascii() and text.isdecimal() and len(text) < len(str(_LARGEST))
    return int(text) if is_one else None
