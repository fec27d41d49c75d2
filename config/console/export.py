"""A list of the console as a CSV file."""

from collections.abc import Iterator
from datetime import datetime
from html import unescape
from typing import Any

from django.contrib.admin import ModelAdmin
from django.contrib.admin.utils import label_for_field, lookup_field
from django.core.exceptions import ObjectDoesNotExist
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import strip_tags
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext

from config.console.filters import BY_TIME
from config.db.any_of import OF_ONE_TENANT, Order
from config.web.csv_files import MOST_ROWS, csv_file_for_people

BATCH = 1000
"""Rows read at a time."""
NEWEST_FIRST: Order = ("-pk",)
Rows = ModelAdmin[Any]
"""A model's list in the console."""


def as_csv(
    page: Rows, request: HttpRequest, rows: QuerySet[Any], order: Order | None = None, most: int = MOST_ROWS
) -> HttpResponse:
    """The columns of the list, or those it exports, and at most `most` of the rows, newest first.

    `order` is that of the index that the filters use, if they use one.
    """
    columns = [str(name) for name in getattr(page, "file_columns", ()) or page.get_list_display(request)]
    name = f"{page.opts.model_name}-{timezone.localtime():%Y-%m-%d-%H%M}.csv"
    labels = [capfirst(str(label_for_field(name, page.model, page))) for name in columns]
    ordered = _newest_first(rows, order or _found_in(rows))
    values = ([_value(page, name, row) for name in columns] for row in ordered)
    return csv_file_for_people(name, labels, values, most)


def _found_in(rows: QuerySet[Any]) -> Order:
    """The order in which a search has found one tenant's rows, else newest first."""
    return OF_ONE_TENANT if rows.query.order_by == OF_ONE_TENANT else NEWEST_FIRST


def _newest_first(rows: QuerySet[Any], order: Order) -> Iterator[Any]:
    """Rows in descending order of time or primary key; each batch continues after the one before."""
    rows = rows.order_by(*order)
    batch = list(rows[:BATCH])
    while batch:
        yield from batch
        batch = list(rows.filter(_after(batch[-1], order))[:BATCH])


def _after(row: Any, order: Order) -> Q:
    """The condition for the rows that follow this one; before the primary key, all have the same values."""
    if order == BY_TIME:
        return Q(at__lte=row.at) & ~Q(at=row.at, pk__gte=row.pk)
    return Q(pk__lt=row.pk)


def _value(page: Rows, name: str, row: Any) -> Any:
    """The value that the page gives for files, or what the list shows, without its markup."""
    if exact := getattr(page, "exported", {}).get(name):
        return _plain(exact(row))
    try:
        field, _, value = lookup_field(name, row, page)
    except ObjectDoesNotExist:
        return ""
    if field is not None and getattr(field, "choices", None):
        value = getattr(row, f"get_{field.name}_display")()
    elif field is not None and field.remote_field:
        value = getattr(row, field.name)
    return _plain(value)


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
