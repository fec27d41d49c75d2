"""Hand-written statements of hot paths: in transactions, counted, and safe on dead connections."""

import pytest
from django.db import DataError, OperationalError, connection, connections, transaction
from django.test.utils import CaptureQueriesContext

from accounts.models import Tenant
from config.db import prepared
from tests.conftest import NOW

INSERT = """INSERT INTO accounts_tenant (id, name, created_at, time_zone, earlier_time_zones)
VALUES (gen_random_uuid(), %(name)s::text, now(), 'UTC', '{}') RETURNING name"""
ECHO = "SELECT %(value)s::int + 1, 'text'"


def _end_the_connection() -> None:
    """Terminate the connection, as a restarting server does."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        [pid] = cursor.fetchone()
    other = connections.create_connection("default")
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    other.close()


@pytest.mark.django_db
def test_it_returns_the_first_row_or_none() -> None:
    assert prepared.fetch(ECHO, {"value": 1}) == (2, "text")
    assert prepared.fetch(f"{ECHO} WHERE false", {"value": 1}) is None


@pytest.mark.django_db
def test_times_are_as_django_reads_them() -> None:
    statement, values = "SELECT %(at)s::timestamptz, NULL::timestamptz", {"at": NOW}
    with CaptureQueriesContext(connection):  # runs on Django's own cursor
        usual = prepared.fetch(statement, values)
    found = prepared.fetch(statement, values)
    assert found == usual == (NOW, None)
    assert found is not None
    assert found[0].isoformat() == NOW.isoformat()


@pytest.mark.django_db
def test_it_counts_as_a_query() -> None:
    with CaptureQueriesContext(connection) as captured:
        prepared.fetch(ECHO, {"value": 1})
        prepared.fetch_all_first(ECHO, {"value": 1})
    assert len(captured) == 2


@pytest.mark.django_db(transaction=True)
def test_it_is_part_of_the_open_transaction() -> None:
    with transaction.atomic():
        assert prepared.fetch(INSERT, {"name": "Alice"}) == ("Alice",)
        transaction.set_rollback(True)
    assert not Tenant.objects.exists()
    prepared.fetch(INSERT, {"name": "Alice"})
    assert Tenant.objects.get().name == "Alice"


@pytest.mark.django_db
def test_it_raises_djangos_errors() -> None:
    with pytest.raises(DataError), transaction.atomic():
        prepared.fetch("SELECT 1 / %(value)s::int", {"value": 0})
    assert prepared.fetch(ECHO, {"value": 1}) == (2, "text")


@pytest.mark.django_db(transaction=True)
def test_the_first_statement_of_a_request_survives_a_dead_connection() -> None:
    prepared.fetch(ECHO, {"value": 1})
    _end_the_connection()
    assert prepared.fetch_all_first(ECHO, {"value": 1}) == [(2, "text")]


@pytest.mark.django_db(transaction=True)
def test_any_other_statement_raises_on_a_dead_connection() -> None:
    prepared.fetch(ECHO, {"value": 1})
    _end_the_connection()
    with pytest.raises(OperationalError):
        prepared.fetch(INSERT, {"name": "Alice"})
    connection.close()
    assert not Tenant.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_nothing_is_repeated_inside_a_transaction() -> None:
    with pytest.raises(OperationalError):
        _lose_the_connection_in_the_middle()
    connection.close()
    assert not Tenant.objects.exists()


def _lose_the_connection_in_the_middle() -> None:
    with transaction.atomic():
        prepared.fetch(INSERT, {"name": "Alice"})
        _end_the_connection()
        prepared.fetch_all_first(ECHO, {"value": 1})
