"""The sidebar and the search lead a member of staff to the pages that they may open, and to no others."""

from django.test import RequestFactory

from tests.support.console import Person
from videos.console import navigation

SEARCH = "/admin/search/"
PRICES, TASKS, NEW_TASK = "/admin/videos/price/", "/admin/videos/task/", "/admin/videos/task/add/"


def links_of(person: Person) -> set[str]:
    request = RequestFactory().get("/admin/")
    request.user = person.user
    return {link["link"] for group in navigation.items(request) for link in group["items"]}


def test_links_are_those_of_the_pages_that_a_person_may_open(db: None) -> None:
    everything = links_of(Person("sophie"))
    assert len(everything) == 14
    assert {PRICES, TASKS, NEW_TASK} <= everything
    for name, permission in (("vera", "view_task"), ("carl", "change_price"), ("adam", "add_task")):
        person = Person(name, permission)
        opened = {link for link in everything - {"/docs"} if person.get(link).status_code == 200}
        assert links_of(person) - {"/docs"} == opened, permission


def test_the_sidebar_and_the_search_leave_out_what_is_not_open(db: None) -> None:
    vera = Person("vera", "view_task")
    page = vera.see(TASKS)
    assert f'href="{TASKS}"' in page
    assert f'href="{PRICES}"' not in page
    assert f'href="{PRICES}"' not in vera.see(f"{SEARCH}?q=prices&part=1")
    assert f'href="{PRICES}"' in Person("sophie").see(f"{SEARCH}?q=prices&part=1")
