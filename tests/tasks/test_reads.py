"""Lists, files and pages read only the columns they show, not the whole request."""

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import APIKey, Purpose, User
from tests.conftest import NOW, Caller, MakeTask
from tests.support.members import Member
from videos.models import Task
from videos.portal.filtering import MOST_KEYS
from videos.states import Status, Verb
from videos.tasks import lifecycle, sql

LARGE = ("request", "payload", "fingerprint", "detail", "digest", "secret_key")
"""Columns of requests, answers and secrets."""
_SELECTED = re.compile(r"SELECT (.*?) FROM ", re.DOTALL)


@pytest.fixture
def task(make_task: MakeTask) -> Task:
    made = make_task(Status.SUCCEEDED, has_poster=True)
    lifecycle.record_event(made, Verb.ASKED, NOW, by="alice", at="portal")
    return made


@pytest.fixture
def alice(owner: Caller) -> Client:
    return Member(owner.tenant).client


@pytest.fixture
def sophie(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("sophie"))
    return client


def selected(queries: list[dict[str, Any]]) -> set[str]:
    """The large columns that are read whole, not through an operator or function."""
    lists = [found[1] for query in queries if (found := _SELECTED.search(query["sql"]))]
    return {name for name in LARGE for listed in lists if re.search(rf'(?<!\()"{name}"(?=,|$)', listed)}


OF_CLIENTS = ["/v1/videos", "/v1/videos?status=completed&model=Kling-3.0-720p", "/v1/usage", "/v1/account"]


@pytest.mark.parametrize("path", OF_CLIENTS)
def test_the_api_reads_only_the_columns_it_shows(path: str, owner: Caller, task: Task) -> None:
    with CaptureQueriesContext(connection) as captured:
        assert owner.get(path).status_code == 200
    assert selected(captured.captured_queries[1:]) == set()  # the first query finds the key by its digest


def test_the_statement_of_one_video_reads_only_its_prompt() -> None:
    columns = sql.READ.statement.partition("FROM accounts_apikey")[0]
    assert re.findall(r"task\.(?:request|payload|fingerprint)[^,]*", columns) == ["task.request ->> 'prompt'"]


def test_downloading_and_deleting_do_not_read_the_request(owner: Caller, task: Task) -> None:
    with CaptureQueriesContext(connection) as captured:
        owner.get(f"/v1/videos/{task.public_id}/content")
        owner.request("DELETE", f"/v1/videos/{task.public_id}")
    found = [query for query in captured.captured_queries if query["sql"]]  # not that of the key
    assert any("videos_task" in query["sql"] for query in found)
    assert selected(found) - {"digest"} == set()


@pytest.mark.parametrize("query", ["", "?q=cat", "?status=completed", "?key=rly_nothing"])
@pytest.mark.parametrize("page", ["videos", "videos-file"])
def test_the_history_reads_only_the_columns_it_shows(
    page: str, query: str, owner: Caller, alice: Client, task: Task
) -> None:
    path = reverse(f"portal:{page}", args=[owner.tenant.pk])
    with CaptureQueriesContext(connection) as captured:
        answer = alice.get(f"{path}{query}")
    assert "a cat runs" in answer.content.decode() or "nothing" in query
    assert selected(captured.captured_queries) == set()


@pytest.mark.parametrize("page", ["video", "poster", "preview", "remove"])
def test_the_live_part_of_a_video_page_does_not_read_the_request(
    page: str, owner: Caller, alice: Client, task: Task
) -> None:
    with CaptureQueriesContext(connection) as captured:
        alice.get(reverse(f"portal:{page}", args=[owner.tenant.pk, task.public_id]), {"part": "live"})
    assert selected(captured.captured_queries) <= {"detail"}  # the timeline shows who created it


@pytest.mark.parametrize("model", ["task", "taskevent", "ledgerentry"])
@pytest.mark.parametrize("part", ["changelist", "export"])
def test_lists_and_files_of_the_console_read_only_the_columns_they_show(
    part: str, model: str, sophie: Client, task: Task
) -> None:
    with CaptureQueriesContext(connection) as captured:
        answer = sophie.get(reverse(f"admin:videos_{model}_{part}"))
    assert answer.status_code == 200
    assert selected(captured.captured_queries) == set()


def test_the_live_part_of_a_console_task_does_not_read_the_request(sophie: Client, task: Task) -> None:
    with CaptureQueriesContext(connection) as captured:
        sophie.get(reverse("admin:videos_task_change", args=[task.pk]), {"part": "live"})
    assert selected(captured.captured_queries) <= {"detail"}


@pytest.mark.parametrize("part", ["changelist", "export"])
def test_a_list_of_events_shortens_their_details(part: str, sophie: Client, task: Task) -> None:
    lifecycle.record_event(task, Verb.FLAG, NOW, why="x" * 10_000)
    shown = sophie.get(reverse(f"admin:videos_taskevent_{part}")).content.decode()
    assert "x" * 400 in shown
    assert "x" * 501 not in shown
    assert "…" in shown


def test_the_history_offers_the_latest_keys_and_the_selected_one(
    owner: Caller, alice: Client, task: Task
) -> None:
    keys = [
        APIKey(tenant=owner.tenant, name=f"key {n}", prefix=f"rly_{n:08}", digest="", purpose=Purpose.PROGRAM)
        for n in range(MOST_KEYS)
    ]
    APIKey.objects.bulk_create(keys)
    path = reverse("portal:videos", args=[owner.tenant.pk])
    assert owner.key is not None
    oldest = f'value="{owner.key.prefix}"'
    assert oldest not in alice.get(path).content.decode()
    chosen = alice.get(path, {"key": owner.key.prefix}).content.decode()
    assert f"{oldest} selected" in chosen
    assert task.public_id in chosen
