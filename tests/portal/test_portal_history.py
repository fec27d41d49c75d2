"""The list of a tenant's videos in the portal: rows, filters, pages, posters and the CSV file."""

import csv
import io
import re
from datetime import timedelta
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from django.conf import LazySettings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone, translation

from accounts.models import APIKey, Purpose, Role, Tenant
from accounts.pages.key_states import name_of
from config import stores
from config.stores.folder import FolderStore
from tests.conftest import NOW, Caller, MakeTask
from tests.portal.test_portal_video import member, text
from videos.listing import history, prompts
from videos.listing.history import PAGE
from videos.models import Task
from videos.results import files
from videos.states import FINAL, Status

STILL = b"\xff\xd8\xff a still"
MOVING = b"RIFF....WEBP a preview"
PRICE = Decimal("2.5")
FRAGMENT = {"hx-request": "true"}


class Links(HTMLParser):
    """The links of a page by their text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: dict[str, str] = {}
        self._at = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self._at = dict(attrs).get("href") or ""

    def handle_data(self, data: str) -> None:
        if self._at and data.strip(" ←→\n"):
            self.found[data.strip()] = self._at

    def handle_endtag(self, tag: str) -> None:
        if tag == "a":
            self._at = ""


def address(tenant: Tenant, **filters: str) -> str:
    return f"{reverse('portal:videos', args=[tenant.pk])}?{urlencode(filters)}"


def listed(page: str) -> list[str]:
    return re.findall(r'id="(task_[0-9a-f]{32})"', page)


def body(answer: Any) -> bytes:
    content: bytes = answer.content
    return content


@pytest.fixture
def alice(owner: Caller) -> Client:
    return member(owner.tenant, Role.OWNER)


@pytest.fixture
def charlie(stranger: Caller) -> Client:
    return member(stranger.tenant, Role.OWNER, "charlie")


@pytest.fixture
def pictured(make_task: MakeTask) -> Task:
    """A finished video of Alice's with its poster and its preview."""
    task = make_task(Status.SUCCEEDED, has_poster=True, has_preview=True)
    files.save_pictures(task, STILL, MOVING)
    return task


def poster(tenant: Tenant, task: Task) -> str:
    return reverse("portal:poster", args=[tenant.pk, task.public_id])


def preview(tenant: Tenant, task: Task) -> str:
    return reverse("portal:preview", args=[tenant.pk, task.public_id])


# --- access


@pytest.mark.parametrize("role", Role)
def test_every_member_sees_the_videos(role: Role, owner: Caller, make_task: MakeTask) -> None:
    task = make_task()
    client = member(owner.tenant, role)
    assert listed(text(client.get(address(owner.tenant)))) == [task.public_id]
    assert task.public_id in file_of(client, owner.tenant)


def test_a_member_of_another_tenant_finds_nothing(
    owner: Caller, stranger: Caller, charlie: Client, pictured: Task, make_task: MakeTask
) -> None:
    for path in (address(owner.tenant), poster(owner.tenant, pictured), file_address(owner.tenant)):
        assert charlie.get(path).status_code == 404
    assert charlie.get(poster(stranger.tenant, pictured)).status_code == 404
    assert listed(text(charlie.get(address(stranger.tenant)))) == []


def test_without_a_log_in_the_pages_redirect_to_it(owner: Caller, pictured: Task) -> None:
    for path in (address(owner.tenant), poster(owner.tenant, pictured), file_address(owner.tenant)):
        answer = Client().get(path)
        assert (answer.status_code, answer["location"].startswith(reverse("people:log-in"))) == (302, True)


def test_the_page_cannot_be_posted_to(owner: Caller, alice: Client) -> None:
    assert alice.post(address(owner.tenant)).status_code == 405


# --- a row


def test_a_row_shows_request_author_and_outcome(owner: Caller, alice: Client, make_task: MakeTask) -> None:
    task = make_task(Status.SUCCEEDED, price=PRICE)
    shown = text(alice.get(address(owner.tenant)))
    for part in (
        "a cat runs",
        "Kling-3.0-720p",
        "5 s",
        "Completed",
        "2026-11-20 12:00",
        "from owner",
        "2.50\u202fCNY",
    ):
        assert part in shown
    assert Links(shown).found["a cat runs"] == reverse("portal:video", args=[owner.tenant.pk, task.public_id])


def test_times_are_in_the_viewers_time_zone(owner: Caller, alice: Client, make_task: MakeTask) -> None:
    make_task()
    alice.cookies["time_zone"] = "Asia/Shanghai"
    assert "2026-11-20 20:00" in text(alice.get(address(owner.tenant)))


@pytest.mark.parametrize("status", [Status.FAILED, Status.CANCELLED])
def test_a_failed_video_was_not_charged(
    status: Status, owner: Caller, alice: Client, make_task: MakeTask
) -> None:
    make_task(status, price=PRICE)
    shown = text(alice.get(address(owner.tenant)))
    assert "not charged" in shown
    assert "2.50" not in shown


def test_a_prompt_is_escaped_and_clipped(owner: Caller, alice: Client, make_task: MakeTask) -> None:
    long = '<b>"' + "cat " * 200
    make_task(request={"prompt": long})
    make_task(request={"prompt": None}, now=NOW - timedelta(hours=1))
    shown = text(alice.get(address(owner.tenant)))
    assert "<b>" not in shown
    assert f'title="&lt;b&gt;&quot;{"cat " * 200}"' in shown
    assert shown.count("cat cat") < 160
    assert "Without a prompt" in shown


# --- posters


def test_a_video_is_shown_by_its_poster(
    owner: Caller, alice: Client, pictured: Task, make_task: MakeTask
) -> None:
    make_task(Status.SUCCEEDED)
    make_task(Status.SUCCEEDED, has_poster=True, media_removed_at=NOW)
    shown = text(alice.get(address(owner.tenant)))
    assert re.findall(r'<img[^>]* src="([^"]+)"', shown) == [poster(owner.tenant, pictured)]
    answer = alice.get(poster(owner.tenant, pictured))
    assert body(answer) == STILL
    assert (answer["content-type"], answer["content-length"]) == ("image/jpeg", str(len(STILL)))
    assert answer["cache-control"] == "private, max-age=3600"


def test_a_poster_the_browser_has_gets_304(owner: Caller, alice: Client, pictured: Task) -> None:
    path = poster(owner.tenant, pictured)
    first = alice.get(path)
    assert body(first) == STILL
    again = alice.get(path, headers={"if-none-match": first["etag"]})
    assert (again.status_code, again.content, again["etag"]) == (304, b"", first["etag"])
    assert again["cache-control"] == first["cache-control"]


def test_a_missing_poster_is_not_found(
    owner: Caller, alice: Client, pictured: Task, make_task: MakeTask
) -> None:
    lost = make_task(Status.SUCCEEDED, has_poster=True, media_name="alice/lost.mp4")
    without = make_task(Status.SUCCEEDED)
    Task.objects.filter(pk=pictured.pk).update(hidden_at=NOW)
    for task in (lost, without, pictured):
        assert alice.get(poster(owner.tenant, task)).status_code == 404
    for name in ("task_0", f"task_{'0' * 32}"):
        assert alice.get(reverse("portal:poster", args=[owner.tenant.pk, name])).status_code == 404


def test_a_row_names_the_preview_that_plays_in_place_of_its_poster(
    owner: Caller, alice: Client, pictured: Task, make_task: MakeTask
) -> None:
    make_task(Status.SUCCEEDED, has_poster=True)
    make_task(Status.SUCCEEDED, has_poster=True, has_preview=True, media_removed_at=NOW)
    shown = text(alice.get(address(owner.tenant)))
    path = preview(owner.tenant, pictured)
    assert re.findall(r'<img[^>]* data-preview="([^"]+)"', shown) == [path]
    assert shown.count("<li data-previewed>") == 1
    answer = alice.get(path)
    assert body(answer) == MOVING
    assert (answer["content-type"], answer["cache-control"]) == ("image/webp", "private, max-age=3600")
    assert alice.get(path, headers={"if-none-match": answer["etag"]}).status_code == 304


def test_a_missing_preview_is_not_found(owner: Caller, alice: Client, make_task: MakeTask) -> None:
    lost = make_task(Status.SUCCEEDED, has_poster=True, has_preview=True, media_name="alice/lost.mp4")
    without = make_task(Status.SUCCEEDED, has_poster=True)
    for task in (lost, without):
        assert alice.get(preview(owner.tenant, task)).status_code == 404


class SigningStore(FolderStore):
    """A store that makes links."""

    def sign(self, key: str, seconds: int, *, content_type: str = "", filename: str = "") -> str:  # type: ignore[override]
        return f"https://elsewhere.example/{key}?signed"


def signing(bucket: str, path: str, *_: object) -> SigningStore:
    return SigningStore(Path(path))


def test_a_store_that_makes_links_serves_the_pictures_itself(
    owner: Caller, alice: Client, pictured: Task, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(stores.KINDS, "signing", stores.Kind(f"{__name__}.signing"))
    settings.RESULTS_URL = "signing://bucket/"
    for page, name in ((poster, files.poster_name(pictured)), (preview, files.preview_name(pictured))):
        answer = alice.get(page(owner.tenant, pictured))
        assert answer.status_code == 302
        assert answer["location"] == f"https://elsewhere.example/{name}?signed"
        assert "no-store" in answer.headers["cache-control"]


def test_pictures_pass_through_us_if_all_is_to(
    owner: Caller, alice: Client, pictured: Task, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(stores.KINDS, "signing", stores.Kind(f"{__name__}.signing"))
    settings.RESULTS_URL = settings.RESULTS_URL.replace("file://", "signing://bucket")
    settings.CONTENT_DELIVERY = "proxy"
    assert body(alice.get(poster(owner.tenant, pictured))) == STILL


def test_without_links_the_poster_is_passed_through(owner: Caller, alice: Client, pictured: Task) -> None:
    assert body(alice.get(poster(owner.tenant, pictured))) == STILL


# --- filters


def test_filters_are_in_the_address_and_in_the_form(
    owner: Caller, mate: Caller, alice: Client, make_task: MakeTask
) -> None:
    assert mate.key
    wanted = {"status": Status.FAILED, "model": "Vidu-q2-720p", "api_key": mate.key}
    found = make_task(**wanted)
    for other in ({"status": Status.QUEUED}, {"model": "Kling-3.0-720p"}, {"api_key": owner.key}):
        make_task(**(wanted | other))
    make_task(**wanted, now=NOW + timedelta(days=1))
    make_task(**wanted, request={"prompt": "two foxes"})
    filters = {
        "q": "CAT",
        "status": "failed",
        "model": "Vidu-q2-720p",
        "key": mate.key.prefix,
        "start": "2026-11-20",
        "end": "2026-11-20",
    }
    shown = text(alice.get(address(owner.tenant, **filters)))
    assert listed(shown) == [found.public_id]
    for name in ("q", "start", "end"):
        assert re.search(rf'<input[^>]* name="{name}" value="{filters[name]}"', shown)
    for name in ("status", "model", "key"):
        assert f'<option value="{filters[name]}" selected>' in shown


def test_days_are_in_the_viewers_time_zone(owner: Caller, alice: Client, make_task: MakeTask) -> None:
    task = make_task(now=NOW.replace(hour=20))
    path = address(owner.tenant, start="2026-11-21")
    assert listed(text(alice.get(path))) == []
    alice.cookies["time_zone"] = "Asia/Shanghai"
    assert listed(text(alice.get(path))) == [task.public_id]


def test_tabs_and_pages_keep_the_filters(owner: Caller, alice: Client, make_task: MakeTask) -> None:
    for second in range(PAGE + 1):
        make_task(Status.FAILED, now=NOW + timedelta(seconds=second))
    nothing = text(alice.get(address(owner.tenant, q="a cat & co", status="failed", key="")))
    assert Links(nothing).found["Unfinished"] == "?q=a+cat+%26+co&status=at_work"
    assert Links(nothing).found["All"] == "?q=a+cat+%26+co"
    assert 'aria-current="true">Failed' in nothing
    first = text(alice.get(address(owner.tenant, q="cat", status="failed")))
    older = Links(first).found["Older"]
    assert older.startswith("?q=cat&status=failed&before=task_")
    second_page = text(alice.get(address(owner.tenant) + older[1:]))
    assert len(listed(second_page)) == 1
    newer = Links(second_page).found["Newer"]
    assert listed(text(alice.get(address(owner.tenant) + newer[1:]))) == listed(first)
    assert Links(second_page).found["Newest"] == "?q=cat&status=failed"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("status", "sleeping"),
        ("model", "Nothing-1"),
        ("key", "rly_other"),
        ("start", "yesterday"),
        ("end", "0001-01-01"),
        ("end", "9999-12-31"),
        ("q", "x" * 101),
        ("q", "a\x00b"),
    ],
)
def test_an_invalid_filter_is_reported_at_its_field(
    name: str, value: str, owner: Caller, alice: Client, make_task: MakeTask
) -> None:
    task = make_task()
    shown = text(alice.get(address(owner.tenant, **{name: value})))
    control = re.search(rf'<(?:input|select)[^>]* name="{name}"[^>]*>', shown)
    assert control
    assert 'aria-invalid="true"' in control[0]
    assert listed(shown) == [task.public_id]


def test_a_period_that_ends_before_it_begins_is_reported(
    owner: Caller, alice: Client, make_task: MakeTask
) -> None:
    make_task()
    shown = text(alice.get(address(owner.tenant, start="2026-11-20", end="2026-11-19")))
    assert "This is after the last day." in shown


@pytest.mark.parametrize("place", [{"before": "x"}, {"after": "task_1"}, {"before": "", "after": ""}])
def test_an_invalid_page_shows_the_newest_videos(
    place: dict[str, str], owner: Caller, alice: Client, make_task: MakeTask
) -> None:
    ids = [make_task(now=NOW + timedelta(seconds=second)).public_id for second in range(2)]
    assert listed(text(alice.get(address(owner.tenant, **place)))) == ids[::-1]


# --- empty


def test_without_videos_the_page_explains_how_to_make_one(owner: Caller, alice: Client) -> None:
    shown = text(alice.get(address(owner.tenant)))
    links = Links(shown).found
    assert "No videos yet" in shown
    assert links["New video"] == reverse("portal:playground", args=[owner.tenant.pk])
    assert links["API keys"] == reverse("account:keys", args=[owner.tenant.pk])
    assert 'role="search"' not in shown


def test_a_viewer_gets_no_link_to_make_one(owner: Caller) -> None:
    shown = text(member(owner.tenant, Role.VIEWER).get(address(owner.tenant)))
    assert reverse("portal:playground", args=[owner.tenant.pk]) not in shown


def test_filters_without_a_match_can_be_cleared(owner: Caller, alice: Client, make_task: MakeTask) -> None:
    make_task()
    shown = text(alice.get(address(owner.tenant, q="zebra")))
    assert "No video matches" in shown
    assert Links(shown).found["Show all videos"] == "?"


# --- live


@pytest.mark.parametrize("status", Status)
def test_the_rows_refresh_while_a_task_is_open(
    status: Status, owner: Caller, alice: Client, make_task: MakeTask
) -> None:
    make_task(Status.SUCCEEDED)
    make_task(status)
    path = address(owner.tenant, model="Kling-3.0-720p")
    answer = alice.get(path, headers=FRAGMENT)
    assert ("hx-trigger" in text(answer)) is (status not in FINAL)
    assert text(answer).strip().startswith("<section") or "<html" not in text(answer)
    assert "<form" not in text(answer)
    assert "hx-request" in answer["vary"].lower()
    whole = text(alice.get(path))
    assert listed(whole) == listed(text(answer))
    assert (f'hx-get="{path}"' in whole) is (status not in FINAL)


def test_a_search_does_not_refresh(owner: Caller, alice: Client, make_task: MakeTask) -> None:
    make_task(Status.RUNNING)
    assert "hx-trigger" in text(alice.get(address(owner.tenant)))
    assert "hx-trigger" not in text(alice.get(address(owner.tenant, q="cat")))


# --- the file


def file_address(tenant: Tenant, **filters: str) -> str:
    return f"{reverse('portal:videos-file', args=[tenant.pk])}?{urlencode(filters)}"


def file_of(client: Client, tenant: Tenant, **filters: str) -> str:
    answer = client.get(file_address(tenant, **filters))
    assert answer.status_code == 200
    assert answer["content-disposition"] == 'attachment; filename="videos.csv"'
    return str(answer.content.decode("utf-8-sig"))


def test_a_file_with_an_invalid_filter_leads_to_the_page_that_says_so(owner: Caller, alice: Client) -> None:
    wrong = {"start": "2026-11-02", "end": "2026-11-01"}
    page = alice.get(file_address(owner.tenant, **wrong))["location"]
    assert page == address(owner.tenant, **wrong)
    assert "This is after the last day." in text(alice.get(page))


def test_the_file_has_the_filtered_videos(owner: Caller, alice: Client, make_task: MakeTask) -> None:
    done = make_task(Status.SUCCEEDED, price=PRICE)
    failed = make_task(Status.FAILED, price=PRICE, now=NOW + timedelta(seconds=1))
    make_task(Status.SUCCEEDED, hidden_at=NOW)
    rows = list(csv.DictReader(io.StringIO(file_of(alice, owner.tenant))))
    assert [row["id"] for row in rows] == [failed.public_id, done.public_id]
    assert [(row["status"], row["price"], row["error"]) for row in rows] == [
        ("failed", "0.00", "generation_failed"),
        ("completed", "2.50", ""),
    ]
    assert owner.key
    assert (rows[1]["prompt"], rows[1]["api_key"], rows[1]["api_key_name"]) == (
        "a cat runs",
        owner.key.prefix,
        "owner",
    )
    assert rows[1]["created_at"] == "2026-11-20 12:00:00+00:00"
    assert done.public_id in file_of(alice, owner.tenant, status="completed", q="cat")
    assert failed.public_id not in file_of(alice, owner.tenant, status="completed", q="cat")


def test_the_file_has_no_formulas(owner: Caller, alice: Client, make_task: MakeTask) -> None:
    make_task(request={"prompt": "=HYPERLINK(1)"})
    (row,) = csv.DictReader(io.StringIO(file_of(alice, owner.tenant)))
    assert row["prompt"] == "'=HYPERLINK(1)"


def test_the_file_ends_at_the_search_limit_and_says_so(
    owner: Caller, alice: Client, make_task: MakeTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("BATCH", "MOST_SEARCHES"):
        monkeypatch.setattr(history, name, 2)
    made = [make_task(now=NOW - timedelta(hours=hour)) for hour in range(6)]
    prompts.rebuild(timezone.now())
    *found, last = csv.reader(io.StringIO(file_of(alice, owner.tenant, q="cat")))
    assert [row[0] for row in found[1:]] == [task.public_id for task in made[:4]]
    assert last == ["Searched back to 2026-11-20 09:00:00+00:00; there may be older matches."]
    assert len(file_of(alice, owner.tenant).splitlines()) == 1 + len(made)


def test_videos_made_by_people_name_the_portal_as_their_key(
    owner: Caller, alice: Client, make_task: MakeTask
) -> None:
    make_task(api_key=APIKey.objects.of_people(owner.tenant, Purpose.PORTAL))
    alice.cookies["django_language"] = "zh-hans"
    with translation.override("zh-hans"):
        name = name_of(Purpose.PORTAL, "")
    assert name != Purpose.PORTAL.value
    shown = text(alice.get(address(owner.tenant)))
    assert re.search(rf'<span class="wrap-anywhere">[^<]*{name}[^<]*</span>', shown)
    assert re.search(rf"<option[^>]*>{name} \(rly_", shown)
    (row,) = csv.DictReader(io.StringIO(file_of(alice, owner.tenant)))
    assert row["api_key_name"] == name


def test_the_page_links_to_the_file_with_its_filters(
    owner: Caller, alice: Client, make_task: MakeTask
) -> None:
    make_task()
    shown = text(alice.get(address(owner.tenant, q="cat", before=f"task_{'f' * 32}")))
    assert Links(shown).found["Download as CSV"] == file_address(owner.tenant, q="cat")


# --- queries


@pytest.mark.parametrize("words", ["", "cat", "zebra"])
def test_the_number_of_queries_of_a_page_does_not_grow(
    words: str, owner: Caller, alice: Client, make_task: MakeTask
) -> None:
    counts = []
    for _ in range(2):
        for status in (Status.SUCCEEDED, Status.QUEUED, Status.FAILED):
            is_done = status is Status.SUCCEEDED
            make_task(status, has_poster=is_done, has_preview=is_done)
        with CaptureQueriesContext(connection) as captured:
            text(alice.get(address(owner.tenant, q=words)))
        counts.append(len(captured))
        assert not [query["sql"] for query in captured if "COUNT(*)" in query["sql"]]
    assert counts[0] == counts[1] <= 15


def test_a_poster_takes_few_queries(owner: Caller, alice: Client, pictured: Task) -> None:
    with CaptureQueriesContext(connection) as captured:
        body(alice.get(poster(owner.tenant, pictured)))
    assert len(captured) <= 4
