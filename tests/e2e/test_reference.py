"""The page about the API shows every operation, and its scripts break no rule of the content policy."""

from playwright.sync_api import expect

from tests.conftest import make_caller
from tests.e2e.browser import browser
from tests.e2e.conftest import Site
from videos.openapi.routes import ROUTES


def test_the_page_shows_every_operation_and_sends_requests(site: Site) -> None:
    key = make_caller(site.tenant, "a reader").text or ""
    with browser(site.url) as visitor:
        page = visitor.open("/docs/api/")
        expect(page.locator(".opblock")).to_have_count(sum(map(len, ROUTES.values())))
        page.get_by_role("button", name="Authorize").click()
        page.locator("#auth-bearer-value").fill(key)
        page.get_by_role("button", name="Apply credentials").first.click()
        page.get_by_role("button", name="Close").first.click()
        account = page.locator("#operations-Account-get_account")
        account.get_by_role("button").first.click()
        account.get_by_role("button", name="Try it out").click()
        account.get_by_role("button", name="Execute").click()
        expect(account.locator(".live-responses-table")).to_contain_text("Alice Studio")
        assert visitor.troubles == []
