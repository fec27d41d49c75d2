"""Tables as CSV files. They are written whole before they are sent, so one for people has an end."""

import csv
import io
import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext as _

from config.amounts import shown

MOST_ROWS = 50_000
MOST_CHARACTERS = 20_000_000
"""What a file for people holds at most; a day or another filter brings what is missing."""
_BYTE_ORDER_MARK = "\ufeff"
_SIGNS = "=+\\-@＝＋－＠"  # noqa: RUF001 - wide ones count too
_FORMULA = re.compile(rf'(\A *(?=[{_SIGNS}\t\r\n]))|[;|\t\r\n\v\f\x85\u2028\u2029][ "]*(?=[{_SIGNS}])')
"""Where a formula may begin: at the start of a cell, and behind whatever else a spreadsheet may split at.

Which separator that is, each person's spreadsheet decides; at any but a comma it takes quotes in the middle
of a line for text.
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


def cell(value: Any) -> Any:
    """What a spreadsheet shows as it stands, whatever it splits at: a name never runs as a formula."""
    if isinstance(value, Decimal):
        return shown(value)
    return _FORMULA.sub(_quoted, value) if isinstance(value, str) else value


def _quoted(start: re.Match[str]) -> str:
    """A `'` before a whole cell, or before a sign within one."""
    return f"{start[0]}'" if start[1] is None else f"'{start[1]}"


def _cells(values: Iterable[Any]) -> list[Any]:
    return [cell(value) for value in values]


def _download(name: str, text: io.StringIO) -> HttpResponse:
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return HttpResponse(text.getvalue(), content_type="text/csv; charset=utf-8", headers=headers)
