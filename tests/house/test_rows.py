"""Tables checked in one test: every row runs and every failing one is named."""

import pytest

from accounts.models import Tenant
from tests.support.rows import each


@each("number, half", [(2, 1), (4, 3), (6, 5)])
def halves(number: int, half: int) -> None:
    assert number == 2 * half


def test_every_failing_row_is_named() -> None:
    with pytest.raises(AssertionError, match="2 of 3 rows") as failure:
        halves()
    assert "(4, 3)" in str(failure.value)
    assert "(6, 5)" in str(failure.value)
    assert "(2, 1)" not in str(failure.value)


def test_a_table_without_rows_fails() -> None:
    with pytest.raises(AssertionError, match="no rows"):
        each("number", [])(lambda number: None)()


@pytest.mark.usefixtures("db")
@each("first", ["Alice", "Charlie"])
@each("second", ["Bob", "Dave"])
def test_writes_of_a_row_are_rolled_back(first: str, second: str) -> None:
    assert not Tenant.objects.exists()
    Tenant.objects.create(name=first + second)
