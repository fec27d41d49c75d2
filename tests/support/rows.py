"""Tables with many rows: checked in one test each, which names every row that does not hold."""

import inspect
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, TypeVar

from django.core.cache import cache
from django.db import connection, transaction

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
    told = f"{len(broken)} of {checked} rows do not hold:\n" + "\n".join(broken)
    assert not broken, told.encode(errors="backslashreplace").decode()  # which any report can carry


def undone(check: Callable[[Row], None]) -> Callable[[Row], None]:
    """The check, with what it writes undone: each row finds the database and the cache as they were."""

    def checked(row: Row) -> None:
        cache.clear()
        with transaction.atomic():
            check(row)
            transaction.set_rollback(True)

    return checked


def each(names: str, rows: Iterable[Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """What `pytest.mark.parametrize` does, in one test, with what each row writes undone.

    For tables of many rows that take a millisecond each: a test of its own costs a row several.
    """
    arguments, table = [name.strip() for name in names.split(",")], list(rows)

    def given(row: Any) -> dict[str, Any]:
        return dict(zip(arguments, [row] if len(arguments) == 1 else row, strict=True))

    def decorate(test: Callable[..., None]) -> Callable[..., None]:
        @wraps(test)
        def run(**fixtures: Any) -> None:
            def check(row: Any) -> None:
                test(**fixtures, **given(row))

            check_each(table, undone(check) if connection.in_atomic_block else check)

        signature = inspect.signature(test)
        wanted = [each for name, each in signature.parameters.items() if name not in arguments]
        run.__signature__ = signature.replace(parameters=wanted)  # type: ignore[attr-defined]
        return run

    return decorate
