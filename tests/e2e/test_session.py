"""A page that refreshes itself after the session has ended."""

import re

import pytest
from playwright.sync_api import expect

from tests.conftest import Caller, order_video
from tests.e2e.browser import Visitor, browser
from tests.e2e.conftest import PASSWORD, Site, mate_key  # noqa: F401 - fixtures

PROMPT = "[sandbox: never_end] a river"


@pytest.mark.parametrize("page", ["history", "video", "task", "dashboard"])
def test_a_live_part_leads_to_the_log_in_once_the_session_has_ended(
    page: str,
    site: Site,
    mate_key: Caller,  # noqa: F811 - the fixture
) -> None:
    task = order_video(mate_key, {"model": "Kling-3.0-720p", "seconds": "5", "prompt": PROMPT})
    path = {
        "history": f"{site.portal}videos/",
        "video": f"{site.portal}videos/{task.public_id}/",
        "task": f"/admin/videos/task/{task.pk}/change/",
        "dashboard": "/admin/",
    }[page]
    with browser(site.url) as visitor:
        visitor.open("/")
        name = "sophie" if "admin" in path else "alice@example.com"
        visitor.log_in(name, PASSWORD)
        _see(visitor, path)
        visitor.page.context.clear_cookies(name="sessionid")
        expect(visitor.page).to_have_url(re.compile(r"/log-in/\?next="))
        expect(visitor.page.get_by_label("Password", exact=True)).to_have_count(1)
        visitor.check()


def _see(visitor: Visitor, path: str) -> None:
    visitor.open(path)
    expect(visitor.page.locator("[hx-get]").first).to_be_attached()
