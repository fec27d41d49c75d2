"""Emptying the database after a test that commits, without making each table anew as TRUNCATE does."""

from functools import cache

import django.test
from django.apps import apps
from django.db import connection, transaction

from videos.billing import default_prices

_KEPT = {"django_content_type", "auth_permission"}
"""What only migrations write."""
_NEVER = "accounts_never_changed"
"""The function of the triggers that refuse to empty a table."""
_WATCHED = ("videos_price", "videos_upstreamaccount")
"""Their triggers tell all processes that what is on offer has changed."""


class CommittingTest(django.test.TransactionTestCase):
    """A test whose transactions are committed. What they left goes; the default prices return."""

    def _fixture_teardown(self) -> None:
        if _is_superuser():
            empty_tables()
        else:
            let_tables_be_emptied()
            super()._fixture_teardown()  # type: ignore[misc]
            default_prices.seed()


def _is_superuser() -> bool:
    """Whether we may, which the user of another server than the embedded one may not."""
    connection.ensure_connection()
    return bool(connection.connection.info.parameter_status("is_superuser") == "on")


def let_tables_be_emptied() -> None:
    """Take away the triggers that refuse it, as the owner of the tables may."""
    guarded = "SELECT DISTINCT tgrelid::regclass FROM pg_trigger WHERE tgfoid = %s::regproc"
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(guarded, [_NEVER])
        for (table,) in cursor.fetchall():
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")


def empty_tables() -> None:
    """Delete all rows, of jobs and of what Django's `flush` empties, whatever keys and triggers say.

    The default prices are written anew.
    """
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
            # Whoever still writes is waited for, so that none of it stays.
            f"LOCK TABLE {', '.join(sorted(tables))} IN SHARE ROW EXCLUSIVE MODE",
            "SET LOCAL session_replication_role = replica",
            *(f"DELETE FROM {table}" for table in unwatched),  # noqa: S608 - our own tables
            "SET LOCAL session_replication_role = origin",
            *(f"DELETE FROM {table}" for table in _WATCHED),  # noqa: S608 - likewise
        ]
    )
