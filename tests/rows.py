"""Tables with thousands of rows: checked in one test each, which names every row that does not hold."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from django.core.cache import cache
from django.db import transaction

Row = TypeVar("Row")


def check_each(rows: Iterable[Row], check: Callable[[Row], None], name: Callable[[Row], str] = str) -> None:
    """Check all rows; fails with the name of each for which `check` raises, and with what it raises."""
    checked, broken = 0, []
    for row in rows:
        checked += 1
        try:
            check(row)
        except Exception as error:  # whatever it is, the other rows are looked at, too
            broken.append(f"{name(row)}: {type(error).__name__}: {error}")
    assert checked, "no rows"
    assert not broken, f"{len(broken)} of {checked} rows do not hold:\n" + "\n".join(broken)


def undone(check: Callable[[Row], None]) -> Callable[[Row], None]:
    """The check, with what it writes undone: each row finds the database and the cache as they were."""

    def checked(row: Row) -> None:
        cache.clear()
        with transaction.atomic():
            check(row)
            transaction.set_rollback(True)

    return checked
