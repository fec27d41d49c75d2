"""Operations for non-atomic migrations: each can be run again after an interruption.

Django records a migration only when all of it is done. One that was interrupted starts over, and if it is not
atomic, some of its changes are already made.
"""

from typing import Any

from django.contrib.postgres import operations as postgres
from django.db import migrations

_IS_VALID = """
SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(quote_ident(%s))
"""
_HAS_COLUMN = """
SELECT FROM pg_attribute WHERE attrelid = to_regclass(quote_ident(%s)) AND attname = %s AND NOT attisdropped
"""
_HAS_CONSTRAINT = """
SELECT FROM pg_constraint WHERE conrelid = to_regclass(quote_ident(%s)) AND conname = %s
"""


TrigramExtension = postgres.TrigramExtension
"""Skips an extension that exists by itself."""


class AddIndexConcurrently(postgres.AddIndexConcurrently):
    """Skips an index that exists, and rebuilds one whose creation was interrupted."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        found = _row(schema_editor, _IS_VALID, self.index.name)
        if found == (True,):
            return
        if found == (False,):
            schema_editor.execute(f"DROP INDEX CONCURRENTLY {schema_editor.quote_name(self.index.name)}")
        super().database_forwards(app_label, schema_editor, from_state, to_state)


class RemoveIndexConcurrently(postgres.RemoveIndexConcurrently):
    """Skips an index that is gone already."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        if _row(schema_editor, _IS_VALID, self.name) is not None:
            super().database_forwards(app_label, schema_editor, from_state, to_state)


class AddField(migrations.AddField):
    """Skips a column that exists. For fields that are added by one statement."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)
        column = model._meta.get_field(self.name).column
        if _row(schema_editor, _HAS_COLUMN, model._meta.db_table, column) is None:
            super().database_forwards(app_label, schema_editor, from_state, to_state)


class AddConstraintNotValid(postgres.AddConstraintNotValid):
    """Skips a constraint that exists."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        table = to_state.apps.get_model(app_label, self.model_name)._meta.db_table
        if _row(schema_editor, _HAS_CONSTRAINT, table, self.constraint.name) is None:
            super().database_forwards(app_label, schema_editor, from_state, to_state)


ValidateConstraint = postgres.ValidateConstraint
"""Can be run again as it is."""


def _row(schema_editor: Any, query: str, *values: str) -> tuple[Any, ...] | None:
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(query, values)
        row: tuple[Any, ...] | None = cursor.fetchone()
    return row
