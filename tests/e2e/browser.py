"""A real browser that minds every error a page makes, and asks axe whether everybody can use it."""

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
"""How the page looked when a test last failed."""
PATIENCE = 20_000
"""Milliseconds that something may take to show."""
expect.set_options(timeout=PATIENCE)
DESKTOP, PHONE = 1440, 375
_SERIOUS = ("serious", "critical")
_ZONE = "Asia/Shanghai"


_PLAY = """video => new Promise((resolve, reject) => {
    video.muted = true;
    video.onerror = () => reject(video.error);
    video.ontimeupdate = () => video.currentTime > 0.2 && resolve(video.videoWidth);
    video.play();
})"""


class Visitor:
    """Somebody at a browser. Every error in the console, of a script or of the content policy is kept."""

    def __init__(self, context: BrowserContext, site: str) -> None:
        self.site = site
        self.page = context.new_page()
        self.page.set_default_timeout(PATIENCE)
        self.troubles: list[str] = []
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.troubles.append(f"script: {error}"))
        self.page.on("response", self._answered)

    def open(self, path: str) -> Page:
        """Go there, and wait until everything has come."""
        self.page.goto(f"{self.site}{path}")
        return self.page

    def log_in(self, name: str, password: str) -> None:
        """At the log-in page, wherever it leads."""
        self.page.get_by_label("User name or e-mail").fill(name)
        self.page.get_by_label("Password", exact=True).fill(password)
        self.page.get_by_role("button", name="Log in").click()
        self.page.wait_for_url(lambda url: "/log-in/" not in url)

    def speak(self, language: str) -> None:
        """Have the pages in that language from now on."""
        cookie = {"name": "django_language", "value": language, "url": self.site}
        self.page.context.add_cookies([cookie])  # type: ignore[list-item]  # a cookie of those parts

    def forgive(self, status: int) -> None:
        """Forget that a page answered so, as it should."""
        self.troubles = [trouble for trouble in self.troubles if str(status) not in trouble]

    def play(self) -> None:
        """Play the video on the page until it has run for a moment."""
        player = self.page.locator("#live video")
        assert player.evaluate(_PLAY) > 0, "it has a picture"

    def check(self) -> None:
        """Fail for whatever went wrong so far, and for what would keep somebody from using the page."""
        assert not self.troubles, self.troubles
        assert not (found := self.barriers()), found

    def barriers(self) -> list[str]:
        """What axe finds serious on the page, each with where it is."""
        violations = Axe().run(self.page).response["violations"]
        serious = [found for found in violations if found["impact"] in _SERIOUS]
        where = {found["id"]: [node["html"][:160] for node in found["nodes"]] for found in serious}
        return [f"{self.page.url}: {found['id']}: {found['help']}: {where[found['id']]}" for found in serious]

    def _said(self, message: ConsoleMessage) -> None:
        if message.type == "error":
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
    """A fresh browser of that width, with a theme of the viewer's."""
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
        visitor.speak("en")
        try:
            yield visitor
        except BaseException:
            visitor.page.screenshot(path=FAILURE, full_page=True)
            raise
        finally:
            chromium.close()
