"""Print the SQL that grants a database role the least privileges that Reelay needs."""

from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from psycopg import sql

ORDINARY = "SELECT, INSERT, UPDATE, DELETE"
RIGHTS = {
    # Only `migrate` writes these.
    "django_migrations": "SELECT",
    "django_content_type": "SELECT",
    "auth_permission": "SELECT",
    # Append-only, except that deleting a user clears `actor_id` and pruning deletes events.
    "accounts_auditentry": "SELECT, INSERT",
    "videos_ledgerentry": "SELECT, INSERT, UPDATE (actor_id)",
    "videos_taskevent": "SELECT, INSERT, DELETE",
}
"""Privileges of the tables that differ from `ORDINARY`."""
_LONGEST_NAME = 63


class Command(BaseCommand):
    help = (
        "Print the SQL that creates a database role for web processes and workers, with the least privileges"
        " they need. Run the SQL as the owner of the tables after each `migrate`, which the owner also runs."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--role", default="reelay_app", help="the name of the role (%(default)s)")

    def handle(self, *_: Any, role: str, **__: Any) -> None:
        if not 0 < len(role.encode()) <= _LONGEST_NAME or "\0" in role:
            raise CommandError(f"The name of a role has 1 to {_LONGEST_NAME} bytes.")
        connection.ensure_connection()
        for statement in _statements(sql.Identifier(role)):
            self.stdout.write(statement.as_string(connection.connection) + ";")


def _statements(role: sql.Identifier) -> Iterator[sql.Composed]:
    database = sql.Identifier(str(connection.settings_dict["NAME"]))
    if not _exists(role):
        yield sql.SQL("CREATE ROLE {} LOGIN").format(role)
    yield sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(database, role)
    yield sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(role)
    for table in sorted(connection.introspection.table_names()):
        # Revoke first, in case the role had more privileges.
        yield sql.SQL("REVOKE ALL ON TABLE {} FROM {}").format(sql.Identifier(table), role)
        rights = sql.SQL(RIGHTS.get(table, ORDINARY))
        yield sql.SQL("GRANT {} ON TABLE {} TO {}").format(rights, sql.Identifier(table), role)
    yield sql.SQL("GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {}").format(role)
    yield sql.SQL("GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO {}").format(role)


def _exists(role: sql.Identifier) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = %s)", list(role._obj))
        (exists,) = cursor.fetchone()
    return bool(exists)
