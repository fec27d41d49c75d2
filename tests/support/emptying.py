"""Empties the database after a test that commits, faster than TRUNCATE does."""

from collections.abc import Callable
from functools import cache

import django.test
import psycopg.errors
from django.apps import apps
from django.db import OperationalError, connection, transaction

from videos.billing import default_prices

_KEPT = {"django_content_type", "auth_permission"}
"""Tables written only by migrations."""
_NEVER = "accounts_never_changed"
"""The function of the triggers that refuse to empty append-only tables."""
_WATCHED = ("videos_price", "videos_upstreamaccount")
"""Tables whose triggers change the offer revision."""
_RETRIES = 4


class CommittingTest(django.test.TransactionTestCase):
    """A test that commits. Afterwards all tables are emptied and the default prices restored."""

    def _fixture_teardown(self) -> None:
        if _is_superuser():
            empty_tables()
        else:
            let_tables_be_emptied()
            super()._fixture_teardown()  # type: ignore[misc]
            default_prices.seed()


def _is_superuser() -> bool:
    """The user of an external server may not be a superuser."""
    connection.ensure_connection()
    return bool(connection.connection.info.parameter_status("is_superuser") == "on")


def let_tables_be_emptied() -> None:
    """Disable the triggers that refuse it, as the owner of the tables can."""
    guarded = "SELECT DISTINCT tgrelid::regclass FROM pg_trigger WHERE tgfoid = %s::regproc"
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(guarded, [_NEVER])
        for (table,) in cursor.fetchall():
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")


def despite_deadlocks(empty: Callable[[], None]) -> None:
    """Empty tables, again after a deadlock: the database still finishes what a killed process has sent it."""
    for _ in range(_RETRIES):
        try:
            return empty()
        except OperationalError as error:
            if not isinstance(error.__cause__, psycopg.errors.DeadlockDetected):
                raise
    return empty()


def empty_tables() -> None:
    """Delete all rows and jobs, ignoring foreign keys and triggers, and write the default prices again."""
    despite_deadlocks(_empty_tables)


def _empty_tables() -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_deletion())
        default_prices.seed()


@cache
def _deletion() -> str:
    tables = set(connection.introspection.django_table_names(only_existing=True, include_views=False)) - _KEPT
    tables |= {model._meta.db_table for model in apps.get_app_config("procrastinate").get_models()}
    unwatched = sorted(tables - set(_WATCHED))
    return ";".join(
        [
            # Wait for other transactions, so that none of their rows stay.
            f"LOCK TABLE {', '.join(sorted(tables))} IN SHARE ROW EXCLUSIVE MODE",
            "SET LOCAL session_replication_role = replica",
            *(f"DELETE FROM {table}" for table in unwatched),  # noqa: S608 - our own tables
            "SET LOCAL session_replication_role = origin",
            *(f"DELETE FROM {table}" for table in _WATCHED),  # noqa: S608 - likewise
        ]
    )
