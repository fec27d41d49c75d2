"""The contents of the database as text, for tests that look for secrets."""

from typing import Any

from django.db import connection

from accounts.models import Session


def everything_stored() -> str:
    """Every row of every table and the data of all sessions."""
    with connection.cursor() as cursor:
        rows: list[Any] = []
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT t::text FROM "{table}" t')  # noqa: S608 - the tables there are
            rows += cursor.fetchall()
    return f"{rows} {[session.get_decoded() for session in Session.objects.all()]}"
