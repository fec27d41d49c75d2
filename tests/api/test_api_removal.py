"""DELETE /v1/videos/{id}: waiting tasks are cancelled, ended ones hidden, tasks at work refused."""

import threading
from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from urllib.parse import urlsplit

import pytest
from django.db import connections, transaction
from django.http import HttpResponse

from accounts.models import Scope
from config import stores
from config.stores.base import Missing
from tests.api.test_api_errors import MALFORMED_IDS, _is_waiting_for_a_lock
from tests.conftest import NOW, Caller, MakeTask, claim_next, make_caller
from tests.support.refusals import QUERY_ROUTES, UNKNOWN_ID, assert_refused
from tests.support.rows import each
from tests.support.s3_server import KEY_ID
from videos.models import Task, TaskEvent
from videos.states import FINAL, Status
from videos.tasks import lifecycle

WAITING = [Status.WAITING, Status.QUEUED]
AT_WORK = [status for status in Status if status not in FINAL and status not in WAITING]
VIDEO = b"a video"


def delete(caller: Caller, task: Task, route: str = "/v1/videos/{id}") -> HttpResponse:
    answer: HttpResponse = caller.request("DELETE", route.format(id=task.public_id))
    return answer


def assert_deleted(answer: HttpResponse, task: Task) -> None:
    assert answer.status_code == 200, answer.content
    assert answer.json() == {"id": task.public_id, "object": "video.deleted", "deleted": True}  # type: ignore[attr-defined]  # the test client adds it


def verbs(task: Task) -> list[str]:
    return list(TaskEvent.objects.filter(task=task).values_list("verb", flat=True))


@pytest.fixture
def stored(make_task: MakeTask) -> Task:
    """A finished video with its file."""
    task = make_task(Status.SUCCEEDED)
    stores.results().put(task.media_name, BytesIO(VIDEO), "video/mp4")
    return task


# --- waiting tasks


@pytest.mark.parametrize("status", WAITING)
@pytest.mark.parametrize("route", QUERY_ROUTES)
def test_a_waiting_task_is_cancelled_and_stays_readable(
    route: str, status: Status, owner: Caller, make_task: MakeTask
) -> None:
    task = make_task(status)
    assert_deleted(delete(owner, task, route), task)
    video = owner.get(f"/v1/videos/{task.public_id}").json()
    assert (video["status"], video["error"]["code"]) == ("failed", "cancelled")
    assert [shown["id"] for shown in owner.get("/v1/videos").json()["data"]] == [task.public_id]
    assert verbs(task) == ["cancel"]


def test_deleting_a_cancelled_task_again_hides_it(owner: Caller, make_task: MakeTask) -> None:
    task = make_task(Status.QUEUED)
    for _ in range(2):
        assert_deleted(delete(owner, task), task)
    assert_refused(delete(owner, task), 404, "task_not_exist")
    assert verbs(task) == ["cancel", "hide"]


# --- ended tasks


@pytest.mark.parametrize("status", sorted(FINAL))
@pytest.mark.parametrize("route", QUERY_ROUTES)
def test_an_ended_task_is_gone_on_every_route_for_the_tenant(
    route: str, status: Status, owner: Caller, mate: Caller, make_task: MakeTask
) -> None:
    task = make_task(status)
    assert_deleted(delete(owner, task, route), task)
    for caller in (owner, mate):
        for path in (*QUERY_ROUTES, "/v1/videos/{id}/content"):
            assert_refused(caller.get(path.format(id=task.public_id)), 404, "task_not_exist")
        assert_refused(delete(caller, task, route), 404, "task_not_exist")
        assert caller.get("/v1/videos").json()["data"] == []


def test_a_deleted_video_is_gone_for_signed_links_too(owner: Caller, nobody: Caller, stored: Task) -> None:
    link = urlsplit(owner.get(f"/v1/videos/{stored.public_id}").json()["metadata"]["url"])
    delete(owner, stored)
    assert_refused(nobody.get(f"{link.path}?{link.query}"), 404, "task_not_exist")


def test_the_media_is_removed_and_the_record_stays(owner: Caller, stored: Task) -> None:
    assert_deleted(delete(owner, stored), stored)
    with pytest.raises(Missing):
        stores.results().stat(stored.media_name)
    kept = Task.objects.get(pk=stored.pk)
    assert kept.status == Status.SUCCEEDED
    assert kept.hidden_at == kept.media_removed_at is not None
    assert verbs(stored) == ["hide", "remove_media"]


def test_usage_stays_when_a_video_is_deleted(owner: Caller, stored: Task) -> None:
    path = f"/v1/usage?start_date={NOW:%Y-%m-%d}&end_date={NOW:%Y-%m-%d}"
    before = owner.get(path).json()
    assert before["total"]["completed"] == 1
    delete(owner, stored)
    assert owner.get(path).json() == before


def test_media_already_removed_is_not_removed_again(owner: Caller, make_task: MakeTask) -> None:
    task = make_task(Status.SUCCEEDED, media_removed_at=NOW)
    assert_deleted(delete(owner, task), task)
    assert verbs(task) == ["hide"]


@pytest.fixture
def undeletable(stored: Task, request: pytest.FixtureRequest) -> Task:
    """A finished video that the store cannot delete."""
    folder = stores.folder_of_results()
    if folder is None:
        request.getfixturevalue("s3_server").keys[KEY_ID].rights -= {"delete"}
        return stored
    (folder / stored.media_name).unlink()
    (folder / stored.media_name / "in the way").mkdir(parents=True)  # so that it is no file any more
    return stored


def test_a_storage_error_does_not_keep_a_video_visible(owner: Caller, undeletable: Task) -> None:
    assert_deleted(delete(owner, undeletable), undeletable)
    assert_refused(owner.get(f"/v1/videos/{undeletable.public_id}"), 404, "task_not_exist")
    assert Task.objects.get(pk=undeletable.pk).media_removed_at is None
    assert verbs(undeletable) == ["hide"]


# --- tasks at work


@pytest.mark.parametrize("status", AT_WORK)
@pytest.mark.parametrize("route", QUERY_ROUTES)
def test_a_task_at_work_cannot_be_deleted(
    route: str, status: Status, owner: Caller, make_task: MakeTask
) -> None:
    task = make_task(status)
    answer = delete(owner, task, route)
    assert_refused(answer, 409, "video_in_progress")
    assert answer.headers["x-should-retry"] == "false"
    assert Task.objects.get(pk=task.pk).state is status
    assert verbs(task) == []


# --- permissions


@pytest.mark.parametrize("status", [Status.QUEUED, Status.SUCCEEDED])
def test_another_key_of_the_tenant_may_delete(status: Status, mate: Caller, make_task: MakeTask) -> None:
    task = make_task(status)
    assert_deleted(delete(mate, task), task)


@each("status", Status)
@each("route", QUERY_ROUTES)
def test_unknown_malformed_and_foreign_videos_cannot_be_told_apart(
    route: str, status: Status, owner: Caller, stranger: Caller, make_task: MakeTask
) -> None:
    task = make_task(status)
    unknown = stranger.request("DELETE", route.format(id=UNKNOWN_ID))
    assert_refused(unknown, 404, "task_not_exist")
    for identity in (task.public_id, *MALFORMED_IDS):
        answer = stranger.request("DELETE", route.format(id=identity))
        assert (answer.status_code, answer.content) == (404, unknown.content)
    assert Task.objects.get(pk=task.pk).state is status
    assert owner.get(f"/v1/videos/{task.public_id}").status_code == 200


@pytest.mark.parametrize("scopes", [(Scope.READ,), (Scope.READ, Scope.MANAGE)])
def test_a_key_without_the_write_scope_may_not_delete(
    scopes: tuple[Scope, ...], owner: Caller, make_task: MakeTask
) -> None:
    task = make_task(Status.QUEUED)
    assert_refused(delete(make_caller(owner.tenant, "reader", scopes), task), 403, "permission_denied")
    assert Task.objects.get(pk=task.pk).state is Status.QUEUED


# --- races


def _claim(task: Task) -> bool:
    return claim_next(task.account, NOW + timedelta(seconds=1)) is not None


def _cancel(task: Task) -> bool:
    return lifecycle.cancel(task, NOW)


def _hide(task: Task) -> bool:
    return lifecycle.hide(task, NOW)


CHANGES: dict[str, tuple[Status, Callable[[Task], bool], int, Status]] = {
    "a worker submits it": (Status.QUEUED, _claim, 409, Status.SUBMITTING),
    "another call cancels it": (Status.QUEUED, _cancel, 200, Status.CANCELLED),
    "another call deletes it": (Status.FAILED, _hide, 404, Status.FAILED),
}
"""The state, the concurrent change, the answer and the resulting state."""


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("case", CHANGES)
def test_if_the_task_changed_meanwhile_the_answer_matches_its_new_state(
    case: str, owner: Caller, make_task: MakeTask
) -> None:
    status, change, answered, left = CHANGES[case]
    task, answers = make_task(status), list[HttpResponse]()

    def run() -> None:
        answers.append(delete(owner, task))
        connections.close_all()

    request = threading.Thread(target=run)
    with transaction.atomic():
        assert change(Task.objects.get(pk=task.pk))
        request.start()
        while not _is_waiting_for_a_lock():
            assert request.is_alive(), "the request did not wait for the change"
    request.join()
    assert answers[0].status_code == answered
    assert Task.objects.get(pk=task.pk).state is left
