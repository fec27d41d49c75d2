"""The history as a CSV file."""

from collections.abc import Callable, Iterator
from datetime import datetime, tzinfo
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.pages.key_states import key_name
from config.web.csv_files import csv_file_for_people
from videos.listing import prompts
from videos.listing.history import Reading
from videos.models import Task
from videos.states import public_status

COLUMNS: dict[str, Callable[[Task], Any]] = {
    "id": lambda task: task.public_id,
    "created_at": lambda task: task.created_at,
    "finished_at": lambda task: task.finished_at,
    "status": lambda task: public_status(task.state, was_accepted=task.accepted_at is not None),
    "model": lambda task: task.model,
    "seconds": lambda task: task.seconds,
    "prompt": lambda task: task.prompt,
    "price": lambda task: task.charged,
    "currency": lambda task: settings.CURRENCY,
    "api_key": lambda task: task.api_key and task.api_key.prefix,
    "api_key_name": lambda task: task.api_key and key_name(task.api_key),
    "error": lambda task: task.failure_code,
}


def history_file(reading: Reading, zone: tzinfo) -> HttpResponse:
    """The CSV download, with times in `zone`. Its last line says so if the search stopped early."""
    return csv_file_for_people("videos.csv", COLUMNS, _rows(reading, zone))


def _rows(reading: Reading, zone: tzinfo) -> Iterator[list[Any]]:
    for task in reading:
        yield [_shown(value(task), zone) for value in COLUMNS.values()]
    if reading.filters.words and (lacking := prompts.lacking_since(timezone.now())):
        when = _shown(lacking, zone)
        yield [_("The search is catching up: videos created since %(when)s may be missing.") % {"when": when}]
    if reading.searched_to:
        when = _shown(reading.searched_to, zone)
        yield [_("Searched back to %(when)s; there may be older matches.") % {"when": when}]


def _shown(value: Any, zone: tzinfo) -> Any:
    return value.astimezone(zone).isoformat(" ", "seconds") if isinstance(value, datetime) else value
