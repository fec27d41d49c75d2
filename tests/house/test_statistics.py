"""A migration updates the planner's statistics, which plans of web processes are made from."""

from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from config import database


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("told", "statements"), [({"plan": ["a migration"]}, 1), ({"plan": []}, 0), ({}, 0)], ids=str
)
def test_statistics_are_updated_after_migrations_only(
    told: dict[str, Any], statements: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(statements) as captured:
        database.analyse(**told)
    assert all(query["sql"] == "ANALYZE" for query in captured)
