"""The video object as section 6 of the contract specifies, in every state of a task."""

import json
import threading
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.conf import LazySettings
from django.db import connection, connections, transaction
from django.db.models import F
from django.http import HttpResponse
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import APIKey, Quota, Standing, WhenFull
from tests.api.test_api_errors import _is_waiting_for_a_lock
from tests.conftest import GOOD_BODY, NOW, Caller, MakeTask
from tests.support.refusals import CREATE_ROUTES, QUERY_ROUTES, UNKNOWN_ID
from tests.support.rows import each
from videos.models import GenerationStat, Task, UpstreamAccount
from videos.results import links
from videos.states import FINAL, Status

UNIX_NOW = int(NOW.timestamp())
SHOWN: dict[Status, tuple[str, str]] = {
    Status.WAITING: ("queued", "queued"),
    Status.QUEUED: ("queued", "queued"),
    Status.SUBMITTING: ("queued", "submitting"),
    Status.IN_DOUBT: ("in_progress", "in_doubt"),
    Status.RUNNING: ("in_progress", "running"),
    Status.STORING: ("in_progress", "storing"),
    Status.SUCCEEDED: ("completed", "completed"),
    Status.FAILED: ("failed", "failed"),
    Status.CANCELLED: ("failed", "cancelled"),
}
"""`status` and `metadata.stage` by internal state."""
ERRORS: dict[Status, dict[str, str]] = {
    Status.FAILED: {"code": "generation_failed", "message": "It did not work."},
    Status.CANCELLED: {"code": "cancelled", "message": "It was cancelled."},
}


def test_every_state_is_in_this_table() -> None:
    assert SHOWN.keys() == set(Status)


@pytest.mark.parametrize("status", Status)
def test_a_task_is_shown_as_the_contract_specifies(
    status: Status, owner: Caller, make_task: MakeTask
) -> None:
    moment = NOW + timedelta(milliseconds=987)
    task = make_task(status, now=moment, frame_size="1280x720", not_forwarded=["metadata.input_region"])
    body = owner.get(f"/v1/videos/{task.public_id}").json()
    progress, url = body["progress"], body["metadata"]["url"]
    assert bool(body["metadata"].pop("queue", None)) is (status is Status.WAITING)
    public, stage = SHOWN[status]
    assert body == {
        "id": task.public_id,
        "task_id": task.public_id,
        "object": "video",
        "model": "Kling-3.0-720p",
        "status": public,
        "progress": progress,
        "created_at": UNIX_NOW,
        "completed_at": UNIX_NOW if status in FINAL else None,
        "expires_at": UNIX_NOW + 30 * 24 * 3600 if status is Status.SUCCEEDED else None,
        "seconds": "5",
        "size": "1280x720",
        "prompt": "a cat runs",
        "error": ERRORS.get(status),
        "metadata": {
            "url": url,
            "urls": [url] if url else [],
            "stage": stage,
            "not_forwarded": ["metadata.input_region"],
        },
    }
    assert all(type(body[name]) is int for name in ("progress", "created_at"))
    assert progress == 100 if status is Status.SUCCEEDED else 0 <= progress < 100
    assert bool(url) is (status is Status.SUCCEEDED)


@pytest.mark.parametrize("path", CREATE_ROUTES)
def test_a_new_task_is_queued(path: str, owner: Caller, account: UpstreamAccount) -> None:
    before = int(timezone.now().timestamp())
    answer = owner.post(path, GOOD_BODY)
    body, task = answer.json(), Task.objects.get()
    assert answer.status_code == 200
    assert before <= body["created_at"] <= timezone.now().timestamp()
    assert body == {
        "id": f"task_{task.id.hex}",
        "task_id": f"task_{task.id.hex}",
        "object": "video",
        "model": "Kling-3.0-1080p",
        "status": "queued",
        "progress": 0,
        "created_at": body["created_at"],
        "completed_at": None,
        "expires_at": None,
        "seconds": "5",
        "size": None,
        "prompt": "a cat runs",
        "error": None,
        "metadata": {"url": None, "urls": [], "stage": "queued", "not_forwarded": []},
    }


@pytest.mark.parametrize("path", CREATE_ROUTES)
def test_a_task_created_on_one_route_is_readable_on_all_three(
    path: str, owner: Caller, mate: Caller, account: UpstreamAccount
) -> None:
    made = owner.post(path, GOOD_BODY).json()
    for route in QUERY_ROUTES:
        for slash in ("", "/"):
            assert mate.get(route.format(id=made["id"]) + slash).json().items() >= made.items()


def test_the_model_is_shown_in_its_canonical_spelling(owner: Caller, account: UpstreamAccount) -> None:
    assert (
        owner.post("/v1/videos", GOOD_BODY | {"model": "KLING-3.0-1080P"}).json()["model"]
        == GOOD_BODY["model"]
    )


def test_a_video_without_a_prompt_has_a_null_prompt(owner: Caller, account: UpstreamAccount) -> None:
    body = {"model": "Kling-2.5-720p", "seconds": 5, "images": ["https://example.com/1.png"]}
    assert owner.post("/v1/videos", body).json()["prompt"] is None


@pytest.mark.parametrize(
    "metadata",
    [
        {
            "input_region": "Oversea",
            "output_config": {"PersonGeneration": "AllowAdult", "EnhanceSwitch": True},
        },
        {
            "output_config": {"EnhanceSwitch": False, "PersonGeneration": "Disallowed"},
            "input_region": "Mainland",
        },
    ],
)
def test_fields_not_forwarded_are_listed_in_request_order(
    metadata: dict[str, Any], owner: Caller, account: UpstreamAccount
) -> None:
    paths = [
        path
        for key, value in metadata.items()
        for path in (
            [f"metadata.{key}.{name}" for name in value] if isinstance(value, dict) else [f"metadata.{key}"]
        )
    ]
    made = owner.post("/v1/videos", GOOD_BODY | {"metadata": metadata}).json()
    assert made["metadata"]["not_forwarded"] == paths
    assert owner.get(f"/v1/videos/{made['id']}").json()["metadata"]["not_forwarded"] == paths


# --- progress


@each("age", [timedelta(0), timedelta(minutes=2), timedelta(days=2), timedelta(days=-1)])
@each("status", [Status.RUNNING, Status.STORING, Status.FAILED])
@each("usual", [0.0, 0.001, 120.0])
def test_progress_is_below_100_until_the_video_is_available(
    age: timedelta, status: Status, usual: float, owner: Caller, make_task: MakeTask
) -> None:
    now = timezone.now()
    GenerationStat.objects.create(model="Kling-3.0-720p", usual=usual, spread=2, samples=20, updated_at=now)
    task = make_task(status, now=now - age, done_at=now if status is Status.STORING else None)
    assert 0 <= owner.get(f"/v1/videos/{task.public_id}").json()["progress"] <= 99


# --- new-api


WORDS = {"queued": "QUEUED", "in_progress": "IN_PROGRESS", "completed": "SUCCESS", "failed": "FAILURE"}


@pytest.mark.parametrize("status", Status)
def test_new_api_clients_get_their_wrapper_around_the_video_object(
    status: Status, owner: Caller, make_task: MakeTask
) -> None:
    task = make_task(status, done_at=NOW)
    body = owner.get(f"/v1/video/generations/{task.public_id}").json()
    wrapper = {name: body.pop(name) for name in ("code", "message", "data")}
    assert body.keys() == owner.get(f"/v1/videos/{task.public_id}").json().keys()
    assert wrapper == {
        "code": "success",
        "message": "",
        "data": {
            "task_id": task.public_id,
            "status": WORDS[body["status"]],
            "url": body["metadata"]["url"] or "",
            "progress": f"{body['progress']}%",
            "fail_reason": ERRORS[status]["message"] if status in ERRORS else "",
        },
    }


@each("route", QUERY_ROUTES)
@each("status", Status)
def test_a_status_read_says_when_to_poll_again(
    status: Status, route: str, owner: Caller, make_task: MakeTask
) -> None:
    answer = owner.get(route.format(id=make_task(status).public_id))
    assert int(answer.headers["openai-poll-after-ms"]) == (0 if status in FINAL else 2000)


# --- the link


def _link(caller: Caller, task: Task) -> str:
    url: str = caller.get(f"/v1/videos/{task.public_id}").json()["metadata"]["url"]
    return url


def test_the_link_is_renewed_at_each_read_and_is_valid_for_a_day(owner: Caller, make_task: MakeTask) -> None:
    task = make_task(Status.SUCCEEDED)
    before = int(timezone.now().timestamp())
    query = dict(parse_qsl(urlsplit(_link(owner, task)).query))
    expires = query["expires"]
    assert before + 86400 <= int(expires) <= timezone.now().timestamp() + 86400 + 3600
    end = datetime.fromtimestamp(int(expires), UTC)
    assert links.is_valid(task.public_id, query, end - timedelta(seconds=1))
    assert not links.is_valid(task.public_id, query, end)


def test_links_are_the_same_for_an_hour_and_never_expire_early(make_task: MakeTask) -> None:
    task = make_task(Status.SUCCEEDED)
    hour = NOW.replace(minute=0, second=1)
    made = [links.signed_path(task, hour + timedelta(minutes=minutes)) for minutes in (0, 30, 59, 61)]
    assert made[0] == made[1] == made[2] != made[3]


def test_a_client_that_has_the_current_answer_gets_304(owner: Caller, make_task: MakeTask) -> None:
    task = make_task(Status.SUCCEEDED)
    path = f"/v1/videos/{task.public_id}"
    first = owner.get(path)
    for known in (first.headers["etag"], f'W/{first.headers["etag"]}, "x"', "*"):
        again = owner.get(path, HTTP_IF_NONE_MATCH=known)
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
        assert again.headers["openai-poll-after-ms"] == "0"
    Task.objects.update(attention="", media_bytes=7, frame_size="1280x720")
    changed = owner.get(path, HTTP_IF_NONE_MATCH=first.headers["etag"])
    assert (changed.status_code, changed.json()["size"]) == (200, "1280x720")
    assert changed.headers["etag"] != first.headers["etag"]


def test_reading_again_extends_the_link(owner: Caller, make_task: MakeTask, settings: LazySettings) -> None:
    task = make_task(Status.SUCCEEDED)
    settings.LINK_LIFE_SECONDS = 10
    first = _link(owner, task)
    settings.LINK_LIFE_SECONDS = 20
    assert _link(owner, task) != first


@pytest.mark.parametrize(
    ("public_url", "start"),
    [
        ("", "http://testserver/v1/videos/"),
        ("https://video.example.com", "https://video.example.com/v1/videos/"),
    ],
)
def test_the_link_uses_the_public_url(
    public_url: str, start: str, owner: Caller, make_task: MakeTask, settings: LazySettings
) -> None:
    settings.PUBLIC_URL = public_url
    task = make_task(Status.SUCCEEDED)
    assert _link(owner, task).startswith(f"{start}{task.public_id}/content?")


def test_a_removed_video_has_no_link(owner: Caller, make_task: MakeTask) -> None:
    task = make_task(Status.SUCCEEDED, media_removed_at=NOW)
    body = owner.get(f"/v1/video/generations/{task.public_id}").json()
    assert body["status"] == "completed"
    assert body["metadata"]["url"] is None
    assert body["metadata"]["urls"] == []
    assert body["data"]["url"] == ""


# --- hidden from tenants


def test_a_tenant_sees_nothing_of_the_upstream_account(
    owner: Caller, account: UpstreamAccount, make_task: MakeTask
) -> None:
    secrets = [
        "somewhere",
        "127.0.0.1:9",
        "AKIDtest",
        "a secret key",
        "AigcVideo-",
        "cos.example",
        "STRANGE",
        "doubt:",
    ]
    answers = [owner.post("/v1/videos", GOOD_BODY), owner.post("/v1/videos/validate", GOOD_BODY)]
    for status in Status:
        task = make_task(
            status,
            result_link="https://cos.example/video.mp4?sign=1",
            upstream_status="STRANGE",
            attention="in doubt: somewhere",
        )
        paths = [*QUERY_ROUTES, "/v1/videos/{id}/content"]
        answers += [owner.get(path.format(id=task.public_id)) for path in paths]
        answers += [owner.request("DELETE", f"/v1/videos/{task.public_id}")]
    answers += [owner.get(path) for path in ("/v1/videos", "/v1/usage", "/v1/account", "/v1/models")]
    for answer in answers:
        text = answer.content.decode() + json.dumps(dict(answer.headers))
        assert not [secret for secret in secrets if secret in text]


# --- the tenant's own queue


def _queue(caller: Caller, task: Task) -> dict[str, int | None]:
    shown: dict[str, int | None] = caller.get(f"/v1/videos/{task.public_id}").json()["metadata"]["queue"]
    return shown


@pytest.mark.parametrize(("limit", "seconds"), [(1, 120), (2, 60), (7, 18), (None, 0)])
def test_a_task_in_the_tenants_own_queue_is_shown_with_its_position(
    limit: int | None, seconds: int, owner: Caller, stranger: Caller, make_task: MakeTask
) -> None:
    Quota.objects.create(tenant=owner.tenant, concurrent_tasks=limit)
    GenerationStat.objects.create(model="Kling-3.0-720p", usual=60, spread=2, samples=20, updated_at=NOW)
    make_task(Status.WAITING, tenant=stranger.tenant, api_key=stranger.key, now=NOW - timedelta(seconds=9))
    first, second = (make_task(Status.WAITING, now=NOW + timedelta(seconds=age)) for age in (0, 1))
    before = int(timezone.now().timestamp())
    queue = _queue(owner, second)
    assert queue.keys() == {"position", "estimated_start"}
    assert (_queue(owner, first)["position"], queue["position"]) == (1, 2)
    estimate = queue["estimated_start"]
    assert estimate is not None
    assert before + seconds - 1 <= estimate <= timezone.now().timestamp() + seconds


def test_a_new_task_above_the_limit_is_shown_with_its_position(
    owner: Caller, account: UpstreamAccount
) -> None:
    Quota.objects.create(tenant=owner.tenant, concurrent_tasks=1, when_full=WhenFull.QUEUE)
    made = [owner.post("/v1/videos", GOOD_BODY).json() for _ in range(3)]
    places = [video["metadata"].get("queue", {}).get("position") for video in made]
    assert places == [None, 1, 2]
    assert {video["status"] for video in made} == {video["metadata"]["stage"] for video in made} == {"queued"}
    for video in made[1:]:
        metadata = owner.get(f"/v1/videos/{video['id']}").json()["metadata"]
        assert metadata.keys() == video["metadata"].keys()
        assert metadata["queue"]["position"] == video["metadata"]["queue"]["position"]


def test_a_task_that_cannot_start_has_no_estimate(owner: Caller, make_task: MakeTask) -> None:
    Quota.objects.create(tenant=owner.tenant, concurrent_tasks=0)
    assert _queue(owner, make_task(Status.WAITING)) == {"position": 1, "estimated_start": None}


def test_without_a_quota_the_limit_of_the_settings_applies(
    owner: Caller, make_task: MakeTask, settings: LazySettings
) -> None:
    settings.DEFAULT_QUOTA = {"concurrent_tasks": "0"}
    assert _queue(owner, make_task(Status.WAITING))["estimated_start"] is None


# --- queries


@each("route", QUERY_ROUTES)
@each("status", Status)
def test_a_status_read_takes_one_statement(
    status: Status,
    route: str,
    owner: Caller,
    make_task: MakeTask,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    path = route.format(id=make_task(status).public_id)
    for statements in (2, 1):  # the first use of the key is recorded
        with django_assert_num_queries(statements):
            assert owner.get(path).status_code == 200


@pytest.mark.parametrize("identity", [UNKNOWN_ID, "task_1"])
def test_reading_an_unknown_task_takes_one_statement(
    identity: str, owner: Caller, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    owner.get(f"/v1/videos/{identity}")
    with django_assert_num_queries(1):
        assert owner.get(f"/v1/videos/{identity}").status_code == 404


MOST = 6
"""Most statements of a create, without BEGIN and COMMIT."""
MINE = {"HTTP_IDEMPOTENCY_KEY": "mine"}
NEW = {"HTTP_IDEMPOTENCY_KEY": "new"}
FIRST_TRY = {"HTTP_X_STAINLESS_RETRY_COUNT": "0"}
RETRY = {"HTTP_X_STAINLESS_RETRY_COUNT": "1"}
OFTEN = {"requests_per_minute": 100, "spend_per_month": 100}
FULL = {"concurrent_tasks": 0}
QUEUES = {"concurrent_tasks": 1, "when_full": WhenFull.QUEUE}
EVERY_LIMIT = {
    **dict.fromkeys(["concurrent_tasks", "queued_tasks", "requests_per_minute"], 9),
    **dict.fromkeys(["seconds_per_day", "seconds_per_month", "spend_per_day", "spend_per_month"], 900),
}


class Cost(NamedTuple):
    """The statements of a create, also if the tenant's totals change meanwhile."""

    case: str
    statements: int
    contended: int
    headers: dict[str, str] = {}
    quota: dict[str, Any] = {}
    key: dict[str, Any] = {}
    status: int = 200
    is_by_totals: bool = False
    """Whether nothing but the totals is counted."""


COSTS = [
    Cost("a create", 2, 5, is_by_totals=True),
    Cost("held to every limit", 2, 5, quota=EVERY_LIMIT),
    Cost("that has to wait", 3, 6, quota=QUEUES),
    Cost("by a key with limits", 3, 6, key=OFTEN),
    Cost("that tells of its limit of requests", 2, 5, quota={"requests_per_minute": 9}),
    Cost("under an idempotency key", 2, 5, NEW),
    Cost("the first try of an SDK", 2, 5, FIRST_TRY, is_by_totals=True),
    Cost("a replay by its key", 2, 2, MINE),
    Cost("a replay by its key where nothing is admitted", 2, 2, MINE, quota=FULL),
    Cost("a replay for an SDK", 3, 3, RETRY),
    Cost("a refusal", 1, 1, quota=FULL, status=429),
    Cost("a refusal that an SDK may repeat", 2, 2, FIRST_TRY, quota=FULL, status=429),
]


def _prepare(cost: Cost, owner: Caller) -> None:
    """Create a task today and fill the caches."""
    assert owner.post("/v1/videos", GOOD_BODY, **MINE).status_code == 200
    APIKey.objects.update(**cost.key)
    Quota.objects.create(tenant=owner.tenant, **cost.quota)


def _statements(captured: CaptureQueriesContext) -> int:
    """The number of statements without BEGIN and COMMIT."""
    bounds = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE")
    return sum(not str(query["sql"]).startswith(bounds) for query in captured)


@pytest.mark.parametrize("cost", COSTS, ids=[cost.case for cost in COSTS])
def test_a_create_takes_few_statements(cost: Cost, owner: Caller, account: UpstreamAccount) -> None:
    _prepare(cost, owner)
    with CaptureQueriesContext(connection) as captured:
        answer = owner.post("/v1/videos", GOOD_BODY, **cost.headers)
    assert answer.status_code == cost.status, answer.content
    assert _statements(captured) == cost.statements <= MOST


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("cost", COSTS, ids=[cost.case for cost in COSTS])
@pytest.mark.parametrize("raised", [["version"], ["version", "limits_version"]], ids=" ".join)
def test_a_create_whose_totals_or_limits_change_meanwhile_takes_few_statements(
    raised: list[str], cost: Cost, owner: Caller, account: UpstreamAccount
) -> None:
    """Changed totals matter only to what is counted by other means than totals."""
    _prepare(cost, owner)
    answers, statements = list[HttpResponse](), list[int]()

    def post() -> None:
        with CaptureQueriesContext(connection) as captured:
            answers.append(owner.post("/v1/videos", GOOD_BODY, **cost.headers))
        statements.append(_statements(captured))
        connections.close_all()

    request = threading.Thread(target=post)
    with transaction.atomic():
        Standing.objects.update(**{name: F(name) + 1 for name in raised})
        request.start()
        while request.is_alive() and not _is_waiting_for_a_lock():
            request.join(0.001)
    request.join()
    assert answers[0].status_code == cost.status
    assert statements == [cost.statements if cost.is_by_totals and len(raised) == 1 else cost.contended]


@pytest.mark.parametrize(("route", "statements"), [("/v1/videos/validate", 1), ("/v1/videos", 1)])
def test_an_invalid_request_takes_one_statement(
    route: str, statements: int, owner: Caller, account: UpstreamAccount
) -> None:
    _prepare(COSTS[0], owner)
    with CaptureQueriesContext(connection) as captured:
        assert owner.post(route, GOOD_BODY | {"seconds": 99}).status_code == 400
    assert _statements(captured) == statements
