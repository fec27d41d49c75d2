"""A task's pages and lists show what was asked for first: the prompt or the shots, and the cost."""

import html
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import APIKey, Purpose
from tests.conftest import Caller, MakeTask
from tests.support.console import Person
from tests.support.members import Member
from tests.support.rows import check_each
from videos.listing import prompts
from videos.models import Task, TaskEvent
from videos.states import Status

LONG = "a fox runs over the snow " * 10
SHOTS = [
    {"index": 2, "prompt": "the zebra sleeps", "duration": "3"},
    {"index": 1, "prompt": "a zebra runs", "duration": "2"},
]
PARAMETERS = {"multi_shot": True, "shot_type": "customize", "multi_prompt": SHOTS}
MULTI_SHOT: dict[str, Any] = {
    "model": "Kling-3.0-720p",
    "seconds": "5",
    "metadata": {"ext_info": {"AdditionalParameters": PARAMETERS}},
}


@pytest.fixture
def sophie(db: None) -> Person:
    return Person("sophie")


@pytest.fixture
def alice(owner: Caller) -> Member:
    return Member(owner.tenant)


def pages_of(task: Task, staff: Person, member: Member) -> list[str]:
    """The pages of the task in the console and in the portal."""
    in_portal = member.get("portal:video", task.public_id).content.decode()
    return [staff.see(f"/admin/videos/task/{task.pk}/change/"), in_portal]


def lists(staff: Person, member: Member, words: str) -> list[str]:
    """Both lists after a search for the words."""
    in_portal = member.get("portal:videos", q=words).content.decode()
    return [staff.see(f"/admin/videos/task/?q={words}"), in_portal]


def text_in(page: str, tag: str) -> list[str]:
    """The texts of the elements of that kind, with single spaces."""
    found = re.findall(rf"<{tag}\b[^>]*>(.*?)</{tag}>", page, re.DOTALL)
    return [" ".join(html.unescape(re.sub("<[^>]+>", " ", one)).split()) for one in found]


class Unfolded(HTMLParser):
    """The code blocks of a page that no `details` folds."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.depth, self.found = 0, list[str]()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.depth += tag == "details"
        if tag == "pre" and not self.depth:
            self.found.append(str(dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        self.depth -= tag == "details"


def test_the_page_begins_with_the_prompt_the_state_and_the_cost(
    sophie: Person, alice: Member, make_task: MakeTask
) -> None:
    task = make_task(Status.SUCCEEDED, price=8, request={"model": "x", "prompt": LONG})
    detail = {"action": "describe", "seconds": 0.1, "request_id": "r", "answer": {"Status": "DONE"}}
    task.events.create(at=task.created_at, verb="produced", status="storing", detail=detail)

    def holds(page: str) -> None:
        [heading] = [text for text in text_in(page, "h1") if "fox" in text]
        assert heading == LONG[:89] + "…"
        assert heading in text_in(page, "title")[0]
        body = page[page.index(heading, page.index("<h1")) :].replace("\u202f", " ")
        order = [body.index(text) for text in ('data-status="succeeded"', "8.00 CNY", LONG.strip())]
        assert order == sorted(order)
        assert not Unfolded(page).found
        assert f'title="{task.public_id}"' in page
        assert f'data-copy-text="{task.public_id}"' in page
        assert f">{task.public_id[:9]}…{task.public_id[-6:]}<" in page
        assert f">{task.public_id}<" not in page

    check_each(pages_of(task, sophie, alice), holds, lambda page: page[:20])


def test_shots_are_listed_in_order_and_found_by_their_words(
    sophie: Person, alice: Member, make_task: MakeTask
) -> None:
    task = make_task(request=MULTI_SHOT, now=timezone.now())
    make_task(now=timezone.now())
    prompts.rebuild(timezone.now())
    for page in pages_of(task, sophie, alice):
        assert "a zebra runs / the zebra sleeps" in text_in(page, "h1")
        [shots] = re.findall(r'<ol class="shots">(.*?)</ol>', page, re.DOTALL)
        assert text_in(shots, "li") == ["a zebra runs 2 s", "the zebra sleeps 3 s"]
    for listed in lists(sophie, alice, "sleeps"):
        assert task.public_id in listed
        assert "the zebra sleeps" in listed
        assert "a cat runs" not in listed


def test_a_request_without_words_and_a_removed_one_have_titles(
    sophie: Person, alice: Member, make_task: MakeTask
) -> None:
    silent = make_task(request={"model": "x", "images": ["https://x.example/1.png"]})
    removed = make_task(Status.FAILED, request={}, payload={}, pruned_at=timezone.now())
    for task, title in ((silent, "Without a prompt"), (removed, "The request was removed")):
        for page in pages_of(task, sophie, alice):
            assert title in text_in(page, "h1")


def test_tenants_read_a_timeline_with_seconds_and_without_words_of_staff(
    sophie: Person, alice: Member, make_task: MakeTask
) -> None:
    task = make_task(Status.RUNNING)
    for verb in ("create", "asked", "operator", "start", "claim", "accepted", "flag", "never_ran"):
        detail = {"by": "sophie", "at": "console"} if verb == "asked" else {}
        task.events.create(at=task.created_at, verb=verb, status="queued", detail=detail)
    for_staff, for_tenant = (
        page[page.index('<ol class="timeline">') : page.index("</ol>", page.index('<ol class="timeline">'))]
        for page in pages_of(task, sophie, alice)
    )
    assert re.findall("<strong>(.*?)</strong>", for_tenant) == [
        "Created",
        "Requested",
        "Requested for you",
        "Left your queue",
        "Submission began",
        "Accepted by the provider",
    ]
    told = for_tenant.replace("the platform&#x27;s staff", "")
    assert not re.search("console|operator|staff|tenant|account", told)
    for timeline in (for_staff, for_tenant):
        times = re.findall(r"<time[^>]*>([^<]*)</time>", timeline)
        assert times
        assert all(re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", time) for time in times)


def test_the_key_that_stands_for_people_is_named_in_their_language(
    sophie: Person, alice: Member, make_task: MakeTask
) -> None:
    of_people = APIKey.objects.of_people(alice.tenant, Purpose.PORTAL)
    for key, name in ((of_people, "租户门户"), (make_task().api_key, "owner")):
        task = make_task(api_key=key)
        for browser in (sophie, alice):
            browser.client.cookies["django_language"] = "zh-hans"
        for page in pages_of(task, sophie, alice):
            [named] = re.findall(r"<dt>创建者</dt><dd>([^<]*)", page)
            assert named.strip() == name
            assert "tenant portal" not in page


def test_a_long_timeline_keeps_its_end(sophie: Person, alice: Member, make_task: MakeTask) -> None:
    task = make_task(Status.SUCCEEDED)

    def happened(verb: str, times: int = 1, **detail: Any) -> None:
        one = {"task": task, "at": task.created_at, "verb": verb, "status": "queued", "detail": detail}
        TaskEvent.objects.bulk_create(TaskEvent(**one) for _ in range(times))

    happened("create", sent={"prompt": "as it came"})
    happened("requeue", 600)
    happened("succeed")
    for_staff, for_tenant = pages_of(task, sophie, alice)
    assert for_staff.count("<strong>Queued again</strong>") == 499
    assert "as it came" in for_staff
    assert f"/admin/videos/taskevent/?q={task.public_id}" in for_staff
    assert re.findall("<strong>(Created|Completed)</strong>", for_staff) == ["Completed"]
    assert re.findall("<strong>(Created|Completed)</strong>", for_tenant) == ["Created", "Completed"]
    assert "Earlier events" not in for_tenant
