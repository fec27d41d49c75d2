"""Staff create a task, watch and play it, and resolve a doubt."""

from playwright.sync_api import expect

from accounts.models import Tenant
from tests.e2e.browser import Visitor, browser
from tests.e2e.conftest import PASSWORD, Site, in_database
from videos.models import Task
from videos.states import Status


def test_staff_make_watch_and_play_a_task_and_resolve_a_doubt(site: Site) -> None:
    with browser(site.url) as sophie:
        sophie.open("/admin/")
        sophie.log_in("sophie", PASSWORD)
        sophie.check()
        _make_a_multi_shot_task(sophie)
        _watch_it_complete_and_play_it(sophie, site)
        _resolve_a_doubt(sophie, site)
        _find_tasks_by_days(sophie)
        _see_all_of_the_list(sophie, site)


def _make_a_multi_shot_task(sophie: Visitor) -> None:
    page = sophie.open("/admin/videos/task/add/")
    for tenant in ("Somebody else", "Alice Studio"):
        with page.expect_response("**/add/?part=fields"):  # other models and prices
            page.get_by_label("Tenant").fill(tenant)
            page.get_by_label("Tenant").blur()
    page.locator("#picker summary").click()
    page.get_by_role("radio", name="3.0-Omni").check()
    expect(page.get_by_role("radio", name="720p")).to_have_value("Kling-3.0-omni-720p")
    page.get_by_label("Length").select_option("3")
    page.get_by_role("checkbox", name="Several shots").check()
    page.get_by_label("Shot 1", exact=True).fill("A cat wakes up")
    page.get_by_label("Seconds").first.fill("2")
    expect(page.locator("#seconds-left")).to_contain_text("1 s left to fill")
    expect(page.locator("#preview")).to_contain_text("The shots last 2 s together, but the video lasts 3 s")
    page.get_by_role("button", name="Add a shot").click()
    page.get_by_label("Shot 2", exact=True).fill("It runs along the beach")
    page.get_by_label("Seconds").nth(1).fill("1")
    expect(page.locator("#seconds-left")).to_contain_text("fill the video exactly")
    expect(page.locator("#price")).to_contain_text("CNY")
    sophie.check()
    page.get_by_role("button", name="Create video").click()
    page.wait_for_url("**/change/")


def _watch_it_complete_and_play_it(sophie: Visitor, site: Site) -> None:
    page, task = sophie.page, in_database(Task.objects.get)
    assert task.request["metadata"]["ext_info"]["AdditionalParameters"]["multi_shot"] is True
    page.evaluate("window.isTheSamePage = true")
    expect(page.locator("#live video")).to_be_visible()
    assert page.evaluate("window.isTheSamePage"), "it was not loaded anew"
    expect(page.locator("#timeline")).to_contain_text("Completed")
    expect(page.locator("#money")).to_contain_text("Charge")
    sophie.play()
    sophie.check()


def _resolve_a_doubt(sophie: Visitor, site: Site) -> None:
    site.sandbox.script("create", "drop_after_accept")
    page = sophie.open("/admin/videos/task/add/")
    page.get_by_label("Prompt", exact=True).fill("A kite over the sea")
    expect(page.locator("#price")).to_contain_text("CNY")
    page.get_by_role("button", name="Create video").click()
    page.wait_for_url("**/change/")
    expect(page.locator("#live .chip")).to_have_text("In doubt")
    expect(page.locator("#attention")).to_contain_text("the provider may have accepted it")
    sophie.check()
    [upstream_id] = [task["task_id"] for task in site.sandbox.tasks() if "kite" in str(task)]
    page.get_by_role("button", name="Mark as accepted").first.click()
    page.get_by_label("Provider's task ID").fill(upstream_id)
    page.wait_for_timeout(3000)  # the page refreshes meanwhile and must not close the dialog
    page.locator("#reason-accept_by_hand").fill("found in the provider's console")
    page.locator("#decide-accept_by_hand").get_by_role("button", name="Mark as accepted").click()
    expect(page.locator("#live video")).to_be_visible()
    expect(page.locator("#timeline")).to_contain_text("by sophie")
    sophie.check()
    assert in_database(Task.objects.filter(status=Status.SUCCEEDED).count) == 2


def _find_tasks_by_days(sophie: Visitor) -> None:
    page = sophie.open("/admin/videos/task/?q=kite")
    for first, last, expected in (
        ("2020-01-01", "2999-12-31", "A kite over the sea"),
        ("2999-12-31", "", "Nothing matches"),
        ("2999-12-31", "2020-01-01", "First day: This is after the last day."),
    ):
        page.get_by_role("button", name="Filters", exact=True).click()
        page.get_by_label("First day").fill(first)
        page.get_by_label("Last day").fill(last)
        sophie.check()
        page.get_by_role("button", name="Apply Filters").click()
        expect(page.locator("#main")).to_contain_text(expected)


_HIDDEN_PIXELS = """() => {
    const list = document.querySelector("#result_list"), page = document.documentElement;
    const right = list.getBoundingClientRect().right;
    return Math.max(
        list.scrollWidth - list.parentElement.clientWidth, right - innerWidth, page.scrollWidth - innerWidth
    );
}"""


def _see_all_of_the_list(sophie: Visitor, site: Site) -> None:
    """The list fits on a screen of 1440 pixels, also with long names, prompts and notes."""
    long = "A name that is much longer than most of them are"
    in_database(lambda: Tenant.objects.filter(pk=site.tenant.pk).update(name=long))
    in_database(lambda: Task.objects.update(attention=f"not_told: {long * 3}"))
    page = sophie.open("/admin/videos/task/")
    assert page.viewport_size == {"width": 1440, "height": 900}
    expect(page.locator("#result_list")).to_contain_text("A kite over the sea")
    expect(page.locator("#result_list img.thumb").first).to_be_visible()
    assert page.evaluate(_HIDDEN_PIXELS) <= 0
    sophie.check()


def test_staff_find_a_tenant_by_keyboard_alone(site: Site) -> None:
    with browser(site.url) as sophie:
        page = sophie.open("/admin/")
        sophie.log_in("sophie", PASSWORD)
        page.keyboard.press("Control+k")
        field = page.locator("#search-text")
        expect(field).to_be_focused()
        page.keyboard.type("studio")
        expect(page.locator("#search-found a").first).to_contain_text("Alice Studio")
        sophie.check()
        page.keyboard.press("ArrowDown")
        expect(page.locator("#search-found a").first).to_be_focused()
        page.keyboard.press("ArrowUp")
        expect(field).to_be_focused()
        page.keyboard.press("Enter")
        page.wait_for_url(f"**/admin/accounts/tenant/{site.tenant.pk}/")
        sophie.check()
        page.keyboard.press("/")
        expect(field).to_be_focused()
        page.keyboard.insert_text("rly_12345678_secret")
        expect(field).to_have_value("rly_12345678")
        field.clear()
        page.keyboard.press("Escape")
        expect(page.locator("#search")).to_be_hidden()
    with browser(site.url, has_scripts=False) as sophie:
        page = sophie.open("/admin/search/?q=studio")
        sophie.log_in("sophie", PASSWORD)
        page.get_by_role("link", name="Alice Studio").click()
        expect(page.get_by_role("heading", name="Alice Studio", exact=True)).to_be_visible()
