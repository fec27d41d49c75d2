"""What protects a row from deletion, found without reading all that refers to it."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from django.db.models import PROTECT, ManyToOneRel, Model
from django.utils.text import capfirst

MOST_NAMED = 5
"""There may be a hundred thousand; a few are enough for the message."""


def protected_rows(rows: Sequence[Any]) -> Any:
    """The result of `ModelAdmin.get_deleted_objects` if something protects one of the rows, else None."""
    named = list(islice((name for row in rows for name in _protecting(row)), MOST_NAMED))
    return ([], {}, set(), named) if named else None


def _protecting(row: Model) -> Iterator[str]:
    for relation in row._meta.get_fields(include_hidden=True):
        if isinstance(relation, ManyToOneRel) and relation.on_delete is PROTECT:
            model: type[Model] = relation.field.model
            kind = capfirst(str(model._meta.verbose_name))
            found = model._base_manager.filter(**{relation.field.name: row})
            yield from (f"{kind}: {one}" for one in found[:MOST_NAMED])
