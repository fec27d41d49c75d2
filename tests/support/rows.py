"""Tables with many rows, each checked in one test that names every failing row."""

import inspect
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, TypeVar

from django.core.cache import cache
from django.db import connection, transaction

Row = TypeVar("Row")


def check_each(rows: Iterable[Row], check: Callable[[Row], None], name: Callable[[Row], str] = str) -> None:
    """Check all rows; fails with the name and exception of each row for which `check` raises."""
    checked, broken = 0, []
    for row in rows:
        checked += 1
        try:
            check(row)
        except Exception as error:  # the other rows are still checked
            broken.append(f"{name(row)}: {type(error).__name__}: {error}")
    assert checked, "no rows"
    report = f"{len(broken)} of {checked} rows fail:\n" + "\n".join(broken)
    assert not broken, report.encode(errors="backslashreplace").decode()  # which every report can show


def rolled_back(check: Callable[[Row], None]) -> Callable[[Row], None]:
    """The check in a transaction that is rolled back, with an empty cache."""

    def checked(row: Row) -> None:
        cache.clear()
        with transaction.atomic():
            check(row)
            transaction.set_rollback(True)

    return checked


def each(names: str, rows: Iterable[Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Like `pytest.mark.parametrize`, but one test that rolls back the writes of each row.

    For large tables of fast rows: a separate test costs several times a row's millisecond.
    """
    arguments, table = [name.strip() for name in names.split(",")], list(rows)

    def given(row: Any) -> dict[str, Any]:
        return dict(zip(arguments, [row] if len(arguments) == 1 else row, strict=True))

    def decorate(test: Callable[..., None]) -> Callable[..., None]:
        @wraps(test)
        def run(**fixtures: Any) -> None:
            def check(row: Any) -> None:
                test(**fixtures, **given(row))

            check_each(table, rolled_back(check) if connection.in_atomic_block else check)

        signature = inspect.signature(test)
        wanted = [each for name, each in signature.parameters.items() if name not in arguments]
        run.__signature__ = signature.replace(parameters=wanted)  # type: ignore[attr-defined]
        return run

    return decorate
