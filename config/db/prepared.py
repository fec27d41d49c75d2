"""Prepared statements for the hot paths: parsed and planned once per connection, run on Django's own.

Django binds values into the text of each statement, so PostgreSQL parses and plans it every time. A prepared
statement is sent by name, with its values apart (measured: 0.20 instead of 0.34 ms a round trip).
"""

from collections.abc import Iterable, Mapping
from typing import Any

import psycopg
from django.db import InterfaceError, OperationalError, connection

Row = tuple[Any, ...]
_KEPT = "_reelay_cursor"


def fetch(statement: str, values: Mapping[str, Any]) -> Row | None:
    """Run the statement with its named values; returns the first row, or None if there is none.

    It runs in the open transaction, if any, and is logged like any other query. Raises Django's database
    errors.
    """
    connection.ensure_connection()
    if connection.queries_logged:
        with connection.make_debug_cursor(_cursor()) as logged:  # type: ignore[arg-type]  # it takes any cursor
            return _first_row(logged, statement, values)
    with connection.wrap_database_errors:
        return _first_row(_cursor(), statement, values)


def as_array(names: Iterable[str]) -> str:
    """Names without special characters as the text of an array, which costs less than a list."""
    return f"{{{','.join(names)}}}"


def _first_row(cursor: Any, statement: str, values: Mapping[str, Any]) -> Row | None:
    cursor.execute(statement, values)
    row: Row | None = cursor.fetchone()
    return row


def _cursor() -> psycopg.Cursor[Row]:
    """This connection's cursor, kept because making one costs as much as running a statement."""
    cursor: psycopg.Cursor[Row] | None = getattr(connection, _KEPT, None)
    if cursor is None or cursor.closed or cursor.connection is not connection.connection:
        cursor = psycopg.Cursor(connection.connection)
        setattr(connection, _KEPT, cursor)
    return cursor


def fetch_first(statement: str, values: Mapping[str, Any]) -> Row | None:
    """Like `fetch`, for the first statement of a request, which must be read-only.

    Replaces Django's health check of a kept connection: if it has died, reconnects and runs the statement
    again.
    """
    try:
        row = fetch(statement, values)
    except (OperationalError, InterfaceError):
        if connection.in_atomic_block:
            raise
        connection.close()
        row = fetch(statement, values)
    connection.health_check_done = True  # type: ignore[attr-defined]  # the stubs leave it out
    return row
