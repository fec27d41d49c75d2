"""The PostgreSQL server that the settings name, or the embedded one."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import psycopg
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, OperationalError, ProgrammingError, connection, connections

from config import postgres
from config.environment import BadSettingError


@contextmanager
def available() -> Iterator[None]:
    """Keep the embedded server running during the block, unless `DATABASE_URL` names another server.

    Raises `BadSettingError` if that one cannot be used, `EmbeddedPostgresError` if ours cannot run.
    """
    if settings.EMBEDDED_POSTGRES is None:
        check_connection()
        yield
        return
    with postgres.running(settings.EMBEDDED_POSTGRES):
        yield


def check_connection() -> None:
    """Raise `BadSettingError` unless the server takes a connection."""
    try:
        connection.get_new_connection(connection.get_connection_params()).close()
    except (psycopg.Error, ImproperlyConfigured, ValueError) as error:
        raise _unreachable(error) from None


def limit_statements(seconds: int) -> None:
    """Let the server cancel our statements that take longer, and our transactions idle for a minute."""
    options = connections.settings[DEFAULT_DB_ALIAS]["OPTIONS"]
    limits = f"-c statement_timeout={seconds}s -c idle_in_transaction_session_timeout=60s"
    options["options"] = f"{options.get('options', '')} {limits}".strip()


def use_generic_plans() -> None:
    """Let the server plan each prepared statement once for all values.

    Planning costs more than running most of them (measured: a status read takes 121 instead of 595 µs). A
    plan made while a table was nearly empty may be bad later: connections are renewed, see CONN_MAX_AGE.
    """
    options = connections.settings[DEFAULT_DB_ALIAS]["OPTIONS"]
    options["options"] = f"{options.get('options', '')} -c plan_cache_mode=force_generic_plan".strip()


def analyse(plan: Sequence[object] = (), **_: object) -> None:
    """Update the planner's statistics after a migration, which may have written or moved rows.

    A receiver of `post_migrate`; `plan` are the migrations that ran, none after `flush`.
    """
    if plan:
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")


def limit_thread(**milliseconds: int) -> None:
    """Set timeouts of PostgreSQL for this thread's connections, from now on, such as `lock_timeout`."""
    options = connection.settings_dict["OPTIONS"]
    limits = " ".join(f"-c {name}={value}ms" for name, value in milliseconds.items())
    limited = f"{options.get('options', '')} {limits}".strip()
    connection.settings_dict = {**connection.settings_dict, "OPTIONS": {**options, "options": limited}}


@contextmanager
def troubles_told() -> Iterator[None]:
    """End the process with one line if a command meets a database that is not migrated, or fails."""
    try:
        yield
    except ProgrammingError as error:
        if not isinstance(error.__cause__, _NOT_MIGRATED):
            raise
        raise SystemExit("The database lacks tables: run python manage.py migrate first.") from None
    except OperationalError as error:
        raise SystemExit(f"The database failed: {_one_line(error)}.") from None


_NOT_MIGRATED = (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".")


def _unreachable(error: Exception) -> BadSettingError:
    reason = _one_line(error)
    if settings.EMBEDDED_POSTGRES is not None:
        return BadSettingError("DATABASE_URL", "is not set", f"the embedded server does not run; {reason}")
    return BadSettingError("DATABASE_URL", "names a server that cannot be used", reason)


def revive() -> None:
    """Restart the embedded server if it has died. Only for holders. Raises EmbeddedPostgresError."""
    if settings.EMBEDDED_POSTGRES is not None:
        postgres.revive(settings.EMBEDDED_POSTGRES)
