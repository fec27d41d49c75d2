"""Whether this process serves, and whether it could do its work."""

from collections.abc import Callable

from django.core.files.storage import storages
from django.db import Error as DatabaseTrouble
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse


class NotReadyError(Exception):
    """Something that requests need is missing."""


def healthz(request: HttpRequest) -> JsonResponse:
    """200 as soon as requests are taken."""
    return JsonResponse({"status": "ok"})


def readyz(request: HttpRequest) -> JsonResponse:
    """200 if the database answers with the current schema and results can be kept, else 503."""
    results = {name: _outcome(check) for name, check in _CHECKS.items()}
    ready = all(outcome == "ok" for outcome in results.values())
    status = "ok" if ready else "unavailable"
    return JsonResponse({"status": status, "checks": results}, status=200 if ready else 503)


def _outcome(check: Callable[[], None]) -> str:
    try:
        check()
    except (DatabaseTrouble, OSError, NotReadyError) as error:
        return type(error).__name__  # the text might name a host or a user
    return "ok"


def _database() -> None:
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise NotReadyError("migrations are missing")


def _storage() -> None:
    storages["results"].exists("readyz")


_CHECKS: dict[str, Callable[[], None]] = {"database": _database, "results": _storage}
