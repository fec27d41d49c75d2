"""A real browser that records every error of a page and checks accessibility with axe."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Response, expect, sync_playwright

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SHOTS = Path(__file__).resolve().parents[2] / ".screenshots"
FAILURE = SHOTS / "failure.png"
"""Screenshot of the last failed test."""
PATIENCE = 60_000
"""Milliseconds to wait for an element."""
expect.set_options(timeout=PATIENCE)
DESKTOP, PHONE = 1440, 375
_REPLACED = ("htmx:afterRequest", "htmx:sendAbort")
"""What htmx logs when a newer request takes the place of one on its way; of failures it logs more."""
_SERIOUS = ("serious", "critical")
_ZONE = "Asia/Shanghai"


_PLAY = """video => new Promise((resolve, reject) => {
    video.muted = true;
    video.onerror = () => reject(video.error);
    video.ontimeupdate = () => video.currentTime > 0.2 && resolve(video.videoWidth);
    video.play();
})"""


class Visitor:
    """A person at a browser. Errors of the console, of scripts and of the content policy are collected."""

    def __init__(self, context: BrowserContext, site: str) -> None:
        self.site = site
        self.page = context.new_page()
        self.page.set_default_timeout(PATIENCE)
        self.troubles: list[str] = []
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.troubles.append(f"script: {error}"))
        self.page.on("response", self._answered)

    def open(self, path: str) -> Page:
        """Open the path and wait until it is loaded."""
        self.page.goto(f"{self.site}{path}")
        return self.page

    def log_in(self, name: str, password: str) -> None:
        self.page.get_by_label("User name or e-mail").fill(name)
        self.page.get_by_label("Password", exact=True).fill(password)
        self.page.get_by_role("button", name="Log in").click()
        self.page.wait_for_url(lambda url: "/log-in/" not in url)

    def set_language(self, language: str) -> None:
        """Set the language of the pages."""
        cookie = {"name": "django_language", "value": language, "url": self.site}
        self.page.context.add_cookies([cookie])  # type: ignore[list-item]  # a cookie of those parts

    def forgive(self, status: int) -> None:
        """Drop an expected error status."""
        self.troubles = [trouble for trouble in self.troubles if str(status) not in trouble]

    def play(self) -> None:
        """Play the video on the page for a moment."""
        player = self.page.locator("#live video")
        assert player.evaluate(_PLAY) > 0, "it has a picture"

    def check(self) -> None:
        """Fail for all errors so far and for accessibility problems of the page."""
        assert not self.troubles, self.troubles
        assert not (found := self.barriers()), found

    def barriers(self) -> list[str]:
        """Serious accessibility problems found by axe, each with its place."""
        violations = Axe().run(self.page).response["violations"]
        serious = [found for found in violations if found["impact"] in _SERIOUS]
        where = {found["id"]: [node["html"][:160] for node in found["nodes"]] for found in serious}
        return [f"{self.page.url}: {found['id']}: {found['help']}: {where[found['id']]}" for found in serious]

    def _said(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not message.text.startswith(_REPLACED):
            self.troubles.append(f"console: {message.text}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400:
            self.troubles.append(f"HTTP {response.status}: {response.url}")


@contextmanager
def browser(
    site: str,
    *,
    width: int = DESKTOP,
    scheme: str = "light",
    language: str = "en",
    downloads: Path | None = None,
    has_scripts: bool = True,
) -> Iterator[Visitor]:
    """A new browser with this width and colour scheme."""
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=_OPTIONS)
        context = chromium.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=scheme,  # type: ignore[arg-type]  # one of the words it takes
            timezone_id=_ZONE,
            java_script_enabled=has_scripts,
            permissions=["clipboard-read", "clipboard-write"],
        )
        visitor = Visitor(context, site)
        visitor.set_language("en")
        try:
            yield visitor
        except BaseException:
            visitor.page.screenshot(path=FAILURE, full_page=True)
            raise
        finally:
            chromium.close()
