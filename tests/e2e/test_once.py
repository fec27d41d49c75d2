"""On a slow server: what is clicked twice is made once, and what was typed outlives the session."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from accounts.models import APIKey, AuditEntry, Invitation
from tests.e2e.browser import Visitor, browser
from tests.e2e.conftest import PASSWORD, Site, in_database
from tests.e2e.slow_server import slow
from videos.models import LedgerEntry, Price, Task

PROMPT = "A lighthouse in a storm"
CLICK = """async (button) => {
    button.click();
    await new Promise((resolve) => setTimeout(resolve, 200));
    const said = document.querySelector("[role=status]#working").textContent;
    return [button.disabled, button.getAttribute("aria-busy"), said];
}"""
"""Click a button; whether it is disabled and busy soon after, and what screen readers are told."""
_RENAME = """() => {
    const key = Object.keys(localStorage).find((one) => one.startsWith("draft:"));
    const draft = JSON.parse(localStorage.getItem(key));
    draft.typed.push(["elements", "7"], ["nothing", ""]);
    localStorage.setItem(key, JSON.stringify(draft));
}"""
"""Give the draft fields that were called otherwise when it was kept, or are gone."""


@pytest.mark.parametrize("has_scripts", [True, False])
def test_a_double_click_on_a_slow_server_makes_one_of_each(has_scripts: bool, site: Site) -> None:
    prices = in_database(Price.objects.count)
    with slow(site.url) as address:
        with browser(address, has_scripts=has_scripts) as alice:
            alice.open("/")
            alice.log_in("alice@example.com", PASSWORD)
            _make_a_key(alice, site)
            _invite(alice, site)
        with browser(address, has_scripts=has_scripts) as sophie:
            sophie.open("/admin/")
            sophie.log_in("sophie", PASSWORD)
            _top_up(sophie, site)
            _add_a_price(sophie)
    counts: list[Callable[[], int]] = [
        APIKey.objects.filter(name="a program").count,
        Invitation.objects.count,
        LedgerEntry.objects.count,
        AuditEntry.objects.filter(subject__startswith="balance of").count,
    ]
    assert [in_database(count) for count in counts] == [1, 1, 1, 1]
    assert in_database(Price.objects.count) == prices + 1


def _make_a_key(alice: Visitor, site: Site) -> None:
    page = alice.open(f"{site.portal}keys/new/")
    page.get_by_label("Name").fill("a program")
    page.get_by_role("button", name="Create key").dblclick()
    expect(page.locator("#key-text")).to_contain_text("rly_")
    text = page.locator("#key-text").inner_text()
    page.reload()
    expect(page.locator("#key-text")).to_have_text(text)
    page.get_by_role("button", name="I have copied it").click()
    page.wait_for_url("**/keys/")
    page.go_back()
    expect(page.locator("main")).not_to_contain_text(text)


def _invite(alice: Visitor, site: Site) -> None:
    page = alice.open(f"{site.portal}members/")
    page.get_by_label("E-mail").fill("carol@example.com")
    page.get_by_role("button", name="Invite", exact=True).dblclick()
    expect(page.locator("main")).to_contain_text("carol@example.com is invited")


def _top_up(sophie: Visitor, site: Site) -> None:
    page = sophie.open(f"/admin/videos/ledgerentry/add/?tenant={site.tenant.pk}&kind=top_up")
    page.locator("#id_amount").fill("50")
    page.locator("#id_reason").fill("paid by bank transfer")
    page.locator("[name=_save]").first.dblclick()
    page.wait_for_url("**/ledgerentry/")
    expect(page.locator("#main")).to_contain_text("is 50.00 CNY now")


def _add_a_price(sophie: Visitor) -> None:
    page = sophie.open("/admin/videos/price/add/")
    page.locator("#id_per_second").fill("3")
    page.locator("#id_reason").fill("dearer")
    page.locator("[name=_save]").first.dblclick()
    page.wait_for_url("**/price/")
    expect(page.locator("#main")).to_contain_text("was added successfully")


def test_buttons_wait_for_the_answer_and_work_again_after_back(site: Site) -> None:
    with slow(site.url) as address, browser(address) as alice:
        alice.open("/")
        alice.log_in("alice@example.com", PASSWORD)
        page = alice.open(f"{site.portal}keys/new/")
        page.get_by_label("Name").fill("a program")
        button = page.get_by_role("button", name="Create key")
        assert button.evaluate(CLICK) == [True, "true", "Working…"]
        expect(page.locator("#key-text")).to_contain_text("rly_")
        page.go_back()
        expect(button).to_be_enabled()
        expect(button).not_to_have_attribute("aria-busy", "true")
        expect(page.locator("#working")).to_have_text("")
        alice.check()


def test_what_was_typed_outlives_the_session_and_ends_with_the_video(site: Site) -> None:
    with browser(site.url) as alice:
        alice.open("/")
        alice.log_in("alice@example.com", PASSWORD)
        page = alice.open(f"{site.portal}videos/new/")
        page.locator("#picker summary").click()
        page.get_by_role("radio", name="Hailuo").check()
        expect(page.locator("#picker .chosen")).to_contain_text("Hailuo")
        page.context.clear_cookies(name="sessionid")
        page.get_by_label("Prompt", exact=True).fill(PROMPT)
        page.wait_for_url(re.compile(r"/log-in/\?next=%2Fportal%2F[^%]+%2Fvideos%2Fnew%2F$"))
        alice.log_in("alice@example.com", PASSWORD)
        expect(page.get_by_label("Prompt", exact=True)).to_have_value("")
        expect(page.locator("#draft")).to_contain_text("Restore what you typed?")
        alice.check()
        page.evaluate(_RENAME)
        page.reload()
        page.get_by_role("button", name="Restore", exact=True).click()
        expect(page.get_by_label("Prompt", exact=True)).to_have_value(PROMPT)
        expect(page.locator("#picker .chosen")).to_contain_text("Hailuo")
        expect(page.locator("#price")).to_contain_text("CNY")
        page.get_by_role("button", name="Create video").click()
        page.wait_for_url("**/videos/task_*/")
        assert in_database(Task.objects.get).request["prompt"] == PROMPT
        alice.open(f"{site.portal}videos/new/")
        expect(page.locator("#draft")).to_be_hidden()
        alice.check()


def test_a_draft_is_discarded_or_ends_with_the_log_out(site: Site) -> None:
    with browser(site.url) as alice:
        alice.open("/")
        alice.log_in("alice@example.com", PASSWORD)
        page = alice.page
        for ends in ("discarded", "logged out"):
            alice.open(f"{site.portal}videos/new/")
            page.get_by_label("Prompt", exact=True).fill(PROMPT)
            alice.open(f"{site.portal}videos/new/")
            expect(page.locator("#draft")).to_be_visible()
            if ends == "discarded":
                page.get_by_role("button", name="Discard").click()
                page.reload()
                expect(page.locator("#draft")).to_be_hidden()
        page.get_by_role("button", name="Log out").click()
        page.wait_for_url("**/log-in/**")
        assert page.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('draft:'))") == []
