"""CSV files. They are built in memory before they are sent, so those for people have a maximum size."""

import csv
import io
import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext as _

from config.amounts import format_amount

MOST_ROWS = 50_000
MOST_CHARACTERS = 20_000_000
"""Limits of a file for people; days or other filters reach the rest."""
_BYTE_ORDER_MARK = "\ufeff"
_SIGNS = "=+\\-@＝＋－＠"  # noqa: RUF001 - full-width ones count too
_FORMULA = re.compile(rf'(\A *(?=[{_SIGNS}\t\r\n]))|[;|\t\r\n\v\f\x85\u2028\u2029][ "]*(?=[{_SIGNS}])')
"""Where a formula may begin: at the start of a cell, and after anything a spreadsheet may split at.

The separator depends on the spreadsheet's settings; with any other than a comma, quotes in the middle of a
line are plain text.
"""
Rows = Iterable[Iterable[Any]]


def csv_file(name: str, headings: Iterable[Any], rows: Rows) -> HttpResponse:
    """A file for programs, with all rows."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(_cells(headings))
    writer.writerows(map(_cells, rows))
    return _download(name, text)


def csv_file_for_people(
    name: str, headings: Iterable[Any], rows: Rows, most: int = MOST_ROWS
) -> HttpResponse:
    """A file that spreadsheets read as UTF-8; if it reaches a limit, its last line says so."""
    text = io.StringIO()
    text.write(_BYTE_ORDER_MARK)
    writer = csv.writer(text)
    writer.writerow(_cells(headings))
    for number, row in enumerate(rows):
        if number == most or text.tell() > MOST_CHARACTERS:
            writer.writerow(
                [_("The file was cut off here: narrow the days or other filters to get the rest.")]
            )
            break
        writer.writerow(_cells(row))
    return _download(name, text)


def cell(value: Any) -> Any:
    """The value for a cell: amounts as text, and texts that no spreadsheet runs as a formula."""
    if isinstance(value, Decimal):
        return format_amount(value)
    return _FORMULA.sub(_quoted, value) if isinstance(value, str) else value


def _quoted(start: re.Match[str]) -> str:
    """A `'` before a whole cell, or before a sign within one."""
    return f"{start[0]}'" if start[1] is None else f"'{start[1]}"


def _cells(values: Iterable[Any]) -> list[Any]:
    return [cell(value) for value in values]


def _download(name: str, text: io.StringIO) -> HttpResponse:
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return HttpResponse(text.getvalue(), content_type="text/csv; charset=utf-8", headers=headers)
