"""Actions of staff on a task: audited with name and reason, refused if the task changed, all or nothing."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from accounts.models import AuditEntry, Quota, Standing, User
from tests.conftest import NOW, UPSTREAM_PAYLOAD, MakeTask, claim_next
from tests.support.rows import check_each, each
from videos.billing.reconciliation import differences
from videos.models import LedgerEntry, Task, TaskEvent, UpstreamAccount
from videos.routing import clients
from videos.states import FINAL, Status
from videos.tasks.manual import NotCreated
from videos.tasks.staff_actions import (
    ACTIONS,
    NotDecided,
    StaffDecision,
    available_actions,
    perform,
    state_token,
)

DAY = timedelta(days=1)
FORM = "0b5c6f0e-8d6f-4a39-9d0a-8a8e3a3a9a11"


@pytest.fixture
def sophie(db: None) -> User:
    return User.objects.create_superuser("sophie")


def decided(name: str, task: Task, person: User, now: datetime = NOW, **more: Any) -> Task:
    return perform(name, StaffDecision(task, person, "because I looked", now, form_id=FORM, **more))


def assert_on_record(task: Task, name: str) -> None:
    event = TaskEvent.objects.get(task=task, verb=name)
    assert (event.detail["by"], event.detail["reason"]) == ("sophie", "because I looked")
    change = AuditEntry.objects.get()
    assert (change.actor_name, change.reason, change.tenant) == ("sophie", "because I looked", task.tenant)
    assert change.subject == f"task {task.public_id}"


@pytest.mark.parametrize(
    ("name", "status", "after"),
    [
        ("cancel_by_hand", Status.WAITING, Status.CANCELLED),
        ("cancel_by_hand", Status.QUEUED, Status.CANCELLED),
        ("release", Status.IN_DOUBT, Status.FAILED),
        ("give_up", Status.RUNNING, Status.FAILED),
        ("give_up", Status.STORING, Status.FAILED),
        ("poll", Status.RUNNING, Status.RUNNING),
        ("poll", Status.STORING, Status.STORING),
    ],
)
def test_an_action_moves_the_task_and_its_money_and_is_recorded(
    name: str, status: Status, after: Status, make_task: MakeTask, sophie: User
) -> None:
    task = make_task(status, price=4, due_at=NOW + timedelta(hours=1))
    assert decided(name, task, sophie) is task
    task.refresh_from_db()
    assert task.status == after
    assert_on_record(task, name)
    assert Standing.objects.get(tenant=task.tenant).held == (0 if after in FINAL else 4)
    assert not differences()


def made_upstream(account: UpstreamAccount) -> str:
    """The id of a new task at the sandbox."""
    return clients.call_once(account.pk, lambda client: client.create(UPSTREAM_PAYLOAD)).task_id


def assert_unchanged(task: Task) -> None:
    """A refused action left the task in doubt and nothing on record."""
    task.refresh_from_db()
    assert (task.status, task.upstream_task_id) == (Status.IN_DOUBT, None)
    assert not AuditEntry.objects.exists()
    assert not task.events.exists()


def test_a_doubt_is_resolved_with_an_id_that_the_provider_knows(
    make_task: MakeTask, sophie: User, sandbox_account: UpstreamAccount
) -> None:
    task, found = make_task(Status.IN_DOUBT, price=4, attention="in doubt"), made_upstream(sandbox_account)
    with pytest.raises(NotDecided, match="The provider has no task 4-AigcVideo-typo"):
        decided("accept_by_hand", task, sophie, upstream_task_id="4-AigcVideo-typo")
    assert_unchanged(task)
    decided("accept_by_hand", task, sophie, upstream_task_id=found)
    task.refresh_from_db()
    assert (task.status, task.upstream_task_id, task.attention) == (Status.RUNNING, found, "")
    assert task.due_at <= NOW + timedelta(seconds=10)
    assert_on_record(task, "accept_by_hand")
    call = TaskEvent.objects.get(task=task, verb="accept_by_hand").detail
    assert (call["action"], bool(call["request_id"])) == ("describe", True)
    assert AuditEntry.objects.get().after["upstream_task_id"] == found
    assert not differences()


def test_a_wrong_id_is_corrected_afterwards(
    make_task: MakeTask, sophie: User, sandbox_account: UpstreamAccount
) -> None:
    task = make_task(Status.IN_DOUBT)
    wrong, right = made_upstream(sandbox_account), made_upstream(sandbox_account)
    decided("accept_by_hand", task, sophie, upstream_task_id=wrong)
    stuck = {"attention": "not_told: no", "upstream_status": "RUN", "due_at": NOW + DAY}
    Task.objects.filter(pk=task.pk).update(**stuck)
    assert "correct_by_hand" in available_actions(task, sophie)
    with pytest.raises(NotDecided, match="The provider has no task x"):
        decided("correct_by_hand", task, sophie, upstream_task_id="x")
    decided("correct_by_hand", task, sophie, upstream_task_id=right)
    task.refresh_from_db()
    assert (task.upstream_task_id, task.status, task.attention) == (right, Status.RUNNING, "")
    assert (task.upstream_status, task.due_at <= NOW + timedelta(seconds=10)) == ("", True)
    event = TaskEvent.objects.get(task=task, verb="corrected")
    assert event.detail == {"upstream_task_id": right, "instead_of": wrong}
    audited = AuditEntry.objects.get(after__action="correct_by_hand")
    assert (audited.before["upstream_task_id"], audited.after["upstream_task_id"]) == (wrong, right)


def test_an_id_that_the_provider_gave_is_not_corrected(make_task: MakeTask, sophie: User) -> None:
    task = make_task(Status.RUNNING)
    task.events.create(at=NOW, verb="accepted", status="running", detail={})
    assert "correct_by_hand" not in available_actions(task, sophie)


def test_an_id_is_refused_if_another_task_has_it_or_the_provider_cannot_be_asked(
    make_task: MakeTask, sophie: User
) -> None:
    other, task = make_task(Status.RUNNING), make_task(Status.IN_DOUBT)

    def holds(row: tuple[str | None, str]) -> None:
        upstream_task_id, message = row
        with pytest.raises(NotDecided, match=message):
            decided("accept_by_hand", task, sophie, upstream_task_id=upstream_task_id)
        assert_unchanged(task)

    rows = [
        (other.upstream_task_id, other.public_id),
        ("", "Enter the provider"),
        ("4-AigcVideo-found", "could not be asked about 4-AigcVideo-found. Nothing was changed."),
    ]
    check_each(rows, holds)


@pytest.mark.parametrize("status", [Status.SUCCEEDED, Status.FAILED, Status.CANCELLED])
def test_an_ended_task_is_submitted_again_as_a_new_one(
    status: Status, make_task: MakeTask, sophie: User
) -> None:
    task = make_task(status)
    new = decided("resubmit", task, sophie)
    assert new != task
    assert (new.tenant, new.request, new.state) == (task.tenant, task.request, Status.QUEUED)
    later = NOW + timedelta(seconds=1)
    assert decided("resubmit", task, sophie, later) == new, "one form makes one task"
    assert Task.objects.count() == 2
    assert TaskEvent.objects.filter(task=new, verb="asked", detail__by="sophie").count() == 1
    assert TaskEvent.objects.filter(task=task, verb="resubmit").count() == AuditEntry.objects.count() == 1
    assert AuditEntry.objects.filter(after__task=new.public_id).exists()


def test_resubmitting_a_doubt_releases_it_first(make_task: MakeTask, sophie: User) -> None:
    task = make_task(Status.IN_DOUBT, price=4)
    new = decided("resubmit", task, sophie)
    task.refresh_from_db()
    assert (task.status, task.failure_code, new.status) == ("failed", "submission_unknown", "queued")
    assert LedgerEntry.objects.filter(task=task, kind="release").count() == 1
    assert not differences()


def test_a_doubt_is_kept_if_the_new_task_is_refused(make_task: MakeTask, sophie: User) -> None:
    task = make_task(Status.IN_DOUBT, price=4)
    Quota.objects.create(tenant=task.tenant, seconds_per_day=0)
    with pytest.raises(NotCreated):
        decided("resubmit", task, sophie)
    task.refresh_from_db()
    assert task.status == Status.IN_DOUBT
    assert not AuditEntry.objects.exists()
    assert not differences()


@each("name", sorted(ACTIONS))
@each("status", list(Status))
def test_an_action_in_another_state_is_refused(
    name: str, status: Status, make_task: MakeTask, sophie: User
) -> None:
    if status in ACTIONS[name].states:
        return
    task = make_task(status)
    with pytest.raises(NotDecided):
        decided(name, task, sophie, upstream_task_id="x")
    assert not AuditEntry.objects.exists()
    assert not TaskEvent.objects.filter(verb=name).exists()


def test_an_action_on_a_task_that_changed_meanwhile_is_refused(make_task: MakeTask, sophie: User) -> None:
    task = make_task(Status.QUEUED)
    assert claim_next(None, NOW) == task  # a worker was faster
    with pytest.raises(NotDecided, match="has changed"):
        decided("cancel_by_hand", task, sophie)
    assert not TaskEvent.objects.filter(verb="cancel_by_hand").exists()
    assert not AuditEntry.objects.exists()


def test_an_acknowledged_task_no_longer_needs_attention(make_task: MakeTask, sophie: User) -> None:
    task = make_task(Status.FAILED, attention="the provider accepted it after it was marked as failed")
    assert "seen" in available_actions(task, sophie)
    decided("seen", task, sophie)
    task.refresh_from_db()
    assert task.attention == ""
    assert "seen" not in available_actions(task, sophie)


def test_the_version_mark_of_a_task_changes_with_state_and_attempt(make_task: MakeTask) -> None:
    task = make_task(Status.QUEUED)
    marks = {state_token(task)}
    task.attempts = 1
    marks.add(state_token(task))
    task.status = Status.SUBMITTING
    assert len(marks | {state_token(task)}) == 3
