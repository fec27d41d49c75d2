"""A limit on the time of a loop whose steps may be slow, such as calls to a store."""

from collections.abc import Iterable, Iterator
from time import monotonic
from typing import TypeVar

Row = TypeVar("Row")


def within(seconds: float, rows: Iterable[Row]) -> Iterator[Row]:
    """The rows, as long as there is time for another one; at least the first."""
    end = monotonic() + seconds
    for row in rows:
        yield row
        if monotonic() >= end:
            return
