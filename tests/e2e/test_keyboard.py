"""What opens by keyboard in the console: filters and the menu of the person logged in."""

from playwright.sync_api import Page, expect

from tests.e2e.browser import browser
from tests.e2e.conftest import Site
from tests.e2e.keyboard import Keyboard


def test_staff_filter_a_list_and_reach_their_second_factor(site: Site) -> None:
    with browser(site.url) as sophie:
        keys, page = Keyboard(sophie), sophie.open("/admin/accounts/user/")
        keys.log_in("sophie")
        keys.press("Tab")
        expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
        keys.press("Enter")
        _filter(keys, page)
        sophie.check()
        _open_the_second_factor(keys, page)
        sophie.check()


def _filter(keys: Keyboard, page: Page) -> None:
    button = keys.button("Filters")
    keys.reach(button)
    expect(button).to_have_attribute("aria-expanded", "false")
    keys.press("Enter")
    expect(page.locator("#changelist-filter :focus")).to_have_count(1)
    keys.press("Escape")
    expect(button).to_be_focused()
    expect(button).to_have_attribute("aria-expanded", "false")


def _open_the_second_factor(keys: Keyboard, page: Page) -> None:
    button, menu = page.locator("#user-menu-button"), page.locator("#user-menu")
    keys.reach(button)
    keys.press("Space")
    expect(button).to_have_attribute("aria-expanded", "true")
    expect(menu).to_be_visible()
    keys.press("Tab")
    expect(menu.locator(":focus")).to_have_count(1)
    keys.press("Escape")
    expect(button).to_be_focused()
    expect(menu).to_be_hidden()
    keys.press("Enter")
    keys.follow("Second factor")
    keys.see("Second factor")
