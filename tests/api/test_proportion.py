"""The size of answers is bounded: no read returns more than 256 KiB."""

import csv
import io
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import APIKey
from accounts.models.api_key import MOST_ITEMS
from config import proportion
from tests.api.test_api_listing import pages
from tests.conftest import GOOD_BODY, NOW, Caller, MakeTask, make_caller
from tests.support.refusals import assert_refused
from videos import catalogue
from videos.api.usage import MOST_ROWS, TOO_MUCH
from videos.models import DailyUsage, Task, UpstreamAccount
from videos.states import Status

MOST = 256 * 1024
PROMPTS = {"Chinese": "猫" * 2000, "emoji": "😀" * 2000, "control characters": "\x01" * 2000}
"""The largest prompts, by the bytes per character."""
YEAR = "start_date=2026-01-01&end_date=2026-12-31"
FINEST = f"{YEAR}&group_by=day,model,api_key"


def with_prompt(prompt: str) -> dict[str, Any]:
    return {"model": "Kling-3.0-720p", "seconds": "5", "prompt": prompt}


# --- fitting


@pytest.mark.parametrize(
    ("sizes", "fit"),
    [
        ([], 0),
        ([1], 1),
        ([proportion.MOST_BYTES, 1], 1),
        ([proportion.MOST_BYTES - 1, 1, 1], 2),
        ([10 * proportion.MOST_BYTES, 1], 1),
        ([1, proportion.MOST_BYTES], 1),
    ],
)
def test_the_list_has_as_many_items_as_fit_and_at_least_one(sizes: list[int], fit: int) -> None:
    assert proportion.fitting(sizes) == fit


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([], []),
        (["a", "b"], ["a", "b"]),
        (["x" * 101], ["x" * 100 + "…"]),
        (["a"] * 100, ["a"] * 100),
        (["a"] * 101, [*["a"] * 99, "and 2 more"]),
    ],
)
def test_paths_beyond_the_limit_are_counted(given: list[str], expected: list[str]) -> None:
    assert proportion.paths(given) == expected
    assert proportion.paths(expected) == expected


# --- lists of videos


@pytest.fixture(params=PROMPTS)
def long_prompts(request: pytest.FixtureRequest, make_task: MakeTask) -> list[Task]:
    """Forty videos with the longest prompts, newest first."""
    prompt = with_prompt(PROMPTS[request.param])
    made = [make_task(now=NOW + timedelta(seconds=number), request=prompt) for number in range(40)]
    return made[::-1]


@pytest.mark.parametrize("order", ["desc", "asc"])
def test_a_page_ends_before_the_answer_gets_too_long_and_the_next_continues(
    order: str, owner: Caller, long_prompts: list[Task]
) -> None:
    read = list(pages(owner, limit=100, order=order))
    expected = [task.public_id for task in (long_prompts if order == "desc" else long_prompts[::-1])]
    assert [identity for page in read for identity in page] == expected
    assert len(read) > 1


@pytest.mark.usefixtures("long_prompts")
def test_a_page_is_nearly_as_large_as_allowed(owner: Caller) -> None:
    answer = owner.get("/v1/videos?limit=100")
    assert len(answer.content) <= MOST
    assert len(answer.content) > proportion.MOST_BYTES - 16 * 1024
    assert answer.json()["has_more"]


def test_the_requested_limit_still_applies(owner: Caller, long_prompts: list[Task]) -> None:
    answer = owner.get("/v1/videos?limit=2").json()
    assert [video["id"] for video in answer["data"]] == [task.public_id for task in long_prompts[:2]]
    assert answer["has_more"]


def test_a_video_too_large_for_a_page_gets_its_own(owner: Caller, make_task: MakeTask) -> None:
    """No current request makes one, but older rules may have."""
    huge = with_prompt("a" * MOST)
    made = [
        make_task(now=NOW + timedelta(seconds=number), request=request)
        for number, request in enumerate([GOOD_BODY, huge, GOOD_BODY])
    ]
    read = list(pages(owner, limit=100))
    assert read == [[task.public_id] for task in made[::-1]]


# --- one video


def test_long_names_that_are_not_forwarded_are_shortened(owner: Caller, account: UpstreamAccount) -> None:
    """Clients choose them."""
    body = GOOD_BODY | {"metadata": {"ext_info": {"x" * 3000: 1, "y" * 3000: 2}}}
    made = owner.post("/v1/videos", body)
    alone = owner.get(f"/v1/videos/{made.json()['id']}")
    expected = [f"metadata.ext_info.{letter * 3000}"[:100] + "…" for letter in "xy"]
    for answer in (made, alone):
        assert answer.json()["metadata"]["not_forwarded"] == expected
    tried = owner.post("/v1/videos/validate", body)
    assert tried.json()["not_forwarded"] == expected
    assert Task.objects.get().not_forwarded == expected


@pytest.mark.parametrize("path", ["/v1/videos/{}", "/v1/video/generations/{}", "/v1/videos/generations/{}"])
def test_a_video_with_the_largest_request_gets_a_small_answer(
    path: str, owner: Caller, make_task: MakeTask
) -> None:
    request = with_prompt("\x01" * 2000) | {"images": ["https://a.example/" + "a" * 140_000] * 7}
    task = make_task(
        Status.FAILED, request=request, not_forwarded=["\x01" * 10_000] * 1000, failure_message="a" * 500
    )
    answer = owner.get(path.format(task.public_id))
    assert answer.json()["prompt"] == "\x01" * 2000
    assert len(answer.content) < MOST / 2


# --- usage


def use(caller: Caller, rows: int, keys: list[APIKey | None]) -> None:
    """Write that many rows of the finest grouping."""
    models = [spec.name for spec in catalogue.MODELS]
    a_day = [(model, key) for model in models for key in keys]
    DailyUsage.objects.bulk_create(
        DailyUsage(
            tenant=caller.tenant,
            day=date(2026, 1, 1) + timedelta(days=number // len(a_day)),
            model=a_day[number % len(a_day)][0],
            api_key=a_day[number % len(a_day)][1],
            tasks=1,
        )
        for number in range(rows)
    )


@pytest.mark.parametrize(("rows", "status"), [(MOST_ROWS, 200), (MOST_ROWS + 1, 400)])
def test_usage_with_too_many_rows_is_refused_with_advice(rows: int, status: int, owner: Caller) -> None:
    use(owner, rows, [owner.key])
    answer = owner.get(f"/v1/usage?{YEAR}&group_by=day,model")
    assert (answer.status_code, len(answer.content) <= MOST) == (status, True)
    if status == 400:
        assert assert_refused(answer, 400, "invalid_request") == TOO_MUCH
        assert answer.json()["error"]["param"] == "group_by"
    assert owner.get(f"/v1/usage?{YEAR}&group_by=day").json()["total"]["tasks"] == rows


def test_few_rows_with_long_names_are_refused_too(owner: Caller) -> None:
    keys: list[APIKey | None] = [make_caller(owner.tenant, "😀" * 100).key for _ in range(20)]
    use(owner, 600, keys)
    assert assert_refused(owner.get(f"/v1/usage?{FINEST}"), 400, "invalid_request") == TOO_MUCH


def test_the_query_stops_after_the_largest_number_of_rows(owner: Caller) -> None:
    with CaptureQueriesContext(connection) as captured:
        owner.get(f"/v1/usage?{FINEST}")
    assert captured[-1]["sql"].endswith(f"LIMIT {MOST_ROWS + 1}")


def test_csv_has_all_rows_of_usage(owner: Caller) -> None:
    use(owner, MOST_ROWS * 3, [owner.key])
    answer = owner.get(f"/v1/usage?{FINEST}&format=csv")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert len(rows) == sum(int(row["tasks"]) for row in rows) == MOST_ROWS * 3


# --- all reads


def _long_lists(caller: Caller) -> None:
    """A key with the longest allowed lists."""
    assert caller.key is not None
    networks = [
        *(f"2001:db8:{number:x}:ffff:ffff:ffff::/96" for number in range(MOST_ITEMS - 1)),
        "0.0.0.0/0",
    ]
    models = ["x" * 50] * (MOST_ITEMS - len(catalogue.MODELS)) + [spec.name for spec in catalogue.MODELS]
    APIKey.objects.filter(pk=caller.key.pk).update(
        name="😀" * 100, allowed_networks=networks, allowed_models=models
    )


LARGEST: dict[str, Callable[[Caller], None]] = {
    "/v1/models": _long_lists,
    "/v1/models/Kling-3.0-omni-1080p": _long_lists,
    "/v1/account": _long_lists,
}


@pytest.mark.parametrize("path", LARGEST)
def test_the_largest_answer_is_bounded(path: str, owner: Caller) -> None:
    LARGEST[path](owner)
    answer = owner.get(path)
    assert answer.status_code == 200
    assert len(answer.content) < MOST / 2
