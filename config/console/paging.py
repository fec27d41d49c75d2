"""Pages of lists that nobody counts: counting reads all rows."""

import re
from functools import cached_property
from typing import Any

from django.contrib.admin.views.main import PAGE_VAR
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest

MOST_PAGES = 200
"""What lies further back is found by filters and days; to turn that many pages, all their rows are read."""
_PAGE = re.compile("[1-9][0-9]{0,5}")


def page_asked_for(request: HttpRequest) -> int:
    """The number of the page; the first, where it makes no sense."""
    given = request.GET.get(PAGE_VAR, "")
    return int(given) if _PAGE.fullmatch(given) else 1


class UncountedPaginator(Paginator[Any]):
    """Knows whether there is a page after the one shown, and no more; reads the rows of that page once."""

    template_name = "admin/uncounted_pages.html"

    def __init__(self, rows: QuerySet[Any], per_page: int, page: int) -> None:
        super().__init__(rows, per_page)
        self._queryset = rows
        self.page_number = page

    @cached_property
    def rows(self) -> list[Any]:
        """Those of the page, and the first one of the next."""
        return list(self._queryset[self._start : self._start + self.per_page + 1])

    @cached_property
    def count(self) -> int:
        """The rows up to the first one of the next page."""
        return min(self._start + len(self.rows), MOST_PAGES * self.per_page)

    @property
    def newer(self) -> int | None:
        """The page before."""
        return self.page_number - 1 if self.page_number > 1 else None

    @property
    def older(self) -> int | None:
        """The page after."""
        return self.page_number + 1 if self.page_number < self.num_pages else None

    @property
    def is_cut(self) -> bool:
        """Whether there are more rows than are turned to."""
        return self.page_number == MOST_PAGES and len(self.rows) > self.per_page

    @property
    def _start(self) -> int:
        return (self.page_number - 1) * self.per_page
