"""A person who only presses keys, and reads the pages in one language."""

from django.utils import translation
from playwright.sync_api import Locator, expect

from tests.e2e.browser import Visitor
from tests.e2e.conftest import PASSWORD

MOST_STOPS = 100
"""Controls that one may have to pass to reach another."""


class Keyboard:
    """The keys of a visitor. Names of controls are in English and looked for in the visitor's language."""

    def __init__(self, visitor: Visitor, language: str = "en") -> None:
        self.visitor, self.page, self.language = visitor, visitor.page, language
        visitor.set_language(language)

    def word(self, text: str) -> str:
        """The text as the pages say it."""
        with translation.override(self.language):
            return translation.gettext(text)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def reach(self, control: Locator) -> None:
        """Press Tab until the control has the focus."""
        expect(control).to_be_visible()
        for _ in range(MOST_STOPS):
            self.press("Tab")
            if control.evaluate("control => control === document.activeElement"):
                return
        raise AssertionError(f"Tab never reaches {control}")

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=self.word(name), exact=True).first

    def link(self, name: str) -> Locator:
        return self.page.get_by_role("link", name=self.word(name), exact=True).first

    def follow(self, name: str) -> None:
        self.reach(self.link(name))
        self.press("Enter")

    def push(self, name: str, key: str = "Enter") -> None:
        self.reach(self.button(name))
        self.press(key)

    def fill(self, label: str, text: str) -> None:
        """Write into the field, over what is there."""
        self.reach(self.page.get_by_label(self.word(label), exact=True).first)
        self.type_over(text)

    def type_over(self, text: str) -> None:
        self.press("Control+a")
        self.page.keyboard.type(text)

    def see(self, heading: str) -> None:
        """Wait for the page with this heading."""
        expect(self.page.get_by_role("heading", level=1).last).to_have_text(self.word(heading))

    def log_in(self, name: str) -> None:
        self.fill("User name or e-mail", name)
        self.fill("Password", PASSWORD)
        self.press("Enter")
        self.page.wait_for_url(lambda url: "/log-in/" not in url)

    def open_section(self, name: str) -> None:
        """Follow a link of the portal's navigation, which on a phone is in a menu."""
        if self.button("Menu").is_visible():
            self.push("Menu")
        self.follow(name)

    def search(self, text: str, result: str) -> None:
        """Find a page of the console by its search, and open it."""
        self.press("Control+k")
        expect(self.page.locator("#search-text")).to_be_focused()
        self.type_over(text)
        expect(self.page.locator("#search-found a").first).to_contain_text(self.word(result))
        self.press("Enter")
