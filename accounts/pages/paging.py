"""Keyset pagination, newest first: rows are neither counted nor skipped."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from django.db.models import Model, QuerySet
from django.http import QueryDict

from config.web.query_strings import changed

_Row = TypeVar("_Row", bound=Model)
BEFORE = "before"
"""The query parameter with the primary key of the last row of the page before."""
_LARGEST = 2**63 - 1


@dataclass(frozen=True)
class Page(Generic[_Row]):
    """A page of rows, with the queries of other pages."""

    rows: Sequence[_Row]
    newest: str
    """The query of the first page; empty if this is the first."""
    older: str
    """The query of the next page; empty if this is the last."""

    @classmethod
    def of(cls, rows: QuerySet[_Row], query: QueryDict, size: int) -> "Page[_Row]":
        """The page that the query asks for; the first if its parameter is missing or invalid."""
        before = _number(query.get(BEFORE, ""))
        remaining = rows.order_by("-pk") if before is None else rows.order_by("-pk").filter(pk__lt=before)
        found = list(remaining[: size + 1])
        has_more = len(found) > size
        return cls(
            rows=found[:size],
            newest="" if before is None else changed(query, BEFORE),
            older=changed(query, before=str(found[size - 1].pk)) if has_more else "",
        )


def _number(text: str) -> int | None:
    is_valid = text.isascii() and text.isdecimal() and len(text) < len(str(_LARGEST))
    return int(text) if is_valid else None
