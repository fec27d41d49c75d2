"""Journeys by keyboard alone: in each language, on a desktop and a phone, on a quick and on a slow server."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import pytest
from django.conf import settings
from django.utils import timezone
from playwright.sync_api import expect

from accounts.members import invitations
from accounts.models import Role
from tests.conftest import GOOD_BODY, make_caller, order_video
from tests.e2e.browser import DESKTOP, PHONE, browser
from tests.e2e.conftest import PASSWORD, Site, in_database
from tests.e2e.keyboard import Keyboard
from tests.e2e.slow_server import slow
from tests.support.worker_process import wait_until
from videos.models import Task
from videos.states import Status

ENGLISH, CHINESE = (code for code, _ in settings.LANGUAGES)
LOOKS = [
    (DESKTOP, ENGLISH, False),
    (PHONE, CHINESE, False),
    (PHONE, ENGLISH, True),
    (DESKTOP, CHINESE, True),
]
"""Width, language and whether the server is slow: each pair of two of them is there."""


@dataclass(frozen=True)
class Look:
    """How a person sees the site."""

    site: Site
    width: int
    language: str
    is_slow: bool

    @contextmanager
    def keyboard(self) -> Iterator[Keyboard]:
        """The keyboard of somebody who has not opened a page yet."""
        with ExitStack() as stack:
            url = stack.enter_context(slow(self.site.url, ("GET", "POST"))) if self.is_slow else self.site.url
            yield Keyboard(stack.enter_context(browser(url, width=self.width)), self.language)


@pytest.fixture(params=LOOKS, ids=lambda look: f"{look[0]}-{look[1]}{'-slow' * look[2]}")
def look(request: pytest.FixtureRequest, site: Site) -> Look:
    return Look(site, *request.param)


def test_staff_go_from_a_new_tenant_to_its_first_video(look: Look) -> None:
    with look.keyboard() as keys:
        page = keys.visitor.open("/admin/")
        keys.log_in("sophie")
        keys.search(keys.word("Tenants"), "Tenants")
        page.wait_for_url("**/admin/accounts/tenant/")
        keys.reach(page.locator("a[href$='/accounts/tenant/add/']:visible").first)
        keys.press("Enter")
        keys.reach(page.locator("#id_name"))
        keys.type_over("Carol Films")
        keys.press("Enter")
        keys.see("Carol Films")
        keys.visitor.check()
        keys.follow("New task")
        keys.fill("Prompt", "A lighthouse in a storm")
        expect(page.locator("#price")).to_contain_text("CNY")
        expect(page.locator("#create")).to_be_enabled()
        keys.press("Control+Enter")
        expect(page.locator("#live video")).to_be_visible()
        keys.see("A lighthouse in a storm")
        keys.visitor.check()
        task = in_database(Task.objects.select_related("tenant").get)
        assert task.tenant.name == "Carol Films"


def test_staff_resolve_a_doubt(look: Look, site: Site) -> None:
    site.sandbox.script("create", "drop_after_accept")
    in_database(lambda: order_video(make_caller(site.tenant), {**GOOD_BODY, "prompt": "A kite over the sea"}))
    in_database(lambda: wait_until("a doubt", Task.objects.filter(status=Status.IN_DOUBT).exists, 30))
    [upstream_id] = [task["task_id"] for task in site.sandbox.tasks() if "kite" in str(task)]
    with look.keyboard() as keys:
        page = keys.visitor.open("/admin/")
        keys.log_in("sophie")
        keys.reach(page.locator("#stuck-table a").first)
        keys.press("Enter")
        keys.see("A kite over the sea")
        keys.visitor.check()
        keys.push("Mark as accepted")
        keys.fill("Provider's task ID", upstream_id)
        keys.reach(page.locator("#reason-accept_by_hand"))
        keys.type_over("found in the provider's console")
        keys.reach(page.locator("#decide-accept_by_hand button.primary"))
        keys.press("Space")
        expect(page.locator("#live video")).to_be_visible()
        expect(page.locator("#timeline")).to_contain_text("sophie")
        keys.visitor.check()


def test_a_tenant_finds_reruns_and_downloads_a_video(look: Look, site: Site) -> None:
    in_database(lambda: order_video(make_caller(site.tenant), GOOD_BODY))
    in_database(lambda: order_video(make_caller(site.tenant), {**GOOD_BODY, "prompt": "A kite over the sea"}))
    with look.keyboard() as keys:
        page = keys.visitor.open("/")
        keys.log_in("alice@example.com")
        keys.open_section("Videos")
        keys.see("Videos")
        keys.fill("Prompt contains all words", "kite")
        keys.press("Enter")
        page.wait_for_url("**q=kite**")
        expect(page.locator(".videos > li")).to_have_count(1)
        keys.reach(page.locator(".videos a").first)
        keys.press("Enter")
        keys.see("A kite over the sea")
        keys.follow("Edit and rerun")
        keys.see("New video")
        keys.fill("Prompt", "A red kite over the sea")
        expect(page.locator("#price")).to_contain_text("CNY")
        expect(page.locator("#create")).to_be_enabled()
        keys.press("Control+Enter")
        keys.see("A red kite over the sea")
        expect(page.locator("#live video")).to_be_visible()
        keys.reach(keys.link("Download"))
        with page.expect_download() as download:
            keys.press("Enter")
        assert download.value.path().read_bytes()[4:8] == b"ftyp"
        keys.visitor.check()


def test_staff_top_up_and_read_the_statement(look: Look) -> None:
    with look.keyboard() as keys:
        page = keys.visitor.open("/admin/")
        keys.log_in("sophie")
        keys.search("studio", "Alice Studio")
        keys.see("Alice Studio")
        keys.follow("Top up")
        keys.reach(page.locator("#id_amount"))
        keys.type_over("50")
        keys.reach(page.locator("#id_reason"))
        keys.type_over("paid by bank transfer")
        keys.reach(page.locator("[name=_save]"))
        keys.press("Enter")
        expect(page.locator("#main")).to_contain_text("50.00")
        keys.visitor.check()
        keys.search("studio", "Alice Studio")
        keys.see("Alice Studio")
        expect(page.locator("main, #main").last).to_contain_text("50.00")
        keys.follow("Statement")
        page.wait_for_url("**/statement/")
        expect(page.locator("#main")).to_contain_text("paid by bank transfer")
        keys.visitor.check()


def test_a_member_goes_from_the_invitation_to_the_first_api_call(look: Look, site: Site) -> None:
    _, link = in_database(
        lambda: invitations.invite(site.tenant, "dora@example.com", Role.OWNER, site.alice, timezone.now())
    )
    with look.keyboard() as keys:
        page = keys.visitor.open(f"/invitations/{link}/")
        keys.fill("User name", "dora")
        keys.fill("Password", PASSWORD)
        keys.fill("Password confirmation", PASSWORD)
        keys.press("Enter")
        keys.see("Overview")
        expect(page.locator("#first-steps")).to_be_visible()
        keys.visitor.check()
        keys.follow("New key")
        keys.fill("Name", "my program")
        keys.press("Enter")
        key = page.locator("#key-text").inner_text()
        keys.open_section("API")
        keys.follow("Python")
        expect(page.locator("#example")).to_contain_text("import httpx")
        keys.follow("curl")
        expect(page.locator("#example")).to_contain_text("curl")
        keys.visitor.check()
        keys.reach(page.get_by_role("button", name=keys.word("Copy")).last)
        keys.press("Space")
        _create_with(str(page.evaluate("navigator.clipboard.readText()")), key)
        keys.open_section("Overview")
        expect(page.locator(".latest-videos .chip").first).to_be_visible()
        expect(page.locator("#first-steps")).to_have_count(0)
        keys.visitor.check()


def _create_with(program: str, key: str) -> None:
    """Run the first command of the program, which creates a video."""
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
