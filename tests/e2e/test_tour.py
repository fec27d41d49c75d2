"""Opens every page in a real browser and checks for errors and accessibility."""

import pytest

from tests.e2e.browser import DESKTOP, PHONE, Visitor, browser
from tests.e2e.conftest import PASSWORD, Site, furnished, in_database  # noqa: F401 - a fixture
from tests.support.pages import MEMBER, NOBODY, STAFF, Page, pages

EXPECTED = {"not-found": 404, "people-confirm-email": 404}
"""Pages with another status than 200; the web process has another key than the one that signed the link."""
PASSING = ("console-procrastinate_procrastinatejob", "console-procrastinate_procrastinatejob-history")
"""Pages of the newest job, which is gone once a worker has done it."""


def log_in(visitor: Visitor, site: Site, viewer: str) -> None:
    if viewer == NOBODY:
        return
    visitor.open("/log-in/")
    visitor.log_in({MEMBER: "alice@example.com", STAFF: "sophie"}[viewer], PASSWORD)


def all_pages(site: Site) -> list[Page]:
    """All but the pages of a job."""
    found = in_database(lambda: pages(site.tenant, site.sophie))
    return [page for page in found if page.name not in PASSING]


@pytest.mark.parametrize("viewer", [NOBODY, MEMBER, STAFF])
@pytest.mark.parametrize(("width", "scheme"), [(DESKTOP, "light"), (PHONE, "dark")])
def test_every_page_is_accessible_and_has_no_errors(
    viewer: str,
    width: int,
    scheme: str,
    furnished: Site,  # noqa: F811 - the fixture
) -> None:
    site, barriers = furnished, []
    with browser(site.url, width=width, scheme=scheme) as visitor:
        log_in(visitor, site, viewer)
        for page in [page for page in all_pages(site) if page.viewer == viewer]:
            visitor.open(page.path)
            if page.name in EXPECTED:
                visitor.forgive(EXPECTED[page.name])
            barriers += [f"{page.name}: {barrier}" for barrier in visitor.barriers()]
            if visitor.page.evaluate("document.documentElement.scrollWidth") > width:
                barriers.append(f"{page.name}: is wider than the window")
        assert not visitor.troubles
    assert not barriers, "\n".join(barriers)
