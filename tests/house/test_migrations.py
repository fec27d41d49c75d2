"""An interrupted migration can be run again."""

from collections.abc import Iterator

import pytest
from django.db import connection
from django.db.migrations import Migration
from django.db.migrations.loader import MigrationLoader

from config import repeatable
from tests.support.rows import check_each


def not_atomic() -> Iterator[Migration]:
    """Our migrations without a transaction, which can be interrupted half-way, in their order."""
    loader = MigrationLoader(None)
    for (app, _), migration in sorted(loader.disk_migrations.items()):
        if app in ("accounts", "videos") and not migration.atomic:
            yield migration


def run_again(migration: Migration) -> None:
    """Run the migration again on a migrated database."""
    loader = MigrationLoader(connection)
    state = loader.project_state(migration.dependencies)
    with connection.schema_editor(atomic=False) as editor:
        migration.apply(state, editor)


def indexes() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexname FROM pg_indexes WHERE schemaname = 'public'")
        return {name for (name,) in cursor.fetchall()}


def test_non_atomic_migrations_consist_of_repeatable_operations() -> None:
    def check(migration: Migration) -> None:
        assert all(
            isinstance(operation, getattr(repeatable, type(operation).__name__, ()))
            for operation in migration.operations
        )

    check_each(not_atomic(), check)


@pytest.fixture
def migrated(transactional_db: None) -> Iterator[None]:
    """The database, without the indexes that migrations add again which later ones removed."""
    before = indexes()
    yield
    after = indexes()
    with connection.cursor() as cursor:
        for name in after - before:
            cursor.execute(f"DROP INDEX {name}")
    assert after >= before


@pytest.mark.usefixtures("migrated")
def test_they_can_be_run_again_if_only_their_record_is_missing() -> None:
    check_each(not_atomic(), run_again)


@pytest.mark.usefixtures("migrated")
def test_an_invalid_index_is_rebuilt() -> None:
    name = "task_ended"
    with connection.cursor() as cursor:
        cursor.execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = %s::regclass", [name])
        check_each(not_atomic(), run_again)
        cursor.execute("SELECT indisvalid FROM pg_index WHERE indexrelid = %s::regclass", [name])
        assert cursor.fetchone() == (True,)


@pytest.mark.usefixtures("migrated")
@pytest.mark.parametrize(
    "undone", ["DROP INDEX task_ended", "ALTER TABLE videos_task DROP CONSTRAINT task_pruned_is_final"]
)
def test_missing_operations_are_done(undone: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(undone)
        check_each(not_atomic(), run_again)
        cursor.execute("SELECT count(*) FROM pg_class WHERE relname = 'task_ended'")
        assert cursor.fetchone() == (1,)
        cursor.execute(
            "SELECT count(*) FROM pg_constraint WHERE conname = 'task_pruned_is_final' AND convalidated"
        )
        assert cursor.fetchone() == (1,)
