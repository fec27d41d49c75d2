"""GET /v1/videos: contents, order, pages, filters and cost."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import Quota, WhenFull
from config.ids import uuid7
from tests.api.test_api_errors import MALFORMED_IDS
from tests.conftest import NOW, Caller, MakeTask
from tests.support.plans import analyse, many_tasks, tasks_of_many  # noqa: F401 - fixtures
from tests.support.refusals import assert_refused
from tests.support.rows import check_each
from videos.models import Task
from videos.states import Status

UNIX_NOW = int(NOW.timestamp())
PARAMETERS = ["after", "limit", "order", "status", "model", "created_after", "created_before"]
NOTHING: dict[str, Any] = {"object": "list", "data": [], "first_id": None, "last_id": None, "has_more": False}
STATUSES = {
    "queued": {Status.WAITING, Status.QUEUED, Status.SUBMITTING},
    "in_progress": {Status.IN_DOUBT, Status.RUNNING, Status.STORING},
    "completed": {Status.SUCCEEDED},
    "failed": {Status.FAILED, Status.CANCELLED},
}


def shown(caller: Caller, **parameters: Any) -> list[dict[str, Any]]:
    answer = caller.get(f"/v1/videos?{urlencode(parameters)}")
    assert answer.status_code == 200, answer.content
    videos: list[dict[str, Any]] = answer.json()["data"]
    return videos


def listed(caller: Caller, **parameters: Any) -> list[str]:
    return [video["id"] for video in shown(caller, **parameters)]


def places(caller: Caller, **parameters: Any) -> list[int | None]:
    """The queue positions of the videos of one page."""
    return [video["metadata"].get("queue", {}).get("position") for video in shown(caller, **parameters)]


def pages(caller: Caller, **parameters: Any) -> Iterator[list[str]]:
    """The ids of each page, paged as OpenAI's clients do."""
    after: dict[str, Any] = {}
    while True:
        body = caller.get(f"/v1/videos?{urlencode(parameters | after)}").json()
        ids = [video["id"] for video in body["data"]]
        assert (body["first_id"], body["last_id"]) == (ids[0], ids[-1])
        yield ids
        if not body["has_more"]:
            return
        after = {"after": body["last_id"]}


@pytest.fixture
def seven(make_task: MakeTask) -> list[str]:
    """The ids of seven tasks, oldest first; the last three have the same millisecond."""
    moments = [NOW + timedelta(seconds=second) for second in (0, 1, 2, 3, 4, 4, 4)]
    return [
        task.public_id for task in sorted((make_task(now=now) for now in moments), key=lambda task: task.id)
    ]


def test_a_tenant_without_videos_has_an_empty_list(owner: Caller) -> None:
    answer = owner.get("/v1/videos")
    assert answer.json() == NOTHING


def test_the_list_is_of_the_tenant_and_newest_first(
    owner: Caller, mate: Caller, stranger: Caller, seven: list[str]
) -> None:
    assert listed(owner) == listed(mate) == seven[::-1]
    assert listed(stranger) == []


@pytest.mark.parametrize("status", Status)
def test_a_video_in_the_list_looks_as_it_does_alone(
    status: Status, owner: Caller, make_task: MakeTask
) -> None:
    task = make_task(status, not_forwarded=["metadata.input_region"])
    (in_list,) = shown(owner)
    alone = owner.get(f"/v1/videos/{task.public_id}").json()
    for video in (in_list, alone):  # which changes every second
        metadata = video["metadata"]
        metadata |= {"url": bool(metadata["url"]), "urls": len(metadata["urls"])}
        metadata.get("queue", {}).pop("estimated_start", None)
    assert in_list == alone


def test_a_waiting_video_is_listed_with_its_queue_position(
    owner: Caller, stranger: Caller, make_task: MakeTask
) -> None:
    Quota.objects.create(tenant=owner.tenant, concurrent_tasks=1, when_full=WhenFull.QUEUE)
    make_task(Status.RUNNING, now=NOW - timedelta(seconds=1))
    make_task(Status.WAITING, tenant=stranger.tenant, api_key=stranger.key)
    models = ["Vidu-q2-720p", "GV-3.1-720p", "Vidu-q2-720p"]
    for second, model in enumerate(models):
        make_task(Status.WAITING, model=model, now=NOW + timedelta(seconds=second))
    assert places(owner) == [3, 2, 1, None]
    assert places(owner, order="asc", limit=2) == [None, 1]
    assert places(owner, model="Vidu-q2-720p") == [3, 1]
    assert places(stranger) == [1]
    (estimate, *_) = [video["metadata"]["queue"]["estimated_start"] for video in shown(owner, limit=1)]
    assert estimate > timezone.now().timestamp()


def test_a_deleted_video_is_not_listed(owner: Caller, make_task: MakeTask) -> None:
    make_task(Status.SUCCEEDED, hidden_at=NOW)
    kept = make_task(Status.SUCCEEDED)
    for parameters in ({}, {"status": "completed"}, {"model": kept.model}, {"order": "asc"}):
        assert listed(owner, **parameters) == [kept.public_id]


@pytest.mark.parametrize("slash", ["", "/"])
def test_head_finds_the_list(slash: str, owner: Caller) -> None:
    answer = owner.head(f"/v1/videos{slash}")
    assert (answer.status_code, answer.content) == (200, b"")


# --- pages


@pytest.mark.parametrize(
    ("limit", "sizes"), [(1, [1] * 7), (3, [3, 3, 1]), (6, [6, 1]), (7, [7]), (100, [7])]
)
@pytest.mark.parametrize("order", ["asc", "desc"])
def test_pages_contain_every_video_once(
    order: str, limit: int, sizes: list[int], owner: Caller, seven: list[str]
) -> None:
    read = list(pages(owner, limit=limit, order=order))
    assert [len(page) for page in read] == sizes
    assert [identity for page in read for identity in page] == (seven if order == "asc" else seven[::-1])


def test_the_default_page_size_is_20(owner: Caller, make_task: MakeTask) -> None:
    for second in range(21):
        make_task(now=NOW + timedelta(seconds=second))
    body = owner.get("/v1/videos").json()
    assert (len(body["data"]), body["has_more"]) == (20, True)
    assert len(listed(owner, limit=21)) == 21


def test_new_videos_do_not_disturb_paging(owner: Caller, make_task: MakeTask, seven: list[str]) -> None:
    reading = pages(owner, limit=4)
    first = next(reading)
    newer = make_task(now=NOW + timedelta(minutes=1))
    assert [*first, *next(reading)] == seven[::-1]
    assert listed(owner, limit=1) == [newer.public_id]


def test_a_deleted_video_is_still_a_valid_cursor(owner: Caller, seven: list[str]) -> None:
    Task.objects.filter(pk=seven[3].removeprefix("task_")).update(hidden_at=NOW)
    assert listed(owner, after=seven[3]) == seven[2::-1]
    assert listed(owner, after=seven[3], order="asc") == seven[4:]


def test_a_video_outside_the_filters_is_still_a_valid_cursor(
    owner: Caller, make_task: MakeTask, seven: list[str]
) -> None:
    failed = make_task(Status.FAILED, now=NOW + timedelta(seconds=2, milliseconds=500))
    assert listed(owner, after=failed.public_id, status="queued") == seven[2::-1]
    assert listed(owner, after=seven[0], status="failed") == []
    assert listed(owner, after=seven[0], status="failed", order="asc") == [failed.public_id]


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_the_page_after_the_last_video_is_empty(order: str, owner: Caller, seven: list[str]) -> None:
    last = seven[-1] if order == "asc" else seven[0]
    answer = owner.get(f"/v1/videos?after={last}&order={order}").json()
    assert answer == NOTHING


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_unknown_malformed_and_foreign_cursors_cannot_be_told_apart(
    order: str, owner: Caller, stranger: Caller, make_task: MakeTask, seven: list[str]
) -> None:
    own = make_task(tenant=stranger.tenant, api_key=stranger.key)
    assert listed(stranger) == [own.public_id]
    unknown = stranger.get(f"/v1/videos?after=task_{uuid7(NOW).hex}&order={order}")
    message = assert_refused(unknown, 400, "invalid_request")
    assert message == "after must be the id of one of your videos"
    assert unknown.json()["error"]["param"] == "after"
    readable = [identity for identity in MALFORMED_IDS if identity not in ("%FF%FE", "%ED%A0%80")]
    for identity in [seven[0], seven[-1], *readable]:
        answer = stranger.get(f"/v1/videos?after={identity}&order={order}")
        assert (answer.status_code, answer.content) == (400, unknown.content)


# --- filters


@pytest.mark.parametrize("word", STATUSES)
def test_videos_are_filtered_by_status(word: str, owner: Caller, make_task: MakeTask) -> None:
    tasks = [make_task(status) for status in Status]
    expected = {task.public_id for task in tasks if task.state in STATUSES[word]}
    assert set(listed(owner, status=word)) == expected


@pytest.mark.parametrize("name", ["Vidu-q2-720p", "vidu-Q2-720P"])
def test_videos_are_filtered_by_model_in_any_case(name: str, owner: Caller, make_task: MakeTask) -> None:
    make_task(model="Vidu-q2-pro-720p")
    task = make_task(model="Vidu-q2-720p")
    assert listed(owner, model=name) == [task.public_id]


@pytest.mark.parametrize(
    ("bounds", "positions"),
    [
        ({"created_after": UNIX_NOW}, [3, 2, 1, 0]),
        ({"created_after": UNIX_NOW + 1}, [3, 2]),
        ({"created_before": UNIX_NOW + 1}, [1, 0]),
        ({"created_before": UNIX_NOW}, []),
        ({"created_after": UNIX_NOW + 1, "created_before": UNIX_NOW + 2}, [2]),
        ({"created_after": UNIX_NOW + 2, "created_before": UNIX_NOW + 1}, []),
        ({"created_after": 0, "created_before": 99_999_999_999}, [3, 2, 1, 0]),
        ({"created_after": 99_999_999_999}, []),
        ({"created_before": 0}, []),
    ],
)
def test_videos_are_filtered_by_creation_time(
    bounds: dict[str, int], positions: list[int], owner: Caller, make_task: MakeTask
) -> None:
    """`created_after` is inclusive and `created_before` exclusive, so that periods can follow each other."""
    ids = [make_task(now=NOW + timedelta(seconds=age)).public_id for age in (0, 0.999, 1, 2)]
    assert listed(owner, **bounds) == [ids[position] for position in positions]


def test_filters_are_combined(owner: Caller, make_task: MakeTask) -> None:
    wanted = {"status": Status.FAILED, "model": "Vidu-q2-720p", "now": NOW}
    found = make_task(**wanted)
    for other in ({"status": Status.QUEUED}, {"model": "GV-3.1-720p"}, {"now": NOW - timedelta(hours=1)}):
        make_task(**(wanted | other))
    assert listed(owner, status="failed", model="Vidu-q2-720p", created_after=UNIX_NOW) == [found.public_id]


# --- refusals


@pytest.mark.parametrize(
    ("name", "values", "message", "allowed"),
    [
        (
            "limit",
            ["0", "101", "-1", "x", "1.5", "1e1", " 5", "5.0", "٣"],
            "must be a whole number from 1 to 100",
            None,
        ),
        ("order", ["ASC", "newest", "asc,desc", "\x00"], "must be asc or desc", ["asc", "desc"]),
        (
            "status",
            ["succeeded", "QUEUED", "completed,failed", "waiting"],
            "must be queued, in_progress, completed or failed",
            ["queued", "in_progress", "completed", "failed"],
        ),
        *(
            (
                name,
                ["-1", "x", "1.5", "2026-11-20", "1795176000000"],
                "must be a whole number from 0 to 99999999999",
                None,
            )
            for name in ("created_after", "created_before")
        ),
    ],
)
def test_an_invalid_parameter_is_refused(
    name: str, values: list[str], message: str, allowed: list[str] | None, owner: Caller
) -> None:
    for value in values:
        answer = owner.get(f"/v1/videos?{urlencode({name: value})}")
        assert assert_refused(answer, 400, "invalid_request") == f"{name} {message}"
        (violation,) = answer.json()["errors"]
        assert violation["param"] == name
        assert violation.get("allowed") == allowed


@pytest.mark.parametrize("name", ["nothing", "Kling-3.0", "\x00", "é", "x" * 5000])
def test_an_unknown_model_is_refused(name: str, owner: Caller) -> None:
    answer = owner.get(f"/v1/videos?{urlencode({'model': name})}")
    assert assert_refused(answer, 400, "model_not_found") == f"The model '{name[:100]}' does not exist"
    assert answer.json()["error"]["param"] == "model"


def test_all_violations_are_reported_at_once(owner: Caller) -> None:
    answer = owner.get(f"/v1/videos?{urlencode(dict.fromkeys(reversed(PARAMETERS), '?'))}")
    assert [violation["param"] for violation in answer.json()["errors"]] == PARAMETERS


def test_empty_and_unknown_parameters_are_ignored(owner: Caller, seven: list[str]) -> None:
    assert listed(owner, **dict.fromkeys(PARAMETERS, ""), before=seven[0], q="'") == seven[::-1]


# --- queries

INDEXES = {
    "": "task_listed",
    "order=asc": "task_listed",
    "created_after=1&created_before=9": "task_listed",
    "model=Kling-3.0-720p": "task_listed_by_model",
    "status=queued": "task_listed_open",
    "status=in_progress": "task_listed_open",
    "status=completed": "task_listed_completed",
    "status=failed": "task_listed_failed",
}


def use_other_models() -> None:
    """Leave one of sixteen tasks to each model."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE videos_task SET model = 'Model ' || right(id::text, 1) WHERE right(id::text, 1) <> '0'"
        )
    analyse()


@pytest.mark.usefixtures("many_tasks")
def test_each_filter_has_an_index_that_also_gives_the_order(owner: Caller) -> None:
    use_other_models()
    task = Task.objects.filter(tenant=owner.tenant).latest("id")

    def serves(asked: str) -> None:
        with CaptureQueriesContext(connection) as captured:
            owner.get(f"/v1/videos?{asked}")
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {captured[-1]['sql']}")
            page = "\n".join(line for (line,) in cursor.fetchall()).partition("Limit")[2]
        assert f"using {INDEXES[asked.partition('&after=')[0]]} on videos_task" in page, page
        assert "videos_task_pkey" not in page, page
        assert "Sort" not in page, page

    check_each([f"{asked}{after}" for asked in INDEXES for after in ("", f"&after={task.public_id}")], serves)


@pytest.mark.parametrize("parameters", ["", "&after={id}&status=queued&model=Kling-3.0-720p&created_after=1"])
def test_a_page_takes_two_queries_and_does_not_read_payloads(
    parameters: str,
    owner: Caller,
    make_task: MakeTask,
    seven: list[str],
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for status in Status:
        make_task(status)
    path = f"/v1/videos?limit=100{parameters.format(id=seven[-1])}"
    owner.get(path)
    with django_assert_num_queries(2) as captured:
        assert len(owner.get(path).json()["data"]) >= 6
    assert "payload" not in captured[-1]["sql"]
