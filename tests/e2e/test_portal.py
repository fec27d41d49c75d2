"""A tenant finds a video, plays it, and creates, uses and revokes a key."""

import re
import subprocess

import pytest
from playwright.sync_api import expect

from tests.e2e.browser import DESKTOP, PHONE, Visitor, browser
from tests.e2e.conftest import PASSWORD, Site, furnished, mate_key  # noqa: F401 - fixtures


def test_a_tenant_finds_and_plays_a_video_and_makes_uses_and_revokes_a_key(
    furnished: Site,  # noqa: F811 - the fixture
) -> None:
    with browser(furnished.url) as alice:
        alice.open("/")
        alice.log_in("alice@example.com", PASSWORD)
        alice.check()
        _filter_the_history(alice)
        _look_at_the_preview(alice)
        _play_what_was_found(alice)
        command = _make_a_key(alice, furnished)
        _copy_the_key(alice)
        assert "Kling-3.0-720p" in _run(command)
        _revoke_it(alice)
        assert "invalid_api_key" in _run(command)
        alice.check()


def _filter_the_history(alice: Visitor) -> None:
    page = alice.page
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
    page.get_by_role("link", name="Videos", exact=True).click()
    page.get_by_label("Prompt contains all words").fill("LIGHTHOUSE")
    page.get_by_role("button", name="Search").click()
    page.wait_for_url("**q=LIGHTHOUSE**")
    expect(page.locator(".videos > li")).to_have_count(1)
    page.reload()
    expect(page.locator(".videos > li")).to_have_count(1)
    assert page.locator(".videos img").evaluate("image => image.naturalWidth") > 0
    alice.check()


def _look_at_the_preview(alice: Visitor) -> None:
    """It plays while the row is pointed at or has the focus, unless the visitor wants less motion."""
    page = alice.page
    picture, link, elsewhere = page.locator(".videos img"), page.locator(".videos a"), page.locator("h1")
    poster, preview = re.compile(r"/poster\.jpg$"), re.compile(r"/preview\.webp$")
    expect(picture).to_have_attribute("src", poster)
    link.hover()
    expect(picture).to_have_attribute("src", preview)
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
    elsewhere.hover()
    expect(picture).to_have_attribute("src", poster)
    link.focus()
    expect(picture).to_have_attribute("src", preview)
    link.blur()
    expect(picture).to_have_attribute("src", poster)
    page.emulate_media(reduced_motion="reduce")
    link.hover()
    expect(picture).to_have_attribute("src", poster)
    page.emulate_media(reduced_motion="no-preference")
    elsewhere.hover()


def _play_what_was_found(alice: Visitor) -> None:
    page = alice.page
    page.locator(".videos a").first.click()
    page.wait_for_url("**/videos/task_*/")
    player = page.locator("#live video")
    player.hover()
    expect(player).to_have_attribute("poster", re.compile(r"/preview\.webp$"))
    alice.play()
    alice.check()


def _make_a_key(alice: Visitor, site: Site) -> str:
    page = alice.open(f"{site.portal}keys/")
    page.get_by_role("link", name="New key").first.click()
    page.get_by_label("Name").fill("a new program")
    alice.check()
    page.get_by_role("button", name="Create key").click()
    expect(page.locator("#key-text")).to_contain_text("rly_")
    alice.check()
    return page.locator("#key-curl").inner_text()


def _copy_the_key(alice: Visitor) -> None:
    """By a double click, in a browser that has no clipboard for pages, as none has over plain HTTP."""
    page = alice.page
    page.evaluate("window.kept = navigator.clipboard")
    page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    button = page.locator("[data-copy='#key-text']").first
    button.dblclick()
    expect(button).to_have_text("Copied")
    assert page.evaluate("window.kept.readText()") == page.locator("#key-text").inner_text()
    expect(button).to_have_text("Copy")


def _run(command: str) -> str:
    """The output of the `curl` command on the page."""
    done = subprocess.run(["bash", "-c", command], capture_output=True, check=True, text=True)  # noqa: S607 - of Debian
    return done.stdout


def _revoke_it(alice: Visitor) -> None:
    page = alice.page
    page.get_by_role("link", name="API keys").first.click()
    page.get_by_role("link", name="a new program").first.click()
    page.get_by_role("link", name="Revoke").click()
    alice.check()
    page.get_by_role("button", name="Revoke the key").click()
    expect(page.locator("main")).to_contain_text("was revoked")


@pytest.mark.parametrize(("width", "has_scripts"), [(PHONE, True), (PHONE, False), (DESKTOP, True)])
def test_the_menu_works_on_a_phone_with_and_without_javascript(
    width: int, has_scripts: bool, site: Site
) -> None:
    with browser(site.url, width=width, has_scripts=has_scripts) as alice:
        alice.open("/")
        alice.log_in("alice@example.com", PASSWORD)
        button = alice.page.get_by_role("button", name="Menu")
        link = alice.page.locator("#menu a", has_text="API keys")
        expect(button).to_be_visible(visible=width == PHONE and has_scripts)
        if width == PHONE and has_scripts:
            expect(link).to_be_hidden()
            button.click()
        link.click()
        expect(alice.page.get_by_role("heading", level=1)).to_have_text("API keys")
