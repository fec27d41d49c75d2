"""The history as a CSV file."""

from collections.abc import Callable, Iterable
from datetime import datetime, tzinfo
from typing import Any

from django.conf import settings
from django.http import StreamingHttpResponse

from accounts.money import ZERO
from videos.csv_files import long_csv_file
from videos.models import Task
from videos.states import PUBLIC_STATUS, Status

COLUMNS: dict[str, Callable[[Task], Any]] = {
    "id": lambda task: task.public_id,
    "created_at": lambda task: task.created_at,
    "finished_at": lambda task: task.finished_at,
    "status": lambda task: PUBLIC_STATUS[task.state],
    "model": lambda task: task.model,
    "seconds": lambda task: task.seconds,
    "prompt": lambda task: task.request.get("prompt"),
    "price": lambda task: ZERO if task.state in (Status.FAILED, Status.CANCELLED) else task.price,
    "currency": lambda task: settings.CURRENCY,
    "api_key": lambda task: task.api_key and task.api_key.prefix,
    "api_key_name": lambda task: task.api_key and task.api_key.name,
    "error": lambda task: task.failure_code,
}


def history_file(tasks: Iterable[Task], zone: tzinfo) -> StreamingHttpResponse:
    """A file to download, written as the tasks come; times are those of the zone."""
    rows = ((_shown(value(task), zone) for value in COLUMNS.values()) for task in tasks)
    return long_csv_file("videos.csv", COLUMNS, rows)


def _shown(value: Any, zone: tzinfo) -> Any:
    return value.astimezone(zone).isoformat(" ", "seconds") if isinstance(value, datetime) else value
