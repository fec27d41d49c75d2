"""The documentation in a real browser: its scripts work under the content security policy."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.e2e.browser import DESKTOP, PHONE, browser
from tests.support import site as support
from tests.support.fork_server import ForkServer
from tests.support.web_process import WebProcess

built = support.built  # the fixture
OPENED = ("index", "errors", "models/kling", "quick-start-zh")
"""Pages of each kind: links, wide tables, a table in a folder, another language."""


@pytest.fixture
def url(transactional_db: None, fork_server: ForkServer, built: Path, tmp_path: Path) -> Iterator[str]:
    web = WebProcess(fork_server, tmp_path / "web.log", SITE_ROOT=str(built))
    web.wait()
    yield web.url
    web.kill()


@pytest.mark.parametrize(("width", "scheme"), [(DESKTOP, "light"), (PHONE, "dark")])
def test_pages_are_accessible_and_have_no_errors(width: int, scheme: str, url: str) -> None:
    barriers = []
    with browser(url, width=width, scheme=scheme) as visitor:
        for name in OPENED:
            visitor.open(f"/docs/{name}.html")
            barriers += visitor.barriers()
            if visitor.page.evaluate("document.documentElement.scrollWidth") > width:
                barriers.append(f"{name}: is wider than the window")
        assert not visitor.troubles
    assert not barriers, "\n".join(barriers)


def test_a_reader_searches_and_chooses_the_colours(url: str) -> None:
    with browser(url) as visitor:
        page = visitor.open("/docs/")
        page.get_by_role("textbox", name="Search").fill("overloaded")
        page.locator(".md-search-result__link[href*='errors.html']").first.click()
        expect(page).to_have_url(re.compile("/docs/errors.html"))
        page.locator("label[title=Dark]").click()
        page.reload()
        expect(page.locator("body")).to_have_attribute("data-md-color-scheme", "slate")
        assert not visitor.troubles
