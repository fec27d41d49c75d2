"""Pages of lists that nobody counts: counting reads all rows."""

from functools import cached_property
from typing import Any

from django.core.paginator import Page
from unfold.paginator import InfinitePaginator

MOST_PAGES = 200
"""What lies further back is found by filters and days; to turn that many pages, all their rows are read."""


class UncountedPaginator(InfinitePaginator):  # type: ignore[misc]  # the theme has no types
    """Knows whether there are rows after the page that was read, and no more; so one row more is read.

    There are no pages beyond `MOST_PAGES`.
    """

    template_name = "admin/uncounted_pages.html"
    has_more = False
    """Whether there are rows after the page."""

    @cached_property
    def count(self) -> int:
        """As many rows as are turned to at most."""
        return MOST_PAGES * int(self.per_page)

    def page(self, number: Any) -> Page[Any]:
        """The rows of the page, read at once. Raises `InvalidPage` for a number that no page has."""
        number = self.validate_number(number)
        start = (number - 1) * self.per_page
        rows = list(self.object_list[start : start + self.per_page + 1])
        self.has_more = len(rows) > self.per_page
        return Page(rows[: self.per_page], number, self)
