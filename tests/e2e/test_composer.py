"""The form for a video in a browser: its price is always that of the form as it is, and it takes pictures."""

import re

from playwright.sync_api import FilePayload, Page, Route, expect

from tests.e2e.browser import PHONE, Visitor, browser
from tests.e2e.conftest import PASSWORD, Site, in_database
from tests.support.uploads import picture
from videos.models import Task

_GIVE = """([type, selector, bytes, name]) => {
    const moved = new DataTransfer();
    moved.items.add(new File([new Uint8Array(bytes)], name, { type: "image/png" }));
    const [kind, given] = type === "paste" ? [ClipboardEvent, "clipboardData"] : [DragEvent, "dataTransfer"];
    const event = new kind(type, { [given]: moved, bubbles: true, cancelable: true });
    document.querySelector(selector).dispatchEvent(event);
}"""
_FINGER = 44
"""The least width and height of what a finger can press, in pixels."""
_FILE_ID = re.compile("^file_[0-9a-f]{32}$")


def form_of(alice: Visitor, site: Site) -> Page:
    return alice.open(f"{site.portal}videos/new/?model=Kling-3.0-720p")


class Slow:
    """A server that answers requests for a part of the form only when it is told to."""

    def __init__(self, page: Page, part: str) -> None:
        self._page, self._pattern = page, f"**/videos/new/?part={part}*"
        self._held: list[Route] = []
        page.route(self._pattern, lambda route: self._held.append(route))

    def wait(self) -> Route:
        """The next request, once it is there."""
        while not self._held:
            self._page.wait_for_timeout(20)
        return self._held.pop(0)

    def end(self) -> None:
        self._page.unroute(self._pattern)


def test_the_price_is_always_that_of_the_form_as_it_is(site: Site) -> None:
    with browser(site.url) as alice:
        alice.open(f"{site.portal}videos/new/")
        alice.log_in("alice@example.com", PASSWORD)
        _create_waits_for_the_price(alice, site)
        for fault in ("network", "status"):
            _a_price_that_cannot_be_fetched_is_asked_for_again(alice, site, fault)
        _what_is_typed_while_the_fields_change_is_kept(alice, site)
        made = in_database(lambda: Task.objects.get().request)
        assert (made["model"], made["prompt"]) == ("Hailuo-2.3-768p", "a cat on a roof")
        _pictures_are_dropped_pasted_and_chosen(alice, site)
        _price_and_button_stay_in_view_on_a_phone(alice, site)


def _create_waits_for_the_price(alice: Visitor, site: Site) -> None:
    page = form_of(alice, site)
    create, price = page.get_by_role("button", name="Create video"), page.locator("#price")
    expect(create).to_be_enabled()
    slow = Slow(page, "preview")
    page.get_by_label("Prompt", exact=True).fill("a cat")
    first = slow.wait()
    expect(create).to_be_disabled()
    expect(create).to_have_attribute("aria-busy", "true")
    page.get_by_label("Length").select_option("10")
    first.continue_()  # its answer is about 3 s
    slow.wait().continue_()
    slow.end()
    expect(price).to_contain_text("6.00 CNY")
    expect(create).to_be_enabled()
    expect(create).to_have_attribute("aria-busy", "false")
    alice.check()


def _a_price_that_cannot_be_fetched_is_asked_for_again(alice: Visitor, site: Site, fault: str) -> None:
    page = form_of(alice, site)
    create, failure = page.get_by_role("button", name="Create video"), page.locator("#unpriced")
    slow = Slow(page, "preview")
    page.get_by_label("Prompt", exact=True).fill("a cat")
    request = slow.wait()
    request.abort() if fault == "network" else request.fulfill(status=500)
    expect(failure).to_contain_text("could not be fetched")
    expect(create).to_be_disabled()
    slow.end()
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("#price")).to_contain_text("1.80 CNY")
    expect(create).to_be_enabled()
    expect(failure).to_be_hidden()


def _what_is_typed_while_the_fields_change_is_kept(alice: Visitor, site: Site) -> None:
    page = form_of(alice, site)
    create, prompt = page.get_by_role("button", name="Create video"), page.get_by_label("Prompt", exact=True)
    prompt.fill("a cat")
    expect(page.locator("#price")).to_contain_text("1.80 CNY")
    slow = Slow(page, "fields")
    page.locator("#picker summary").click()
    page.get_by_role("radio", name="Hailuo").check()
    slow.wait().abort()
    expect(page.locator("#unpriced")).to_be_visible()
    page.get_by_role("button", name="Try again").click()
    request = slow.wait()
    prompt.fill("a cat on a roof")
    expect(create).to_be_disabled()
    request.continue_()
    slow.end()
    expect(page.get_by_role("radio", name="768p")).to_be_checked()
    expect(prompt).to_have_value("a cat on a roof")
    expect(page.locator("[data-count]")).to_have_text("15")
    expect(page.locator("#price")).to_contain_text("6 s at")
    slow = Slow(page, "preview")
    prompt.press("End")
    prompt.type("s")
    prompt.press("Control+Enter")  # nothing is sent without its price
    expect(create).to_be_disabled()
    slow.wait().continue_()
    slow.end()
    expect(create).to_be_enabled()
    prompt.press("Backspace")
    expect(create).to_be_disabled()
    expect(create).to_be_enabled()
    prompt.press("Control+Enter")
    page.wait_for_url("**/videos/task_*/")


def _price_and_button_stay_in_view_on_a_phone(alice: Visitor, site: Site) -> None:
    alice.page.set_viewport_size({"width": PHONE, "height": 700})
    page = form_of(alice, site)
    page.get_by_role("button", name="A story in three shots").click()
    expect(page.get_by_label("Prompt", exact=True)).to_be_focused()
    expect(page.locator("#price")).to_contain_text("6.00 CNY")
    box = page.get_by_role("button", name="Remove shot 1").bounding_box()
    assert box is not None
    assert (box["width"], box["height"]) == (_FINGER, _FINGER)
    for place in (page.get_by_label("Prompt", exact=True), page.get_by_text("Further settings")):
        place.scroll_into_view_if_needed()
        expect(page.locator("#price")).to_be_in_viewport(ratio=1)
        expect(page.get_by_role("button", name="Create video")).to_be_in_viewport(ratio=1)
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE
    alice.check()


def _payload(name: str, content: bytes) -> FilePayload:
    return {"name": name, "mimeType": "image/png", "buffer": content}


def _pictures_are_dropped_pasted_and_chosen(alice: Visitor, site: Site) -> None:
    page = alice.open(f"{site.portal}videos/new/?model=Kling-3.0-omni-720p")
    page.evaluate(_GIVE, ["drop", "[data-slot]", list(picture()), "she.png"])
    expect(page.locator("#id-images-0")).to_have_value(_FILE_ID)
    shown = page.locator("[data-slot='0'] img")
    expect(shown).to_have_attribute("alt", "she.png")
    assert shown.evaluate("image => image.decode().then(() => image.naturalWidth)") == 4
    expect(page.locator("#announced")).to_have_text("Uploaded she.png")
    page.evaluate(_GIVE, ["paste", "#id-prompt", list(picture(color="blue")), "sea.png"])
    expect(page.locator("#id-images-1")).to_have_value(_FILE_ID)
    two = [_payload("a.png", picture(color="green")), _payload("b.png", picture(color="black"))]
    page.get_by_label("Add pictures").set_input_files(two)
    expect(page.locator("#id-images-3")).to_have_value(_FILE_ID)
    expect(page.get_by_role("button", name="Create video")).to_be_enabled()
    page.get_by_label("Add pictures").set_input_files(_payload("page.png", b"<html>"))
    expect(page.locator("#errors-picture")).to_contain_text("content must be JPEG or PNG")
    expect(page.locator("#announced")).to_contain_text("content must be JPEG or PNG")
    page.route("**/?part=picture", lambda route: route.abort())
    page.evaluate(_GIVE, ["drop", "#drop", list(picture()), "lost.png"])
    expect(page.locator("#errors-picture")).to_contain_text("could not be uploaded")
    alice.troubles.clear()  # the browser reports the failed request
    alice.check()
    page.locator("#picker summary").click()
    page.get_by_role("radio", name="Hunyuan").check()
    expect(page.locator("#images")).to_have_count(0)
    page.evaluate(_GIVE, ["paste", "#id-prompt", list(picture()), "sea.png"])
    expect(page.locator("#announced")).to_have_text("This model takes no images.")
