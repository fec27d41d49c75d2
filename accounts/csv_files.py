"""Tables as CSV files. They are written whole before they are sent, so one for people has an end."""

import csv
import io
from collections.abc import Iterable
from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext as _

from accounts.spreadsheets import cell

MOST_ROWS = 50_000
MOST_CHARACTERS = 20_000_000
"""What a file for people holds at most; a day or another filter brings what is missing."""
_BYTE_ORDER_MARK = "\ufeff"
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
    """A file that spreadsheets read as UTF-8; where it would hold too much, its last line says so."""
    text = io.StringIO()
    text.write(_BYTE_ORDER_MARK)
    writer = csv.writer(text)
    writer.writerow(_cells(headings))
    for number, row in enumerate(rows):
        if number == most or text.tell() > MOST_CHARACTERS:
            writer.writerow([_("The file ends here, but there is more: choose days or other filters.")])
            break
        writer.writerow(_cells(row))
    return _download(name, text)


def _cells(values: Iterable[Any]) -> list[Any]:
    return [cell(value) for value in values]


def _download(name: str, text: io.StringIO) -> HttpResponse:
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return HttpResponse(text.getvalue(), content_type="text/csv; charset=utf-8", headers=headers)
