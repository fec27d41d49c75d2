"""The history of a tenant: filters, order, pages and search."""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from itertools import combinations
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from tests.conftest import NOW, Caller, MakeTask
from tests.support.rows import each
from videos.listing import history, prompts, search
from videos.listing.history import AT_WORK, PAGE, Filters, PageCursor, Reading, TaskPage
from videos.models import PromptText, Task
from videos.states import ACTIVE, FINAL, Status

UTC = ZoneInfo("UTC")
SHANGHAI = ZoneInfo("Asia/Shanghai")


def asked(prompt: str | None) -> dict[str, Any]:
    return {"request": {"model": "Kling-3.0-720p", "prompt": prompt}}


def filters(**conditions: Any) -> Filters:
    return Filters(**{"zone": UTC, **conditions})


def page(caller: Caller, wanted: Filters | None = None, turn: PageCursor | None = None) -> TaskPage:
    if wanted and wanted.words and Task.objects.count() != PromptText.objects.count():
        prompts.rebuild(timezone.now())
    return history.page(caller.tenant, wanted or filters(), turn or PageCursor())


def pages(caller: Caller, wanted: Filters) -> Iterator[TaskPage]:
    """Newest to oldest."""
    turn: PageCursor | None = PageCursor()
    while turn:
        found = page(caller, wanted, turn)
        yield found
        turn = PageCursor(found.older) if found.older else None


def everything(caller: Caller, **conditions: Any) -> list[Task]:
    return [task for found in pages(caller, filters(**conditions)) for task in found.tasks]


@pytest.fixture
def make_tasks(make_task: MakeTask) -> Callable[[int], list[Task]]:
    """Create that many tasks, a second apart; returned newest first."""

    def make(number: int) -> list[Task]:
        made = [make_task(now=NOW + timedelta(seconds=second)) for second in range(number)]
        return made[::-1]

    return make


@pytest.fixture
def _short_scans(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lower the search limits, as if there were many more tasks."""
    for name, tasks in {"NEAR": 2, "FAR": 5, "MOST_MATCHES": 3}.items():
        monkeypatch.setattr(search, name, tasks)


short_walks = pytest.mark.usefixtures("_short_scans")


def test_the_history_lists_the_tenants_tasks_newest_first_without_deleted_ones(
    owner: Caller, mate: Caller, stranger: Caller, make_task: MakeTask
) -> None:
    first = make_task()
    second = make_task(now=NOW + timedelta(seconds=1), api_key=mate.key)
    make_task(Status.SUCCEEDED, hidden_at=NOW)
    make_task(tenant=stranger.tenant, api_key=stranger.key)
    assert page(owner) == TaskPage([second, first], None, None, None)


# --- filters


@pytest.mark.parametrize(
    ("word", "statuses"),
    [
        (AT_WORK, ACTIVE),
        ("queued", {Status.WAITING, Status.QUEUED, Status.SUBMITTING}),
        ("in_progress", {Status.IN_DOUBT, Status.RUNNING, Status.STORING}),
        ("completed", {Status.SUCCEEDED}),
        ("failed", FINAL - {Status.SUCCEEDED}),
    ],
)
def test_tasks_are_filtered_by_public_status(
    word: str, statuses: set[Status], owner: Caller, make_task: MakeTask
) -> None:
    for status in Status:
        make_task(status)
    assert {task.state for task in page(owner, filters(status=word)).tasks} == statuses


def test_days_are_in_the_viewers_time_zone(owner: Caller, make_task: MakeTask) -> None:
    """In Shanghai, 20 November begins at 16:00 UTC of the day before."""
    start = NOW.replace(day=19, hour=16)
    moments = [start - timedelta(seconds=1), start, start + timedelta(hours=24, seconds=-1)]
    before, first, last = [make_task(now=moment) for moment in moments]
    after = make_task(now=start + timedelta(hours=24))
    day = date(2026, 11, 20)
    shanghai = {"zone": SHANGHAI}
    assert page(owner, filters(**shanghai, created_from=day, created_to=day)).tasks == [last, first]
    assert page(owner, filters(**shanghai, created_from=day)).tasks == [after, last, first]
    assert page(owner, filters(**shanghai, created_to=day)).tasks == [last, first, before]
    assert page(owner, filters(created_from=day)).tasks == [after, last]


def test_filtering_by_a_key_of_another_tenant_finds_nothing(
    owner: Caller, stranger: Caller, make_task: MakeTask
) -> None:
    make_task()
    make_task(tenant=stranger.tenant, api_key=stranger.key)
    assert stranger.key
    assert owner.key
    for words in ("", "cat"):
        assert page(owner, filters(api_key_id=stranger.key.pk, words=words)).tasks == []
        assert page(stranger, filters(api_key_id=owner.key.pk, words=words)).tasks == []


PROMPTS = ("a cat runs", "two foxes", None)
MODELS = ("Kling-3.0-720p", "Vidu-q2-720p")
DAY = timedelta(days=1)


@pytest.fixture
def many_kinds(owner: Caller, mate: Caller, stranger: Caller, make_task: MakeTask) -> list[Task]:
    """A task of Alice's of each kind, newest first, and one of Charlie's for each."""
    tasks = []
    for number in range(48):
        kind: dict[str, Any] = {
            "status": (Status.SUCCEEDED, Status.FAILED, Status.RUNNING)[number % 3],
            "model": MODELS[number // 3 % 2],
            "api_key": (owner, mate)[number // 6 % 2].key,
            "now": NOW + number * timedelta(hours=1),
            **asked(PROMPTS[number // 12 % 3]),
        }
        tasks.append(make_task(**kind))
        make_task(**kind | {"tenant": stranger.tenant, "api_key": stranger.key})
    return tasks[::-1]


def conditions(mate: Caller) -> dict[str, tuple[Any, Callable[[Task], bool]]]:
    """Filters with their conditions."""
    assert mate.key
    key_id = mate.key.pk
    second_day = NOW.date() + DAY
    return {
        "status": ("completed", lambda task: task.state is Status.SUCCEEDED),
        "model": (MODELS[1], lambda task: task.model == MODELS[1]),
        "api_key_id": (key_id, lambda task: task.api_key_id == key_id),
        "created_from": (second_day, lambda task: task.created_at.date() >= second_day),
        "words": ("CAT", lambda task: "cat" in (task.request["prompt"] or "")),
    }


@pytest.mark.parametrize("short", [False, True], ids=["near", "far"])
def test_filters_work_alone_and_combined(
    short: bool, owner: Caller, mate: Caller, many_kinds: list[Task], request: pytest.FixtureRequest
) -> None:
    if short:
        request.getfixturevalue("_short_scans")
    known = conditions(mate)
    for number in range(len(known) + 1):
        for names in combinations(known, number):
            chosen = {name: known[name][0] for name in names}
            expected = [task for task in many_kinds if all(known[name][1](task) for name in names)]
            assert everything(owner, **chosen) == expected, names
            assert [*Reading(owner.tenant, filters(**chosen))] == expected, names


# --- pages


def test_pages_contain_every_task_once(owner: Caller, make_tasks: Callable[[int], list[Task]]) -> None:
    tasks = make_tasks(2 * PAGE + 1)
    read = list(pages(owner, filters()))
    assert [len(found.tasks) for found in read] == [PAGE, PAGE, 1]
    assert [task for found in read for task in found.tasks] == tasks


@pytest.mark.parametrize("number", [0, 1, PAGE])
def test_a_page_with_all_tasks_has_no_neighbours(
    number: int, owner: Caller, make_tasks: Callable[[int], list[Task]]
) -> None:
    assert page(owner) == TaskPage([], None, None, None)
    tasks = make_tasks(number)
    assert page(owner) == TaskPage(tasks, None, None, None)


@pytest.mark.parametrize("words", ["", "cat", "ca"])
def test_paging_back_shows_the_same_pages_while_tasks_are_created(
    words: str, owner: Caller, make_task: MakeTask, make_tasks: Callable[[int], list[Task]]
) -> None:
    make_tasks(2 * PAGE + 5)
    wanted = filters(words=words)
    first, second, third = pages(owner, wanted)
    made = make_task(now=NOW + timedelta(hours=1))
    assert third.newer is not None
    back = page(owner, wanted, PageCursor(third.newer, is_older=False))
    assert back.tasks == second.tasks
    assert back.older == second.older
    assert back.newer is not None
    back = page(owner, wanted, PageCursor(back.newer, is_older=False))
    assert (back.tasks, back.older) == (first.tasks, first.older)
    assert back.newer is not None
    newest = page(owner, wanted, PageCursor(back.newer, is_older=False))
    assert (newest.tasks, newest.newer) == ([made], None)
    assert newest.older is not None
    assert page(owner, wanted, PageCursor(newest.older)).tasks == first.tasks


@pytest.mark.parametrize("place", [UUID(int=0), UUID(int=2**128 - 1)])
@pytest.mark.parametrize("words", ["", "cat"])
def test_a_cursor_without_a_task_shows_the_end_of_its_side(
    place: UUID, words: str, owner: Caller, make_tasks: Callable[[int], list[Task]]
) -> None:
    tasks = make_tasks(2)
    nothing = page(owner, filters(words=words), PageCursor(UUID(int=0)))
    assert (nothing.tasks, nothing.newer) == ([], UUID(int=0))
    for is_older in (True, False):
        found = page(owner, filters(words=words), PageCursor(place, is_older))
        assert found.tasks in ([], tasks)


def test_if_nothing_is_newer_the_newest_page_is_shown(
    owner: Caller, make_tasks: Callable[[int], list[Task]]
) -> None:
    tasks = make_tasks(3)
    assert page(owner, turn=PageCursor(tasks[0].pk, is_older=False)) == page(owner)


def test_an_empty_page_links_back(owner: Caller, make_tasks: Callable[[int], list[Task]]) -> None:
    tasks = make_tasks(3)
    nothing = page(owner, turn=PageCursor(tasks[-1].pk))
    assert nothing.tasks == []
    assert page(owner, turn=PageCursor(nothing.newer, is_older=False)).tasks == tasks


def test_the_whole_history_is_read_in_batches(
    owner: Caller, make_tasks: Callable[[int], list[Task]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "BATCH", 3)
    for number in (0, 3, 4):
        tasks = make_tasks(number)
        assert [*Reading(owner.tenant, filters())] == tasks
        assert [*Reading(owner.tenant, filters(words="cat"))] == tasks
        Task.objects.update(hidden_at=NOW)


# --- search

LITERAL = {
    "100%": ["at 100% speed"],
    "%": ["at 100% speed"],
    "a_b": ["a_b"],
    "_": ["a_b"],
    "\\": ["back\\slash"],
    "\\s": ["back\\slash"],
    "it's": ["it's"],
    "CAT": ["a cat", "Cats of Zürich"],
    "zÜRICH": ["Cats of Zürich"],
    "cat  ": ["a cat", "Cats of Zürich"],
    "zürich cat": ["Cats of Zürich"],
    "speed of": [],
    "of % at": [],
    "at 10": ["at 100% speed"],
    "海滩上": ["猫在海滩上"],
    "海滩": ["猫在海滩上"],
    "猫": ["猫在海滩上"],
    "鲸": [],
    "a c": ["a cat", "Cats of Zürich", "back\\slash"],
    "zebra": [],
    "zq": [],
}


@each("short", [False, True])
@each("words", LITERAL)
def test_a_search_finds_all_words_in_any_order_and_case(
    words: str, short: bool, owner: Caller, make_task: MakeTask, request: pytest.FixtureRequest
) -> None:
    if short:
        request.getfixturevalue("_short_scans")
    for prompt in (
        "at 100% speed",
        "axb",
        "a_b",
        "back\\slash",
        "it's",
        "a cat",
        "Cats of Zürich",
        "猫在海滩上",
        None,
    ):
        make_task(**asked(prompt))
    found = {task.request["prompt"] for task in everything(owner, words=words)}
    assert found == set(LITERAL[words])


@short_walks
def test_words_too_short_for_the_index_are_searched_in_steps(
    owner: Caller, make_task: MakeTask, make_tasks: Callable[[int], list[Task]]
) -> None:
    oldest = make_task(now=NOW - timedelta(hours=1), **asked("zq"))
    tasks = make_tasks(9)
    first, second = pages(owner, filters(words="zq"))
    assert (first.tasks, first.searched_to, first.older) == ([], tasks[6].created_at, tasks[6].pk)
    assert (second.tasks, second.searched_to, second.older) == ([oldest], None, None)
    assert second.newer is not None
    up = page(owner, filters(words="zq"), PageCursor(second.newer, is_older=False))
    assert (up.tasks, up.newer, up.searched_to) == ([], tasks[2].pk, tasks[2].created_at)
    assert up.older is not None
    assert page(owner, filters(words="zq"), PageCursor(up.older)).tasks == [oldest]


@short_walks
def test_rare_words_are_found_at_any_distance(
    owner: Caller, make_task: MakeTask, make_tasks: Callable[[int], list[Task]]
) -> None:
    oldest = make_task(now=NOW - timedelta(hours=1), **asked("a zebra"))
    make_tasks(30)
    assert page(owner, filters(words="zebra")) == TaskPage([oldest], None, None, None)


@short_walks
def test_words_that_are_frequent_only_far_back_are_found_eventually(
    owner: Caller, make_task: MakeTask, make_tasks: Callable[[int], list[Task]]
) -> None:
    foxes = [make_task(now=NOW - timedelta(hours=hour), **asked("foxes")) for hour in range(1, 9)]
    make_tasks(10)
    read = list(pages(owner, filters(words="foxes")))
    assert [task for found in read for task in found.tasks] == foxes
    assert read[0].searched_to is not None
    assert read[-1].searched_to is None


# --- queries


@pytest.mark.parametrize(("words", "queries"), [("", 1), ("cat", 2), ("zebra", 5), ("zq", 5), ("foxes", 7)])
@short_walks
def test_the_number_of_queries_of_a_page_does_not_grow(
    words: str,
    queries: int,
    owner: Caller,
    make_task: MakeTask,
    make_tasks: Callable[[int], list[Task]],
    django_assert_num_queries: DjangoAssertNumQueries,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(search, "NEAR", 2 * PAGE)
    make_task(now=NOW - timedelta(hours=1), **asked("foxes"))
    for more in (2, 3):
        make_tasks(more * PAGE)
        prompts.rebuild(timezone.now())
        with django_assert_num_queries(queries) as captured:
            history.page(owner.tenant, filters(words=words), PageCursor())
        assert "payload" not in "".join(query["sql"] for query in captured)
