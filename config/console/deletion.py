"""What stands against deleting a row, told without reading all that hangs on it."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from django.db.models import PROTECT, ManyToOneRel, Model
from django.utils.text import capfirst

MOST_NAMED = 5
"""A hundred thousand rows may stand against it; a few say as much."""


def protected_rows(rows: Sequence[Any]) -> Any:
    """What `ModelAdmin.get_deleted_objects` answers where something protects one of the rows; else None."""
    named = list(islice((name for row in rows for name in _protecting(row)), MOST_NAMED))
    return ([], {}, set(), named) if named else None


def _protecting(row: Model) -> Iterator[str]:
    for relation in row._meta.get_fields(include_hidden=True):
        if isinstance(relation, ManyToOneRel) and relation.on_delete is PROTECT:
            model: type[Model] = relation.field.model
            kind = capfirst(str(model._meta.verbose_name))
            found = model._base_manager.filter(**{relation.field.name: row})
            yield from (f"{kind}: {one}" for one in found[:MOST_NAMED])
