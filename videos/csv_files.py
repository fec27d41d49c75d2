"""Tables as CSV files."""

import csv
import io
from collections.abc import Iterable
from typing import Any

from django.http import HttpResponse

from accounts.spreadsheets import cell

_BYTE_ORDER_MARK = "\ufeff"


def csv_file(
    name: str, headings: Iterable[Any], rows: Iterable[Iterable[Any]], *, for_people: bool = False
) -> HttpResponse:
    """A file to download. One `for_people` begins with a mark that makes spreadsheets read it as UTF-8."""
    text = io.StringIO()
    text.write(_BYTE_ORDER_MARK if for_people else "")
    writer = csv.writer(text)
    writer.writerow(cell(heading) for heading in headings)
    writer.writerows([cell(value) for value in row] for row in rows)
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return HttpResponse(text.getvalue(), content_type="text/csv; charset=utf-8", headers=headers)
