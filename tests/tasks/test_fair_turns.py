"""Whose turn it is: tenants alternate, within a tenant tasks keep their order."""

from collections.abc import Iterable
from datetime import datetime, timedelta

import pytest
from django.db import transaction
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from accounts.models import Tenant
from tests.conftest import NOW, Caller, claim_next, make_caller, order_video
from videos.models import Task, UpstreamAccount
from videos.tasks import lifecycle

SOON = NOW + timedelta(days=10_000)
"""Long after every task that is waiting became due."""
NAMES = "ABCDEFGH"


class Queue:
    """Tenants who ask one account for videos, and the worker that serves it."""

    def __init__(self, account: UpstreamAccount) -> None:
        self.account = account
        self._callers: dict[str, Caller] = {}
        self.waiting: dict[str, list[Task]] = {}
        self._letters: dict[Task, str] = {}

    def ask(self, names: Iterable[str]) -> None:
        for name in names:
            task = order_video(self._caller(name))
            self._letters[task] = name
            self.waiting.setdefault(name, []).append(task)

    def claim(self, now: datetime = SOON) -> Task | None:
        task = claim_next(self.account, now)
        if task is not None:
            self.waiting[self._letters[task]].remove(task)
        return task

    def served(self, count: int, now: datetime = SOON) -> str:
        claimed = (self.claim(now) for _ in range(count))
        return "".join(self._letters[task] for task in claimed if task is not None)

    def letter(self, task: Task) -> str:
        return self._letters[task]

    def requeue(self, task: Task, due_at: datetime = NOW) -> None:
        assert lifecycle.requeue(task, {"code": "RequestLimitExceeded"}, due_at, NOW)
        self.waiting[self._letters[task]].insert(0, task)

    def tenants_waiting(self) -> int:
        return sum(1 for tasks in self.waiting.values() if tasks)

    def _caller(self, name: str) -> Caller:
        if name not in self._callers:
            self._callers[name] = make_caller(Tenant.objects.create(name=f"Tenant {name}"))
        return self._callers[name]


@pytest.fixture
def queue(account: UpstreamAccount) -> Queue:
    return Queue(account)


@pytest.mark.parametrize(
    ("asked", "served"),
    [
        ("AAAA", "AAAA"),
        ("ABC", "ABC"),
        ("AAAAB", "ABAAA"),
        ("AAABBC", "ABCABA"),
        ("ABBBBBBBCCC", "ABCBCBCBBBB"),
    ],
)
def test_tenants_take_turns(asked: str, served: str, queue: Queue) -> None:
    queue.ask(asked)
    assert queue.served(len(asked)) == served


def test_a_newcomer_joins_the_round_being_served(queue: Queue) -> None:
    queue.ask("A" * 10)
    assert queue.served(5) == "AAAAA"
    queue.ask("B")
    assert "B" in queue.served(2)


def test_eight_tenants_with_many_tasks_are_served_round_by_round(queue: Queue) -> None:
    for name in NAMES:
        queue.ask(name * 3)
    assert queue.served(24) == NAMES * 3


def test_the_tasks_of_one_tenant_are_served_as_they_were_made(queue: Queue) -> None:
    queue.ask("AABABBA")
    made = {name: list(tasks) for name, tasks in queue.waiting.items()}
    claimed = [task for _ in range(7) if (task := queue.claim())]
    for name, tasks in made.items():
        assert [task for task in claimed if queue.letter(task) == name] == tasks


def test_nothing_is_claimed_from_an_empty_queue(queue: Queue) -> None:
    assert queue.claim() is None


def test_another_accounts_tasks_are_not_claimed(queue: Queue) -> None:
    queue.ask("A")
    other = UpstreamAccount.objects.create(name="elsewhere", secret_id="AKIDx", secret_key="y")
    assert claim_next(other, SOON) is None


def test_a_task_that_is_not_due_is_skipped_until_it_is(queue: Queue) -> None:
    queue.ask("AAB")
    first = queue.claim()
    assert first is not None
    queue.requeue(first, due_at=SOON + timedelta(seconds=5))
    assert queue.served(3) == "BA"
    assert queue.claim(SOON + timedelta(seconds=4)) is None
    assert queue.claim(SOON + timedelta(seconds=5)) == first


def test_a_requeued_task_is_served_before_those_that_came_after_it(queue: Queue) -> None:
    queue.ask("ABAB")
    first = queue.claim()
    assert first is not None
    queue.ask("CC")
    queue.requeue(first)
    assert queue.claim() == first


def test_a_requeued_task_keeps_its_place_though_the_queue_was_empty_meanwhile(queue: Queue) -> None:
    queue.ask("A" * 5)
    assert queue.served(4) == "AAAA"
    last = queue.claim()
    assert last is not None
    queue.ask("BBB")
    queue.requeue(last)
    assert "A" in queue.served(2)


def test_a_tenants_order_is_kept_when_its_earlier_task_is_requeued(queue: Queue) -> None:
    queue.ask("AAA")
    queue.served(2)
    earlier = queue.claim()
    assert earlier is not None
    queue.ask("A")
    queue.requeue(earlier)
    assert queue.claim() == earlier


def test_a_task_that_waits_for_later_does_not_let_newcomers_pass_the_others(queue: Queue) -> None:
    queue.ask("ABBBB")
    postponed = queue.claim()
    assert postponed is not None
    queue.requeue(postponed, due_at=SOON + timedelta(hours=1))
    assert queue.served(3) == "BBB"
    served = ""
    for _ in range(4):  # Charlie asks for one at a time, as soon as his last one is taken
        queue.ask("C")
        served += queue.served(1)
    assert "B" in served[:2]


class _Undone(Exception):
    """Takes back what an example did to the database."""


STEPS = st.lists(
    st.one_of(st.sampled_from(NAMES), st.just("."), st.sampled_from([name * 4 for name in "ABC"])),
    max_size=14,
)
"""What happens, one after another: somebody asks, or `.`: the worker takes the next task."""


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
@example(["AAAA", ".", "B", ".", "B", ".", "C", ".", "."])
def test_in_any_order_of_arrival_nobody_waits_longer_than_one_round(
    account: UpstreamAccount, steps: list[str]
) -> None:
    try:
        with transaction.atomic():
            _play(Queue(account), steps)
            raise _Undone  # noqa: TRY301 - ends the transaction, which is the point
    except _Undone:
        return


def _play(queue: Queue, steps: list[str]) -> None:
    """Serve, counting for each tenant how often others were served while it waited, at most once a round."""
    passed: dict[str, dict[str, int]] = {}
    for step in [*steps, *"." * 20]:
        if step != ".":
            queue.ask(step)
            continue
        task = queue.claim()
        if task is None:
            continue
        name = queue.letter(task)
        made_before = [other for other in queue.waiting[name] if other.pk < task.pk]
        assert made_before == [], "a tenant's later task was served first"
        passed.pop(name, None)
        for waiting, tasks in queue.waiting.items():
            if tasks and waiting != name:
                counts = passed.setdefault(waiting, {})
                counts[name] = counts.get(name, 0) + 1
                assert counts[name] <= 2, f"{name} was served three times while {waiting} waited"
