"""Fair turns: tenants alternate, and the tasks of a tenant keep their order."""

from collections.abc import Iterable
from datetime import datetime, timedelta

import pytest
from django.db import transaction
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from accounts.models import Tenant
from tests.conftest import GOOD_BODY, NOW, Caller, claim_next, make_caller, order_video, wanted
from videos.catalogue import MODELS
from videos.models import Task, UpstreamAccount
from videos.tasks import lifecycle

SOON = NOW + timedelta(days=10_000)
"""After all waiting tasks became due."""
NAMES = "ABCDEFGH"


class Queue:
    """Tenants who share an account, and its worker."""

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


def test_a_new_tenant_joins_the_current_round(queue: Queue) -> None:
    queue.ask("A" * 10)
    assert queue.served(5) == "AAAAA"
    queue.ask("B")
    assert "B" in queue.served(2)


def test_eight_tenants_with_many_tasks_are_served_round_by_round(queue: Queue) -> None:
    for name in NAMES:
        queue.ask(name * 3)
    assert queue.served(24) == NAMES * 3


def test_the_tasks_of_one_tenant_are_served_in_order_of_creation(queue: Queue) -> None:
    queue.ask("AABABBA")
    made = {name: list(tasks) for name, tasks in queue.waiting.items()}
    claimed = [task for _ in range(7) if (task := queue.claim())]
    for name, tasks in made.items():
        assert [task for task in claimed if queue.letter(task) == name] == tasks


def test_nothing_is_claimed_from_an_empty_queue(queue: Queue) -> None:
    assert queue.claim() is None


def test_another_accounts_tasks_are_not_claimed(queue: Queue) -> None:
    queue.ask("A")
    other = UpstreamAccount.objects.create(
        name="elsewhere", secret_id="AKIDx", secret_key="y", disabled_models=[GOOD_BODY["model"]]
    )
    assert wanted(other, SOON) == 0


def test_a_task_that_is_not_due_is_skipped_until_it_is(queue: Queue) -> None:
    queue.ask("AAB")
    first = queue.claim()
    assert first is not None
    queue.requeue(first, due_at=SOON + timedelta(seconds=5))
    assert queue.served(3) == "BA"
    assert queue.claim(SOON + timedelta(seconds=4)) is None
    assert queue.claim(SOON + timedelta(seconds=5)) == first


def test_a_requeued_task_is_served_before_later_ones(queue: Queue) -> None:
    queue.ask("ABAB")
    first = queue.claim()
    assert first is not None
    queue.ask("CC")
    queue.requeue(first)
    assert queue.claim() == first


def test_a_requeued_task_keeps_its_place_even_if_the_queue_was_empty_meanwhile(queue: Queue) -> None:
    queue.ask("A" * 5)
    assert queue.served(4) == "AAAA"
    last = queue.claim()
    assert last is not None
    queue.ask("BBB")
    queue.requeue(last)
    assert "A" in queue.served(2)


def test_a_tenants_order_is_kept_if_an_earlier_task_is_requeued(queue: Queue) -> None:
    queue.ask("AAA")
    queue.served(2)
    earlier = queue.claim()
    assert earlier is not None
    queue.ask("A")
    queue.requeue(earlier)
    assert queue.claim() == earlier


def test_a_postponed_task_does_not_let_new_tasks_overtake_others(queue: Queue) -> None:
    queue.ask("ABBBB")
    postponed = queue.claim()
    assert postponed is not None
    queue.requeue(postponed, due_at=SOON + timedelta(hours=1))
    assert queue.served(3) == "BBB"
    served = ""
    for _ in range(4):  # Charlie creates one at a time, as soon as the last one is taken
        queue.ask("C")
        served += queue.served(1)
    assert "B" in served[:2]


class _RollBack(Exception):
    """Rolls back an example's changes."""


STEPS = st.lists(
    st.one_of(st.sampled_from(NAMES), st.just("."), st.sampled_from([name * 4 for name in "ABC"])),
    max_size=14,
)
"""Events in sequence: a tenant creates a task, or `.`: the worker takes the next one."""


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
@example(["AAAA", ".", "B", ".", "B", ".", "C", ".", "."])
def test_nobody_waits_longer_than_one_round_in_any_order_of_arrival(
    account: UpstreamAccount, steps: list[str]
) -> None:
    try:
        with transaction.atomic():
            _play(Queue(account), steps)
            raise _RollBack  # noqa: TRY301 - ends the transaction, which is the point
    except _RollBack:
        return


def _play(queue: Queue, steps: list[str]) -> None:
    """Serve, checking that each waiting tenant sees every other tenant served at most once a round."""
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


# --- several accounts

OF_B = {**GOOD_BODY, "model": "GV-3.1-720p", "seconds": "8"}


def test_tasks_waiting_for_one_account_neither_delay_nor_favour_those_of_another(
    owner: Caller, stranger: Caller, account: UpstreamAccount
) -> None:
    """The queue of the second account stands still while many rounds of the first are served."""
    account.disabled_models = [OF_B["model"]]
    account.save()
    others = [spec.name for spec in MODELS if spec.name != OF_B["model"]]
    UpstreamAccount.objects.create(name="b", secret_id="AKIDb", secret_key="b", disabled_models=others)
    order_video(owner, OF_B)
    mine = [order_video(owner) for _ in range(5)]
    assert [task.turn for task in mine] == [0, 1, 2, 3, 4]
    for task in mine[:3]:
        assert claim_next(account, SOON) == task
    newcomer = order_video(stranger)
    assert newcomer.turn == 3  # the round being served on that account, not the first one of the other
    assert claim_next(account, SOON) == mine[3]
    assert claim_next(account, SOON) == newcomer
    assert order_video(stranger, OF_B).turn == 0
