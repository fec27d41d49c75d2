"""`prune` removes client content of deleted videos and of old ended tasks; figures stay."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.conf import LazySettings, settings
from django.core.management import call_command
from django.db import connection, connections, transaction
from django.db.models import QuerySet
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Role, User
from config.ids import uuid7
from tests.conftest import GOOD_BODY, NOW, Caller, MakeTask, claim_next, order_video
from tests.support.members import Member
from tests.support.pages import MEMBER, STAFF, pages
from videos.billing import reconciliation
from videos.models import Task, TaskEvent, UpstreamAccount
from videos.states import FINAL, Status, Verb
from videos.tasks import lifecycle, pruning
from videos.tasks.failures import FailureCode
from videos.tasks.pruning import BATCH, FAILURE_REMOVED, Pruned
from videos.tasks.staff_actions import NotDecided, StaffDecision, available_actions, perform

MARK = "ultramarine heffalump"
"""A marker in all content of the client."""
SAID = GOOD_BODY | {
    "prompt": f"a {MARK} runs",
    "images": [f"https://a.example/{MARK.replace(' ', '-')}.png"],
    "metadata": {"negative_prompt": f"no {MARK}", "ext_info": {MARK: 1}},
}
LONG_AGO = NOW - timedelta(days=40)


def prune(now: datetime = NOW) -> Pruned:
    return sum((pruning.total(pruning.prune(tasks, now)) for tasks in _due(now)), Pruned())


def _due(now: datetime) -> list[QuerySet[Task]]:
    return [pruning.deleted(), pruning.past_retention(now, settings.TASK_RETENTION_DAYS)]


def columns_containing(mark: str) -> list[str]:
    """The text and JSON columns of all tables that contain the mark."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name FROM information_schema.columns"
            " JOIN pg_class ON relname = table_name WHERE table_schema = current_schema() AND relkind = 'r'"
            " AND data_type IN ('text', 'character varying', 'json', 'jsonb', 'ARRAY')"
        )
        columns = cursor.fetchall()
        found = []
        for table, column in columns:
            query = f'SELECT count(*) FROM "{table}" WHERE strpos("{column}"::text, %s) > 0'  # noqa: S608 - columns
            cursor.execute(query, [mark])
            found += [f"{table}.{column}"] * min(1, cursor.fetchone()[0])
    assert {table for table, _ in columns} >= {"videos_task", "videos_taskevent", "procrastinate_jobs"}
    return found


def ordered(caller: Caller, **body: Any) -> Task:
    """A task created with an idempotency key."""
    made = caller.post("/v1/videos", SAID | body, HTTP_IDEMPOTENCY_KEY="mine")
    assert made.status_code == 200, made.content
    return Task.objects.get(pk=made.json()["id"].removeprefix("task_"))


def ended(task: Task) -> Task:
    """Let upstream refuse the task with a message."""
    claimed = claim_next(task.account, timezone.now())
    assert claimed == task
    detail = {"action": "create", "seconds": 1, "answer": {"message": f"{MARK} is not allowed"}}
    message = f"{MARK} is not allowed"
    lifecycle.fail(claimed, FailureCode.UPSTREAM_REJECTED, message, timezone.now(), upstream=detail)
    return claimed


# --- deleted videos


def test_no_content_of_a_deleted_video_is_left_in_the_database(
    owner: Caller, account: UpstreamAccount
) -> None:
    task = ended(ordered(owner))
    assert {column.rpartition(".")[2] for column in columns_containing(MARK)} == {
        *("request", "payload", "not_forwarded", "failure_message", "detail")
    }
    assert owner.request("DELETE", f"/v1/videos/{task.public_id}").status_code == 200
    assert prune(timezone.now()).tasks == 1
    assert columns_containing(MARK) == []
    assert columns_containing(MARK.replace(" ", "-")) == []


def test_deleted_videos_are_pruned_at_once_and_others_only_if_the_setting_is_set(
    make_task: MakeTask, settings: LazySettings
) -> None:
    deleted = make_task(Status.SUCCEEDED, hidden_at=NOW)
    make_task(Status.SUCCEEDED, now=NOW - timedelta(days=10_000))
    for days in (0, -1):
        settings.TASK_RETENTION_DAYS = days
        prune()
    assert list(Task.objects.filter(pruned_at__isnull=False)) == [deleted]


def test_a_replay_of_a_pruned_request_makes_no_other_video(owner: Caller, account: UpstreamAccount) -> None:
    first = owner.post("/v1/videos", SAID, HTTP_IDEMPOTENCY_KEY="mine").json()
    task = ended(Task.objects.get())
    owner.request("DELETE", f"/v1/videos/{task.public_id}")
    assert prune(timezone.now()).tasks == 1
    again = owner.post("/v1/videos", SAID, HTTP_IDEMPOTENCY_KEY="mine")
    assert (again.status_code, again["idempotent-replayed"]) == (200, "true")
    metadata = first["metadata"] | {"not_forwarded": []}
    assert again.json() == first | {"prompt": None, "metadata": metadata}
    assert list(again.json()) == list(first)
    assert Task.objects.count() == 1


def test_the_fingerprint_is_kept_while_a_retry_is_possible(owner: Caller, account: UpstreamAccount) -> None:
    """Of two identical requests, one deleted, a retry means neither."""
    now = timezone.now()
    for made_at in (now, now - timedelta(hours=1)):
        task = ended(order_video(owner, now=made_at))
        lifecycle.hide(task, now)
    prune(now)
    fingerprints = Task.objects.order_by("id").values_list("fingerprint", flat=True)
    assert [fingerprint is None for fingerprint in fingerprints] == [True, False]


# --- old tasks


@pytest.mark.parametrize(
    ("age", "is_pruned"),
    [(timedelta(days=30, seconds=1), True), (timedelta(days=30), False), (timedelta(days=1), False)],
)
def test_a_task_is_pruned_once_its_end_is_older_than_the_setting(
    age: timedelta, is_pruned: bool, make_task: MakeTask, settings: LazySettings
) -> None:
    settings.TASK_RETENTION_DAYS = 30
    task = make_task(Status.SUCCEEDED, now=LONG_AGO, finished_at=NOW - age)
    assert prune().tasks == int(is_pruned)
    task.refresh_from_db()
    assert (task.request == task.payload == {}) is is_pruned
    assert task.pruned_at == (NOW if is_pruned else None)


@pytest.mark.parametrize("status", Status)
def test_only_ended_tasks_are_pruned(status: Status, make_task: MakeTask, settings: LazySettings) -> None:
    settings.TASK_RETENTION_DAYS = 1
    make_task(status, now=LONG_AGO)
    assert prune().tasks == int(status in FINAL)


@pytest.mark.parametrize("status", sorted(FINAL))
def test_figures_are_kept_and_the_books_agree(
    status: Status, make_task: MakeTask, settings: LazySettings
) -> None:
    settings.TASK_RETENTION_DAYS = 1
    task = make_task(status, now=LONG_AGO, price=4, frame_size="1280x720", media_bytes=7)
    before: dict[str, Any] = {**Task.objects.filter(pk=task.pk).values().get()}
    prune()
    after: dict[str, Any] = {**Task.objects.filter(pk=task.pk).values().get()}
    changed = {name for name in before if before[name] != after[name]}
    assert changed - {"failure_message"} == {"request", "payload", "pruned_at"}
    assert after["failure_message"] == (FAILURE_REMOVED if before["failure_message"] else "")
    assert not reconciliation.differences()


def test_decisions_of_staff_keep_names_and_reasons(make_task: MakeTask, settings: LazySettings) -> None:
    settings.TASK_RETENTION_DAYS = 1
    task = make_task(Status.RUNNING, now=LONG_AGO)
    lifecycle.record_event(task, Verb.ASKED, LONG_AGO, by="alice", at="portal")
    sophie = User.objects.create_superuser("sophie")
    perform("give_up", StaffDecision(task, sophie, "it hangs", LONG_AGO))
    lifecycle.record_event(task, Verb.REMOVED, LONG_AGO, by="alice")
    assert prune().events == 1  # the failure is part of the decision
    kept = (
        TaskEvent.objects.filter(task=task).order_by("id").values_list("verb", "detail__by", "detail__reason")
    )
    assert list(kept) == [
        ("asked", "alice", None),
        ("give_up", "sophie", "it hangs"),
        ("removed", "alice", None),
    ]


def test_a_pruned_task_is_not_pruned_again(make_task: MakeTask) -> None:
    task = make_task(Status.SUCCEEDED, hidden_at=NOW)
    assert prune().tasks == 1
    lifecycle.remove_media(task, NOW)
    assert prune(NOW + timedelta(days=1)) == Pruned()
    assert Task.objects.get().pruned_at == NOW


# --- concurrency and batches


def test_it_works_in_batches_and_continues_after_an_interruption(make_task: MakeTask) -> None:
    tasks = [make_task(Status.SUCCEEDED, hidden_at=NOW) for _ in range(3)]
    Task.objects.bulk_create(_copies(tasks[0], BATCH))
    first = next(pruning.prune(pruning.deleted(), NOW))
    assert first.tasks == BATCH
    assert [done.tasks for done in pruning.prune(pruning.deleted(), NOW)] == [3]


def _copies(task: Task, number: int) -> list[Task]:
    columns: dict[str, Any] = {
        field.attname: getattr(task, field.attname) for field in Task._meta.concrete_fields
    }
    ids = [uuid7(NOW) for _ in range(number)]
    return [Task(**columns | {"id": identity, "upstream_task_id": f"copy {identity}"}) for identity in ids]


@pytest.mark.django_db(transaction=True)
def test_locked_tasks_are_skipped(make_task: MakeTask, run_apart: Callable[..., Any]) -> None:
    locked, free = (make_task(Status.SUCCEEDED, hidden_at=NOW) for _ in range(2))
    with transaction.atomic():
        Task.objects.select_for_update().get(pk=locked.pk)
        assert run_apart(prune).tasks == 1
    assert list(Task.objects.filter(pruned_at=None)) == [locked]
    free.refresh_from_db()
    assert free.pruned_at == NOW
    assert prune().tasks == 1


@pytest.fixture
def run_apart() -> Callable[..., Any]:
    """Run it on its own connection; returns its result."""

    def run(work: Callable[[], Any]) -> Any:
        def and_close() -> Any:
            try:
                return work()
            finally:
                connections.close_all()

        with ThreadPoolExecutor(1) as apart:
            return apart.submit(and_close).result()

    return run


# --- the command


def test_the_command_reports_what_it_did(make_task: MakeTask, settings: LazySettings) -> None:
    settings.TASK_RETENTION_DAYS = 30
    deleted = make_task(Status.FAILED, hidden_at=NOW)
    lifecycle.record_event(deleted, Verb.HIDE, NOW)
    make_task(Status.SUCCEEDED, now=timezone.now() - timedelta(days=31))
    make_task(Status.SUCCEEDED, now=timezone.now() - timedelta(days=29))
    assert command_output("--dry-run") == [
        "deleted: 1 request, 1 event would be removed",
        "ended 30 days ago: 1 request, 0 events would be removed",
    ]
    assert not Task.objects.filter(pruned_at__isnull=False).exists()
    assert command_output() == [
        "deleted: 1 request, 1 event removed",
        "ended 30 days ago: 1 request, 0 events removed",
    ]
    assert command_output()[0] == "deleted: 0 requests, 0 events removed"


def test_without_the_setting_the_command_says_that_it_is_not_set(db: None) -> None:
    assert command_output()[1].startswith("ended (TASK_RETENTION_DAYS is not set): 0 requests")


def command_output(*arguments: str) -> list[str]:
    output = StringIO()
    call_command("prune", *arguments, stdout=output)
    return output.getvalue().splitlines()


# --- reading pruned tasks


@pytest.fixture
def pruned(make_task: MakeTask, settings: LazySettings) -> dict[Status, Task]:
    """An old pruned task of Alice's in each final state, with an event by a person."""
    settings.TASK_RETENTION_DAYS = 30
    tasks = {status: make_task(status, now=LONG_AGO, request=dict(SAID)) for status in sorted(FINAL)}
    for task in tasks.values():
        lifecycle.record_event(task, Verb.ASKED, LONG_AGO, by="alice", at="portal")
    prune()
    for task in tasks.values():
        task.refresh_from_db()
    return tasks


@pytest.mark.parametrize("status", sorted(FINAL))
@pytest.mark.parametrize("path", ["/v1/videos/{}", "/v1/video/generations/{}", "/v1/videos/generations/{}"])
def test_clients_read_a_pruned_task_without_its_content(
    path: str, status: Status, owner: Caller, pruned: dict[Status, Task]
) -> None:
    task = pruned[status]
    alone = owner.get(path.format(task.public_id)).json()
    listed = {video["id"]: video for video in owner.get("/v1/videos").json()["data"]}[task.public_id]
    for video in (alone, listed):
        assert video["prompt"] is None
        assert (video["error"] or {}).get("message") == (task.failure_message or None)
        assert video["metadata"]["not_forwarded"] == []
    assert owner.get(f"/v1/videos/{task.public_id}/content").status_code in (409, 410)


def test_clients_can_delete_a_pruned_task(owner: Caller, pruned: dict[Status, Task]) -> None:
    for task in pruned.values():
        assert owner.request("DELETE", f"/v1/videos/{task.public_id}").status_code == 200


def test_every_page_shows_a_pruned_task(owner: Caller, pruned: dict[Status, Task]) -> None:
    staff, alice = User.objects.create_superuser("sophie"), Member(owner.tenant)
    clients = {MEMBER: alice.client, STAFF: Client()}
    clients[STAFF].force_login(staff)
    for page in pages(owner.tenant, staff):
        if page.viewer in clients and page.name != "console-task-decide":  # it cannot be made once more
            assert clients[page.viewer].get(page.path).status_code == 200, page.path
    for task in pruned.values():
        assert alice.get("portal:remove", task.public_id).status_code == 200


def test_pages_say_when_the_request_was_removed(owner: Caller, pruned: dict[Status, Task]) -> None:
    alice, sophie = Member(owner.tenant), User.objects.create_superuser("sophie")
    task, staff = pruned[Status.SUCCEEDED], Client()
    staff.force_login(sophie)
    removed = "removed on 2026-11-20, 40 days after the end"
    assert removed in alice.see("portal:video", task.public_id)
    assert "Edit and rerun" not in alice.see("portal:video", task.public_id)
    assert "The request was removed" in alice.see("portal:videos")
    console = reverse("admin:videos_task_change", args=[task.pk])
    assert removed in " ".join(staff.get(console).content.decode().split())
    Task.objects.filter(pk=task.pk).update(hidden_at=NOW)
    assert "The tenant deleted this video." in staff.get(console).content.decode()


@pytest.mark.parametrize("query", ["", "?q=heffalump", "?q=nothing"])
def test_files_and_searches_include_a_pruned_task_without_its_content(
    query: str, owner: Caller, pruned: dict[Status, Task]
) -> None:
    alice, staff = Member(owner.tenant, Role.VIEWER), Client()
    staff.force_login(User.objects.create_superuser("sophie"))
    for client, path in (
        (alice.client, alice.url("portal:videos")),
        (alice.client, alice.url("portal:videos-file")),
        (staff, reverse("admin:videos_task_changelist")),
        (staff, reverse("admin:videos_task_export")),
        (staff, reverse("admin:videos_taskevent_changelist")),
    ):
        answer = client.get(f"{path}{query}")
        assert answer.status_code in (200, 302), path
        if query == "?q=heffalump":
            assert pruned[Status.SUCCEEDED].public_id not in answer.content.decode()


def test_a_form_is_prefilled_with_only_its_model(owner: Caller, pruned: dict[Status, Task]) -> None:
    alice, staff = Member(owner.tenant), Client()
    staff.force_login(User.objects.create_superuser("sophie"))
    task = pruned[Status.SUCCEEDED]
    paths = {alice.client: alice.url("portal:playground"), staff: reverse("admin:videos_task_add")}
    for client, path in paths.items():
        answer = client.get(path, {"from": task.public_id})
        assert answer.status_code == 200
        assert f'id="pick-model-{task.model}" checked' in answer.content.decode()


def test_a_pruned_task_cannot_be_submitted_again(owner: Caller, pruned: dict[Status, Task]) -> None:
    sophie, task = User.objects.create_superuser("sophie"), pruned[Status.FAILED]
    assert "resubmit" not in available_actions(task, sophie)
    with pytest.raises(NotDecided, match="cannot be submitted again"):
        perform("resubmit", StaffDecision(task, sophie, "once more", NOW))
