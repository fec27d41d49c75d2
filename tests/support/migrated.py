"""A migrated template database with the default prices, kept between runs and copied for each test process.

Migrating takes seconds, and each process needs its own database. Django still migrates the copy, which finds
nothing to do; migrations are tested on databases without a template.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.apps import apps
from django.core.management import call_command
from django.db import connection

_PROJECT = Path(__file__).resolve().parents[2]
_PREFIX = "reelay_migrated_"
_LOCK = 739_155_042
"""Key of the advisory lock, so that one process builds it while the others wait."""


def template() -> str:
    """The name of the database, which is built again if its contents may have changed."""
    name = _PREFIX + _digest()
    with connection._nodb_cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [_LOCK])  # held until the connection ends
        existing = _existing(cursor)
        if name not in existing:
            _build(cursor, name)
            for outdated in existing:
                cursor.execute(f'DROP DATABASE IF EXISTS "{outdated}" WITH (FORCE)')
    return name


def _digest() -> str:
    """Changes with any migration of any app and any of our code, which writes the prices."""
    digest = hashlib.sha256()
    for config in apps.get_app_configs():
        is_ours = Path(config.path).parent == _PROJECT
        for file in sorted(Path(config.path).glob("**/*.py" if is_ours else "migrations/*.py")):
            digest.update(f"{config.label}/{file.name}\n".encode() + file.read_bytes())
    return digest.hexdigest()[:16]


def _existing(cursor: Any) -> list[str]:
    cursor.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [_PREFIX])
    return [name for (name,) in cursor.fetchall()]


def _build(cursor: Any, name: str) -> None:
    """Build it under another name first, so that an unfinished one is never used."""
    unfinished = f"{name}_unfinished"
    cursor.execute(f'DROP DATABASE IF EXISTS "{unfinished}" WITH (FORCE)')
    cursor.execute(f'CREATE DATABASE "{unfinished}"')
    with _connected_to(unfinished):
        call_command("migrate", verbosity=0)
        call_command("seedprices", verbosity=0)
    cursor.execute(f'ALTER DATABASE "{unfinished}" RENAME TO "{name}"')


@contextmanager
def _connected_to(name: str) -> Iterator[None]:
    before = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = name
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = before
