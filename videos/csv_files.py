"""Tables as CSV files."""

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Any

from django.http import HttpResponse, StreamingHttpResponse

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
    return HttpResponse(text.getvalue(), **_download(name))


def long_csv_file(name: str, headings: Iterable[Any], rows: Iterable[Iterable[Any]]) -> StreamingHttpResponse:
    """A file for people that is sent while its rows are read, however many there are."""
    return StreamingHttpResponse(_lines(headings, rows), **_download(name))


class _Line:
    """What `csv` writes to: each line is handed on."""

    def write(self, line: str) -> str:
        return line


def _lines(headings: Iterable[Any], rows: Iterable[Iterable[Any]]) -> Iterator[str]:
    writer = csv.writer(_Line())
    yield _BYTE_ORDER_MARK
    yield writer.writerow(cell(heading) for heading in headings)
    for row in rows:
        yield writer.writerow(cell(value) for value in row)


def _download(name: str) -> dict[str, Any]:
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return {"content_type": "text/csv; charset=utf-8", "headers": headers}
