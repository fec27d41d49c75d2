"""What a list of the console shows, as a CSV file."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from csv import writer
from datetime import datetime
from html import unescape
from io import StringIO
from typing import Any

from django.contrib.admin import ModelAdmin
from django.contrib.admin.utils import label_for_field, lookup_field
from django.core.exceptions import ObjectDoesNotExist
from django.db.models import QuerySet
from django.http import HttpRequest, StreamingHttpResponse
from django.utils import timezone, translation
from django.utils.html import strip_tags
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext

from accounts.spreadsheets import cell

MOST_ROWS = 50_000
"""The rows of one file, at most; a day or another filter brings those that are missing."""
BATCH = 1000
"""Rows read at a time."""
_MARK = "\ufeff"
"""Spreadsheets know by it that the text is UTF-8."""
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
Page = ModelAdmin[Any]
Viewer = Callable[[], AbstractContextManager[None]]


def as_csv(
    page: Page, request: HttpRequest, rows: QuerySet[Any], most: int = MOST_ROWS
) -> StreamingHttpResponse:
    """The columns of the list and these rows, `most` at most, newest first, sent as they are read."""
    columns = [str(name) for name in page.get_list_display(request)]
    name = f"{page.opts.model_name}-{timezone.localtime():%Y-%m-%d-%H%M}.csv"
    return StreamingHttpResponse(
        _lines(page, columns, _batches(rows, most), _viewer()),
        content_type="text/csv; charset=utf-8",
        headers={"content-disposition": f'attachment; filename="{name}"'},
    )


def _lines(page: Page, columns: Sequence[str], batches: Iterator[list[Any]], viewer: Viewer) -> Iterator[str]:
    """Batch by batch; each in the language and the time zone of the viewer, which end with the view."""
    with viewer():
        labels = [capfirst(str(label_for_field(name, page.model, page))) for name in columns]
    yield _MARK + _text([map(cell, labels)])
    for batch in batches:
        with viewer():
            lines = _text([_value(page, name, row) for name in columns] for row in batch)
        yield lines


def _viewer() -> Viewer:
    """A way back into the language and the time zone of now."""
    language, zone = translation.get_language(), timezone.get_current_timezone()

    @contextmanager
    def again() -> Iterator[None]:
        with translation.override(language), timezone.override(zone):
            yield

    return again


def _batches(rows: QuerySet[Any], most: int) -> Iterator[list[Any]]:
    """By the primary key downwards, each batch from where the one before ended."""
    rows = rows.order_by("-pk")
    after = rows
    while batch := list(after[: min(BATCH, most)]):
        yield batch
        most -= len(batch)
        after = rows.filter(pk__lt=batch[-1].pk)


def _text(lines: Any) -> str:
    text = StringIO()
    writer(text).writerows(lines)
    return text.getvalue()


def _value(page: Page, name: str, row: Any) -> Any:
    """What stands in the list, without its markup."""
    try:
        field, _, value = lookup_field(name, row, page)
    except ObjectDoesNotExist:
        return ""
    if field is None and isinstance(value, str) and _NUMBER.fullmatch(value):
        return value  # an amount, which a page writes as text
    if field is not None and getattr(field, "choices", None):
        value = getattr(row, f"get_{field.name}_display")()
    elif field is not None and field.remote_field:
        value = getattr(row, field.name)
    return cell(_plain(value))


def _plain(value: Any) -> Any:
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    if isinstance(value, datetime):
        return timezone.localtime(value).isoformat(" ", "seconds")
    if isinstance(value, SafeString):
        return unescape(strip_tags(value)).strip()
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return value if isinstance(value, int | float) or hasattr(value, "as_tuple") else str(value)
