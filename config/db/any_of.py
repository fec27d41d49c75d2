"""Conditions from which PostgreSQL infers nothing: so an index that begins with their column lists rows.

From `tenant = x` it infers that the order of ids is enough, and for a tenant that has much of a table it
walks everybody's newest rows in search of the tenant's own, a long way if it was idle lately. Said as
`tenant = ANY (…)` and ordered by tenant and id, the rows of one tenant come from the index alone.
"""

from collections.abc import Sequence
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db.models import BooleanField, F, Field, Func, Value

OF_ONE_TENANT = ("tenant_id", "-pk")
"""The order in which such an index lists the rows of one tenant, newest first."""


class _IsAnyOf(Func):
    template, arg_joiner = "%(expressions)s)", " = ANY("
    output_field = BooleanField()


def is_any_of(column: str, values: Sequence[Any], kind: "Field[Any, Any]") -> Func:
    """Whether the column has one of the values."""
    return _IsAnyOf(F(column), Value(list(values), output_field=ArrayField(kind)))
