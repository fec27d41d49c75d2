"""Pagination without counting, which would read all rows."""

from functools import cached_property
from typing import Any

from django.core.paginator import Page
from unfold.paginator import InfinitePaginator

MOST_PAGES = 200
"""Older rows are found by filters and days: to show a page, all rows before it are read."""


class UncountedPaginator(InfinitePaginator):  # type: ignore[misc]  # the theme has no types
    """Reads one row more than the page to find out whether there are more. Ends at `MOST_PAGES`."""

    template_name = "admin/uncounted_pages.html"
    has_more = False
    """Whether there are rows after the page."""

    @cached_property
    def count(self) -> int:
        """An upper limit: the rows of `MOST_PAGES` pages."""
        return MOST_PAGES * int(self.per_page)

    def page(self, number: Any) -> Page[Any]:
        """Read the rows of the page. Raises `InvalidPage` for a number out of range."""
        number = self.validate_number(number)
        start = (number - 1) * self.per_page
        rows = list(self.object_list[start : start + self.per_page + 1])
        self.has_more = len(rows) > self.per_page
        return Page(rows[: self.per_page], number, self)
