"""Journeys with the keyboard alone: Tab reaches each control; Enter, Space and Escape work it."""

import re
import subprocess

from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from accounts.members import invitations
from accounts.models import Role
from tests.e2e.browser import Visitor, browser
from tests.e2e.conftest import PASSWORD, Site, in_database

MOST_STOPS = 80
"""Controls that one may have to pass to reach another."""


def reach(page: Page, control: Locator) -> None:
    """Press Tab until the control has the focus."""
    for _ in range(MOST_STOPS):
        page.keyboard.press("Tab")
        if control.evaluate("control => control === document.activeElement"):
            return
    raise AssertionError(f"Tab never reaches {control}")


def fill(page: Page, label: str, text: str) -> None:
    reach(page, page.get_by_label(label, exact=True))
    page.keyboard.type(text)


def press(page: Page, role: str, name: str, key: str = "Enter") -> None:
    reach(page, page.get_by_role(role, name=name, exact=True).first)  # type: ignore[arg-type]  # a role
    page.keyboard.press(key)


def test_from_the_invitation_to_the_first_api_call(site: Site) -> None:
    _, link = in_database(
        lambda: invitations.invite(site.tenant, "dora@example.com", Role.OWNER, site.alice, timezone.now())
    )
    with browser(site.url) as dora:
        page = dora.open(f"/invitations/{link}/")
        fill(page, "User name", "dora")
        fill(page, "Password", PASSWORD)
        fill(page, "Password confirmation", PASSWORD)
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
        expect(page.locator("main")).to_contain_text("Getting started")
        dora.check()
        press(page, "link", "New key")
        fill(page, "Name", "my program")
        page.keyboard.press("Enter")
        key = page.locator("#key-text").inner_text()
        press(page, "link", "API")
        press(page, "link", "Python")
        expect(page.locator("#example")).to_contain_text("import httpx")
        dora.check()
        press(page, "link", "curl")
        expect(page.locator("#example")).to_contain_text("curl")
        reach(page, page.get_by_role("button", name="Copy").last)
        page.keyboard.press("Space")
        copied = str(page.evaluate("navigator.clipboard.readText()"))
        _run(copied, key)
        press(page, "link", "Overview")
        expect(page.locator("main")).not_to_contain_text("Getting started")
        expect(page.locator("main .chip").first).to_be_visible()
        dora.check()


def _run(program: str, key: str) -> None:
    """Run the first command of the copied program, which creates a video."""
    [create] = re.findall(r"^ID=\$\(.*?\)$", program, re.DOTALL | re.MULTILINE)
    command = f"{create}\necho $ID"
    done = subprocess.run(
        ["bash", "-c", command],  # noqa: S607 - of Debian
        env={"REELAY_API_KEY": key, "PATH": "/usr/bin:/bin"},
        capture_output=True,
        check=True,
        text=True,
    )
    assert re.fullmatch(r"task_[0-9a-f]{32}\n", done.stdout), done.stdout


def test_staff_filter_a_list_and_reach_their_second_factor(site: Site) -> None:
    with browser(site.url) as sophie:
        page = sophie.open("/admin/accounts/user/")
        sophie.log_in("sophie", PASSWORD)
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
        page.keyboard.press("Enter")
        _filter(page)
        sophie.check()
        _open_the_second_factor(sophie)


def _filter(page: Page) -> None:
    button = page.get_by_role("button", name="Filters", exact=True)
    reach(page, button)
    expect(button).to_have_attribute("aria-expanded", "false")
    page.keyboard.press("Enter")
    expect(page.locator("#changelist-filter :focus")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(button).to_be_focused()
    expect(button).to_have_attribute("aria-expanded", "false")


def _open_the_second_factor(sophie: Visitor) -> None:
    page, button = sophie.page, sophie.page.locator("#user-menu-button")
    reach(page, button)
    page.keyboard.press("Space")
    expect(button).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("Tab")
    expect(page.locator("#user-menu :focus")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(button).to_be_focused()
    page.keyboard.press("Enter")
    press(page, "link", "Second factor")
    expect(page.get_by_role("heading", level=1)).to_have_text("Second factor")
    sophie.check()
