"""The life of a task: transitions, verbs, and creation."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction

from accounts.models import Tenant
from tests.conftest import GOOD_BODY, NOW, Caller, MakeTask, claim_next, order_video
from tests.support.rows import each
from videos.errors import KeyRefused
from videos.models import LedgerEntry, Task, TaskEvent, UpstreamAccount
from videos.states import (
    ACCEPTED,
    ACTIVE,
    FINAL,
    PUBLIC_STATUS,
    STAGE,
    TRANSITIONS,
    Status,
    public_status,
    sources,
    stage,
)
from videos.tasks import lifecycle
from videos.tasks.failures import FailureCode
from videos.tasks.lifecycle import StoredMedia

LATER = NOW + timedelta(seconds=10)


@pytest.fixture(autouse=True)
def _no_jobs(db: None) -> None:
    """Delete jobs of committing tests, which Django's flush leaves."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")


DRAWN = {
    (Status.QUEUED, Status.SUBMITTING),
    (Status.SUBMITTING, Status.QUEUED),
    (Status.SUBMITTING, Status.RUNNING),
    (Status.SUBMITTING, Status.FAILED),
    (Status.SUBMITTING, Status.IN_DOUBT),
    (Status.IN_DOUBT, Status.RUNNING),
    (Status.IN_DOUBT, Status.FAILED),
    (Status.RUNNING, Status.STORING),
    (Status.RUNNING, Status.FAILED),
    (Status.RUNNING, Status.QUEUED),
    (Status.STORING, Status.SUCCEEDED),
    (Status.STORING, Status.FAILED),
    (Status.QUEUED, Status.CANCELLED),
    (Status.WAITING, Status.QUEUED),
    (Status.WAITING, Status.CANCELLED),
}
"""The transitions of the design's diagram."""


@dataclass(frozen=True)
class Verb:
    """A verb of the lifecycle with its sources, target and call."""

    name: str
    sources: frozenset[Status]
    target: Status | None
    call: Callable[[Task], bool]


def _claim(task: Task) -> bool:
    return claim_next(task.account, LATER) is not None


def _moving(name: str, target: Status, call: Callable[[Task], bool]) -> Verb:
    return Verb(name, frozenset(status for status, end in DRAWN if end is target), target, call)


RUNNING_ONLY = frozenset({Status.RUNNING})
VERBS = [
    _moving("claim", Status.SUBMITTING, _claim),
    _moving(
        "accepted",
        Status.RUNNING,
        lambda task: lifecycle.accepted(task, "4-AigcVideo-new", LATER, timedelta(seconds=5), request_id="r"),
    ),
    Verb(
        "start",
        frozenset({Status.WAITING}),
        Status.QUEUED,
        lambda task: lifecycle.start_waiting(task.tenant_id, LATER) == 1,
    ),
    Verb(
        "requeue",
        frozenset({Status.SUBMITTING}),
        Status.QUEUED,
        lambda task: lifecycle.requeue(task, {"code": "x"}, LATER, LATER),
    ),
    Verb("never_ran", RUNNING_ONLY, Status.QUEUED, lambda task: lifecycle.never_ran(task, LATER, LATER)),
    Verb("hide", FINAL, None, lambda task: lifecycle.hide(task, LATER)),
    _moving("in_doubt", Status.IN_DOUBT, lambda task: lifecycle.in_doubt(task, {"error": "x"}, LATER)),
    _moving(
        "produced",
        Status.STORING,
        lambda task: lifecycle.produced(task, "https://x.example/1.mp4", "1280x720", LATER),
    ),
    _moving(
        "succeed", Status.SUCCEEDED, lambda task: lifecycle.succeed(task, StoredMedia("a.mp4", 9), LATER)
    ),
    _moving(
        "fail",
        Status.FAILED,
        lambda task: lifecycle.fail(task, FailureCode.GENERATION_FAILED, "It broke.", LATER),
    ),
    _moving("cancel", Status.CANCELLED, lambda task: lifecycle.cancel(task, LATER)),
    Verb(
        "progressed",
        RUNNING_ONLY,
        None,
        lambda task: lifecycle.progressed(task, "RUN", LATER, is_known=True),
    ),
    Verb(
        "done_without_link",
        RUNNING_ONLY,
        None,
        lambda task: lifecycle.done_without_link(task, LATER),
    ),
    Verb(
        "remove_media",
        frozenset({Status.SUCCEEDED}),
        None,
        lambda task: lifecycle.remove_media(task, LATER),
    ),
]


def row_of(task: Task) -> dict[str, Any]:
    return dict(Task.objects.values().get(pk=task.pk))


def verbs_of(task: Task) -> list[tuple[str, str]]:
    return list(task.events.values_list("verb", "status"))


# --- the states


def test_the_transitions_are_those_of_the_diagram() -> None:
    assert {(start, end) for start, ends in TRANSITIONS.items() for end in ends} == DRAWN


def test_states_without_transitions_are_final_and_all_others_active() -> None:
    assert {Status.SUCCEEDED, Status.FAILED, Status.CANCELLED} == FINAL
    assert set(Status) == ACTIVE | FINAL
    assert not ACTIVE & FINAL


def test_every_state_is_reachable_from_waiting() -> None:
    reached = {Status.WAITING}
    while further := {end for start in reached for end in TRANSITIONS[start]} - reached:
        reached |= further
    assert reached == set(Status)


@pytest.mark.parametrize(("start", "end"), sorted(DRAWN))
def test_the_public_status_never_moves_backwards(start: Status, end: Status) -> None:
    order = {"queued": 0, "in_progress": 1, "completed": 2, "failed": 2}
    was_accepted = start in ACCEPTED
    before, after = (public_status(state, was_accepted=was_accepted) for state in (start, end))
    assert order[before] <= order[after]


@pytest.mark.parametrize("state", Status)
def test_a_task_that_was_accepted_is_never_shown_as_queued_again(state: Status) -> None:
    assert public_status(state, was_accepted=True) != "queued"
    assert stage(state, was_accepted=True) not in ("queued", "submitting")
    assert public_status(state, was_accepted=False) == PUBLIC_STATUS[state]
    assert stage(state, was_accepted=False) == STAGE[state]


def test_every_state_has_a_public_status_and_a_stage() -> None:
    assert set(PUBLIC_STATUS) == set(STAGE) == set(Status)
    assert {PUBLIC_STATUS[status] for status in FINAL} == {"completed", "failed"}
    assert PUBLIC_STATUS[Status.SUBMITTING] == PUBLIC_STATUS[Status.QUEUED] == "queued"


@pytest.mark.parametrize("target", Status)
def test_the_sources_of_a_state_are_where_its_transitions_start(target: Status) -> None:
    assert {(source, target) for source in sources(target)} == {
        arrow for arrow in DRAWN if arrow[1] is target
    }


# --- the verbs


def test_every_transition_has_a_verb() -> None:
    assert {(source, verb.target) for verb in VERBS for source in verb.sources if verb.target} == DRAWN


@pytest.mark.parametrize(
    ("verb", "status"),
    [
        pytest.param(verb, status, id=f"{verb.name}-from-{status}")
        for verb in VERBS
        for status in sorted(verb.sources)
    ],
)
def test_an_allowed_verb_moves_the_task_and_writes_one_event(
    verb: Verb, status: Status, make_task: MakeTask
) -> None:
    task = make_task(status)
    after = verb.target or status
    assert verb.call(task) is True
    assert row_of(task)["status"] == after
    assert verbs_of(task) == [(verb.name, after)]
    assert task.events.get().at == LATER


@each(
    "verb, status",
    [(verb, status) for verb in VERBS for status in Status if status not in verb.sources],
)
def test_a_verb_in_another_state_returns_false_and_writes_nothing(
    verb: Verb, status: Status, make_task: MakeTask
) -> None:
    task = make_task(status)
    before = row_of(task)
    seen = Task.objects.select_related("account").get(pk=task.pk)
    assert verb.call(seen) is False
    assert row_of(task) == before
    assert verbs_of(task) == []
    assert seen.status == status
    assert queued_jobs() == []


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb.name != "claim"], ids=lambda verb: verb.name)
def test_a_repeated_verb_counts_once(verb: Verb, make_task: MakeTask) -> None:
    task = make_task(min(verb.sources))
    stale = Task.objects.get(pk=task.pk)
    assert [verb.call(task), verb.call(stale)] == [True, False]
    assert len(verbs_of(task)) == 1


@pytest.mark.parametrize(
    ("verb", "status"),
    [(verb, status) for verb in VERBS for status in sorted(verb.sources) if verb.target in FINAL],
    ids=lambda value: getattr(value, "name", ""),
)
def test_ending_a_task_clears_its_attention(verb: Verb, status: Status, make_task: MakeTask) -> None:
    task = make_task(status, attention="still here after 4 hours")
    assert verb.call(task)
    assert row_of(task)["attention"] == ""


def test_a_claim_counts_the_attempt_and_leases_the_task_for_longer_than_the_call(
    make_task: MakeTask, account: UpstreamAccount, settings: Any
) -> None:
    task = make_task(attempts=2)
    assert claim_next(account, LATER) == task
    row = row_of(task)
    assert (row["attempts"], row["submitted_at"]) == (3, LATER)
    assert row["due_at"] > LATER + timedelta(seconds=settings.UPSTREAM_CREATE_TIMEOUT)
    assert (row["account_id"], row["payload"]["Prompt"]) == (account.pk, "a cat runs")
    sent_to = lifecycle.place_of(account)
    assert task.events.get().detail == {"attempt": 3, "account": account.name, "sent_to": sent_to}


def test_an_acceptance_records_upstreams_id_in_row_and_event(make_task: MakeTask) -> None:
    task = make_task(Status.IN_DOUBT, attention="find out")
    assert lifecycle.accepted(task, "4-x", LATER, timedelta(seconds=7), request_id="r-1")
    row = row_of(task)
    assert (row["upstream_task_id"], row["accepted_at"], row["attention"]) == ("4-x", LATER, "")
    assert row["due_at"] == LATER + timedelta(seconds=7)
    assert task.events.get().detail == {"upstream_task_id": "4-x", "request_id": "r-1"}


def test_a_requeued_task_keeps_its_turn_and_attempts(make_task: MakeTask) -> None:
    task = make_task(Status.SUBMITTING, turn=7, attempts=2)
    assert lifecycle.requeue(task, {"code": "RequestLimitExceeded"}, LATER + timedelta(seconds=4), LATER)
    row = row_of(task)
    assert (row["turn"], row["attempts"], row["due_at"]) == (7, 2, LATER + timedelta(seconds=4))


def test_a_doubt_is_due_for_release_after_the_setting_and_needs_attention(
    make_task: MakeTask, settings: Any
) -> None:
    settings.IN_DOUBT_RELEASE_HOURS = 3
    task = make_task(Status.SUBMITTING)
    assert lifecycle.in_doubt(task, {"error": "OutcomeUnknown"}, LATER)
    row = row_of(task)
    assert row["due_at"] == LATER + timedelta(hours=3)
    assert row["attention"]


def test_produced_keeps_the_first_time_of_done_and_queues_one_store_job(make_task: MakeTask) -> None:
    task = make_task(Status.RUNNING, done_at=NOW)
    assert lifecycle.produced(task, "https://x.example/1.mp4", "1280x720", LATER)
    row = row_of(task)
    assert (row["done_at"], row["result_link"]) == (NOW, "https://x.example/1.mp4")
    assert queued_jobs() == [("store", {"task_id": str(task.pk)})]


def test_success_keeps_the_media_for_the_retention_period(make_task: MakeTask, settings: Any) -> None:
    settings.RESULT_RETENTION_DAYS = 2
    task = make_task(Status.STORING, upstream_task_id="4-x")
    assert lifecycle.succeed(task, StoredMedia("a/b.mp4", 12), LATER)
    row = row_of(task)
    assert (row["media_name"], row["media_bytes"], row["finished_at"]) == ("a/b.mp4", 12, LATER)
    assert row["expires_at"] == LATER + timedelta(days=2)


def test_only_an_unknown_upstream_status_needs_attention(make_task: MakeTask) -> None:
    odd, usual = make_task(Status.RUNNING), make_task(Status.RUNNING)
    assert lifecycle.progressed(odd, "PAUSED", LATER, is_known=False)
    assert lifecycle.progressed(usual, "RUN", LATER, is_known=True)
    assert "PAUSED" in row_of(odd)["attention"]
    assert row_of(usual)["attention"] == ""


def test_a_flag_is_written_once_and_does_not_change_the_state(make_task: MakeTask) -> None:
    task = make_task(Status.FAILED)
    for _ in range(2):
        lifecycle.flag(task, "look here", LATER, upstream_task_id="4-x")
    assert row_of(task)["attention"] == "look here"
    assert verbs_of(task) == [("flag", Status.FAILED)]
    assert task.events.get().detail == {"attention": "look here", "upstream_task_id": "4-x"}


def test_if_the_event_cannot_be_written_the_verb_changes_nothing(make_task: MakeTask) -> None:
    task = make_task(Status.SUBMITTING)
    with pytest.raises(TypeError), transaction.atomic():
        lifecycle.requeue(task, {"not": object()}, LATER, LATER)
    assert row_of(task)["status"] == Status.SUBMITTING
    assert task.status == Status.SUBMITTING


def test_a_task_accepted_meanwhile_is_not_failed_as_in_doubt(make_task: MakeTask) -> None:
    # The sweep reads the doubts, a late acceptance arrives, the sweep continues.
    task = make_task(Status.IN_DOUBT)
    seen_by_the_sweep = Task.objects.get(pk=task.pk)
    assert lifecycle.accepted(task, "4-x", LATER, timedelta(seconds=5))
    assert not lifecycle.fail(seen_by_the_sweep, FailureCode.SUBMISSION_UNKNOWN, "never confirmed", LATER)
    assert row_of(task)["status"] == Status.RUNNING


def test_a_late_refusal_resolves_a_doubt(make_task: MakeTask) -> None:
    task = make_task(Status.SUBMITTING)
    seen_by_the_submission = Task.objects.get(pk=task.pk)
    assert lifecycle.in_doubt(task, {"error": "cut off"}, LATER)
    assert lifecycle.fail(seen_by_the_submission, FailureCode.UPSTREAM_REJECTED, "refused", LATER)


# --- races


RACES: list[tuple[Status, str, str]] = [
    (Status.WAITING, "start", "cancel"),
    (Status.WAITING, "start", "start"),
    (Status.WAITING, "cancel", "cancel"),
    (Status.QUEUED, "claim", "cancel"),
    (Status.QUEUED, "claim", "claim"),
    (Status.SUBMITTING, "accepted", "requeue"),
    (Status.SUBMITTING, "fail", "fail"),
    (Status.SUBMITTING, "in_doubt", "requeue"),
    (Status.IN_DOUBT, "accepted", "accepted"),
    (Status.RUNNING, "produced", "produced"),
    (Status.RUNNING, "progressed", "progressed"),
    (Status.STORING, "succeed", "fail"),
    (Status.SUCCEEDED, "hide", "hide"),
]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("status", "one", "other"), RACES)
def test_of_two_concurrent_verbs_one_wins(status: Status, one: str, other: str, make_task: MakeTask) -> None:
    by_name = {verb.name: verb for verb in VERBS}
    task = make_task(status, upstream_task_id="4-AigcVideo-old")
    won = _concurrently([_calling(by_name[name], task) for name in (one, other)])
    assert sorted(won) == [False, True]
    winner = (one, other)[won.index(True)]
    assert [verb for verb, _ in verbs_of(task)] == [winner]
    assert row_of(task)["status"] == (by_name[winner].target or status)


def _calling(verb: Verb, task: Task) -> Callable[[], bool]:
    own = Task.objects.select_related("account").get(pk=task.pk)
    return lambda: verb.call(own)


def _concurrently(calls: list[Callable[[], bool]]) -> list[bool]:
    """Run the calls in threads that start together, each on its own connection."""
    barrier, answers = threading.Barrier(len(calls)), [False] * len(calls)

    def run(position: int) -> None:
        try:
            connection.ensure_connection()
            barrier.wait()
            answers[position] = calls[position]()
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[position]) for position in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


# --- creating


def queued_jobs() -> list[tuple[str, dict[str, Any]]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT task_name, args::text FROM procrastinate_jobs ORDER BY id")
        return [(name, json.loads(arguments)) for name, arguments in cursor.fetchall()]


def test_creating_writes_task_event_and_job(owner: Caller, account: UpstreamAccount) -> None:
    task = order_video(owner)
    row = Task.objects.get()
    assert (row.pk, row.tenant, row.api_key) == (task.pk, owner.tenant, owner.key)
    assert (row.account, row.payload, row.destination) == (None, {}, None)
    assert (row.status, row.model, row.seconds) == (Status.QUEUED, GOOD_BODY["model"], 5)
    assert verbs_of(row) == [("create", Status.QUEUED)]
    assert queued_jobs() == [("submit", {})]


def test_the_id_of_a_task_contains_its_creation_time(owner: Caller, account: UpstreamAccount) -> None:
    task = order_video(owner)
    assert (task.id.version, task.id.int >> 80) == (7, int(task.created_at.timestamp() * 1000))
    assert task.public_id == f"task_{task.id.hex}"


@pytest.mark.django_db(transaction=True)
def test_a_creation_that_is_rolled_back_leaves_nothing(owner: Caller, account: UpstreamAccount) -> None:
    with transaction.atomic():
        order_video(owner)
        assert queued_jobs()
        transaction.set_rollback(True)
    assert not Task.objects.exists()
    assert not TaskEvent.objects.exists()
    assert queued_jobs() == []


def test_a_tenant_suspended_after_its_key_was_read_is_refused(
    owner: Caller, account: UpstreamAccount
) -> None:
    Tenant.objects.filter(pk=owner.tenant.pk).update(suspended_at=NOW)
    with pytest.raises(KeyRefused):
        order_video(owner)
    assert not Task.objects.exists()
    assert queued_jobs() == []


@pytest.mark.parametrize(
    "call",
    [
        lambda task: lifecycle.requeue(task, {"code": "again"}, LATER, LATER),
        lambda task: lifecycle.in_doubt(task, {"error": "again"}, LATER),
        lambda task: lifecycle.fail(task, FailureCode.UPSTREAM_REJECTED, "No.", LATER),
    ],
    ids=["requeue", "in_doubt", "fail"],
)
def test_a_stale_task_of_an_earlier_attempt_cannot_be_moved(
    make_task: MakeTask, account: UpstreamAccount, call: Callable[[Task], bool]
) -> None:
    make_task()
    first = claim_next(account, NOW)
    assert first
    stale = Task.objects.get(pk=first.pk)  # as in a worker whose write was committed but not confirmed
    assert lifecycle.requeue(first, {"code": "x"}, NOW, NOW)
    second = claim_next(account, NOW)
    assert second == first
    assert not call(stale)
    assert Task.objects.get(pk=first.pk).status == Status.SUBMITTING


def test_a_verb_whose_transaction_failed_can_be_said_again(make_task: MakeTask) -> None:
    """The object must not keep a state that was rolled back, or the retry would do nothing."""
    task = make_task(Status.SUBMITTING, price=4)

    def fail_once(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith('UPDATE "accounts_standing"') and not failures:
            failures.append(sql)
            raise OperationalError("the database went away")
        return execute(sql, params, many, context)

    failures: list[str] = []
    with connection.execute_wrapper(fail_once):
        with pytest.raises(OperationalError):
            lifecycle.fail(task, FailureCode.UPSTREAM_REJECTED, "Refused.", NOW)
        assert task.state is Status.SUBMITTING
        assert lifecycle.fail(task, FailureCode.UPSTREAM_REJECTED, "Refused.", NOW)
    assert Task.objects.get().state is Status.FAILED
    assert LedgerEntry.objects.filter(kind="release").count() == 1
