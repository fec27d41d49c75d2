"""Conditions that make PostgreSQL use an index that begins with their column.

For `tenant = x` ordered by id, the planner may read everybody's newest rows in search of the tenant's own,
which takes long if the tenant was idle lately. For `tenant = ANY (…)` ordered by tenant and id, the rows of
one tenant come from the index alone.
"""

from collections.abc import Sequence
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db.models import BooleanField, F, Field, Func, Value

Order = tuple[str, ...]
"""Columns as `order_by` takes them."""


def of_one(column: str) -> Order:
    """The order in which such an index lists the rows with one value of the column, newest first."""
    return (column, "-pk")


OF_ONE_TENANT = of_one("tenant_id")


class _IsAnyOf(Func):
    template, arg_joiner = "%(expressions)s)", " = ANY("
    output_field = BooleanField()


def is_any_of(column: str, values: Sequence[Any], kind: "Field[Any, Any]") -> Func:
    """The condition that the column has one of the values."""
    return _IsAnyOf(F(column), Value(list(values), output_field=ArrayField(kind)))
