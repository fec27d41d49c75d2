"""The database role of `sqlgrants` can do all work but not erase append-only rows."""

from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import ProgrammingError, connection, transaction

from accounts import audit
from accounts.models import AuditEntry, AuditPlace, User
from tests.conftest import GOOD_BODY, NOW, Caller, MakeTask
from tests.support.rows import check_each
from videos.models import LedgerEntry, Task, TaskEvent
from videos.states import Status
from videos.tasks import pruning

ROLE = 'a "quoted" role'


def statements(role: str = ROLE) -> str:
    printed = StringIO()
    call_command("sqlgrants", role=role, stdout=printed)
    return printed.getvalue()


@contextmanager
def as_role() -> Iterator[None]:
    """Run as the role with the printed grants, rolled back with the test."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(statements())
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        cursor.execute('SET LOCAL ROLE "a ""quoted"" role"')
    yield
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")


def test_the_role_can_do_everything_the_gateway_does(owner: Caller, make_task: MakeTask) -> None:
    sophie = User.objects.create_superuser("sophie")
    with as_role():
        made = owner.post("/v1/videos", GOOD_BODY)
        assert made.status_code == 200, made.content
        assert owner.get(f"/v1/videos/{made.json()['id']}").status_code == 200
        assert owner.request("DELETE", f"/v1/videos/{made.json()['id']}").status_code == 200
        task = make_task(Status.SUCCEEDED)
        TaskEvent.objects.create(task=task, at=NOW, verb="succeed")
        audit.record(audit.Author(sophie, AuditPlace.CONSOLE), audit.Subject("nothing"), "", {}, {}, NOW)
        assert pruning.total(pruning.prune(Task.objects.filter(pk=task.pk, pruned_at=None), NOW)).events > 0
        sophie.delete()


def test_the_role_cannot_erase_append_only_rows(owner: Caller, make_task: MakeTask) -> None:
    owner.post("/v1/videos", GOOD_BODY)
    audit.record(
        audit.Author(None, AuditPlace.COMMAND_LINE, name="bob"), audit.Subject("nothing"), "", {}, {}, NOW
    )
    models = (AuditEntry, LedgerEntry, TaskEvent)
    counts = [model.objects.count() for model in models]
    assert all(counts)
    tables = [model._meta.db_table for model in models]
    attempts = [
        *(f"UPDATE {table} SET at = now()" for table in tables),  # noqa: S608 - our own tables
        *(f"DELETE FROM {table}" for table in tables if table != "videos_taskevent"),  # noqa: S608
        *(f"TRUNCATE {table} CASCADE" for table in tables),
        *(f"ALTER TABLE {table} DISABLE TRIGGER ALL" for table in tables),
        *(f"DROP TABLE {table} CASCADE" for table in tables),
        "DROP FUNCTION accounts_never_changed CASCADE",
        "SET session_replication_role = replica",
        "DELETE FROM django_migrations",
        "CREATE TABLE mine (id int)",
    ]

    def is_refused(attempt: str) -> None:
        with pytest.raises(ProgrammingError, match=r"permission denied|must be owner"), transaction.atomic():
            connection.cursor().execute(attempt)

    with as_role():
        check_each(attempts, is_refused)
    assert [model.objects.count() for model in models] == counts


def test_an_existing_role_gets_its_grants_again(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statements())
        again = statements()
        assert "CREATE ROLE" not in again
        cursor.execute(again)


@pytest.mark.parametrize("role", ["", "x" * 64, "with\0zero"])
def test_an_invalid_role_name_is_refused(role: str, db: None) -> None:
    with pytest.raises(CommandError, match="name of a role"):
        statements(role)
