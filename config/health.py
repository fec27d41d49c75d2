"""The liveness and readiness of this process."""

from collections.abc import Callable
from contextlib import suppress
from functools import cache

from django.conf import settings
from django.db import Error as DatabaseTrouble
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpRequest, JsonResponse
from django.utils.module_loading import import_string

from config import disk, stores
from config.stores.base import Missing, StoreError


class NotReadyError(Exception):
    """Something that requests need is missing; the message, which says what, is public."""


def healthz(request: HttpRequest) -> JsonResponse:
    """200 once requests are accepted; `edge.refusals.alive` responds the same without a thread."""
    return JsonResponse({"status": "ok"})


def readyz(request: HttpRequest) -> JsonResponse:
    """200 if the database has the current schema and results can be stored, with free space, else 503."""
    others = {name: import_string(path) for name, path in settings.READY_CHECKS.items()}
    results = {name: _outcome(check) for name, check in (_CHECKS | others).items()}
    ready = all(outcome == "ok" for outcome in results.values())
    status = "ok" if ready else "unavailable"
    return JsonResponse({"status": status, "checks": results}, status=200 if ready else 503)


def _outcome(check: Callable[[], None]) -> str:
    try:
        check()
    except NotReadyError as error:
        return str(error)
    except (DatabaseTrouble, StoreError) as error:
        return type(error).__name__  # the text might name a host or a user
    return "ok"


def _database() -> None:
    applied = {*MigrationRecorder(connection).migration_qs.values_list("app", "name")}
    if not _latest_migrations() <= applied:
        raise NotReadyError("migrations are missing")


@cache
def _latest_migrations() -> frozenset[tuple[str, str]]:
    """The last migration of each app on disk, which does not change while this process runs."""
    return frozenset(MigrationLoader(None).graph.leaf_nodes())


def _storage() -> None:
    with suppress(Missing):
        stores.results().stat("readyz")


def _disk() -> None:
    if disk.is_short():
        raise NotReadyError("too little space is free")


_CHECKS: dict[str, Callable[[], None]] = {"database": _database, "results": _storage, "disk": _disk}


ROUTES: dict[str, Callable[[HttpRequest], JsonResponse]] = {"/healthz": healthz, "/readyz": readyz}
"""The health routes, which `HealthMiddleware` answers."""
