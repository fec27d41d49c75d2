"""Enough analysed rows for stable query plans."""

from collections.abc import Mapping
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import Tenant
from tests.conftest import NOW, MakeTask
from tests.support.emptying import let_tables_be_emptied
from videos.listing import prompts
from videos.models import Task
from videos.states import Status

_SOME_ID = "('019' || substr(md5(random()::text || clock_timestamp()), 1, 29))::uuid"
"""A UUIDv7 of recent years, as SQL."""


def empty_pages() -> None:
    """Start with empty tables: the planner counts pages of rows that other tests rolled back."""
    let_tables_be_emptied()
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE videos_task, videos_file, videos_dailyusage, videos_refusedcreate CASCADE")


def analyse() -> None:
    """Update the statistics of the planner, which otherwise depend on autovacuum."""
    tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {', '.join(tables)}")


def _copies(own: Mapping[str, str], sources: str) -> str:
    """SQL that copies `task` from the sources with the column values in `own`."""
    columns = [field.attname for field in Task._meta.concrete_fields]
    values = [own.get(column, f"task.{column}") for column in columns]
    return f"INSERT INTO videos_task ({', '.join(columns)}) SELECT {', '.join(values)} FROM {sources}"  # noqa: S608


def add_past() -> None:
    """Add tasks that ended long ago, nine of ten pruned."""
    own = {
        "id": _SOME_ID,
        "status": "'failed'",
        "account_id": "(SELECT min(id) FROM videos_upstreamaccount)",
        "failure_code": "'generation_failed'",
        "failure_message": "'It did not work.'",
        "upstream_task_id": "NULL",
        "finished_at": "task.created_at - nr * interval '1 hour'",
        "pruned_at": "CASE WHEN nr % 10 > 0 THEN task.created_at END",
    }
    with connection.cursor() as cursor:
        cursor.execute(_copies(own, "(SELECT * FROM videos_task LIMIT 1) task, generate_series(1, 3000) nr"))


def add_others() -> None:
    """Add ten tenants, each with as many tasks as Alice and older ones, and with their own entries."""
    Tenant.objects.bulk_create(Tenant(name=f"Tenant {number}") for number in range(10))
    own = {
        "id": _SOME_ID,
        "tenant_id": "other.id",
        "upstream_task_id": "task.id::text || other.id || age",
        "created_at": "task.created_at - age * interval '1 day'",
        "api_key_id": "NULL",
    }
    sources = "videos_task task, accounts_tenant other, generate_series(0, 4) age"
    with connection.cursor() as cursor:
        cursor.execute(_copies(own, f"{sources} WHERE other.id <> task.tenant_id"))
        cursor.execute(
            "INSERT INTO videos_ledgerentry (tenant_id, kind, amount, held, at, actor_name, reason)"
            " SELECT id, 'top_up', 1, 0, now(), 'bob', 'paid' FROM accounts_tenant, generate_series(1, 500)"
            " WHERE name LIKE 'Tenant %'"
        )
        cursor.execute(
            "INSERT INTO accounts_auditentry (at, actor_name, place, subject, reason, before, after)"
            " SELECT now(), 'bob', 'console', 'tenant ' || name || nr % 100, '', '{}', '{}'"
            " FROM accounts_tenant, generate_series(1, 5000) nr"
        )
        cursor.execute(
            "INSERT INTO videos_file"
            " (id, tenant_id, state, kind, name, bytes, sha256, created_at, expires_at)"
            " SELECT gen_random_uuid(), id, CASE WHEN nr % 50 = 0 THEN 'deleted' ELSE 'stored' END,"
            " 'png', 'a.png', 9, '', now() - nr * interval '1 hour', now() + nr * interval '1 hour'"
            " FROM accounts_tenant, generate_series(1, 200) nr"
        )
        cursor.execute(
            "INSERT INTO videos_fileuse (file_id, task_id) SELECT file.id, task.id FROM"
            " (SELECT id FROM videos_file LIMIT 30) file, (SELECT id FROM videos_task LIMIT 30) task"
        )
        for verb, of_each in ("create", 3), ("succeed", 3):
            cursor.execute(
                "INSERT INTO videos_taskevent (task_id, at, verb, status, detail)"
                " SELECT id, created_at, %s, status, '{}' FROM videos_task, generate_series(1, %s)",
                [verb, of_each],
            )
        cursor.execute("UPDATE videos_taskevent SET verb = 'flag' WHERE id %% 1000 = 0", [])


@pytest.fixture
def tasks_of_many(make_task: MakeTask) -> None:
    """Many rows in every state, of many tenants."""
    empty_pages()
    for status in Status:
        for number in range(4):
            done = NOW if status in (Status.STORING, Status.SUCCEEDED) else None
            make_task(status, turn=number, done_at=done, now=NOW - timedelta(minutes=number))
    add_others()
    prompts.rebuild(timezone.now())
    analyse()


@pytest.fixture
def many_tasks(tasks_of_many: None) -> None:
    """The same rows with sequential and bitmap scans disabled."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_bitmapscan = off")
