"""The books of a tenant agree with an independent model after any sequence of events.

A Hypothesis state machine. After every step, ledger, totals and tasks are compared to an `Expected`, which is
written from the rules alone, and now and then to each other (`reconciliation`). HYPOTHESIS_RUNS is the number
of examples.
"""

import copy
import itertools
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings as configured
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from accounts.models import APIKey, Quota, Standing, Tenant, User
from tests.conftest import NOW, claim_next, make_caller, order_video
from videos.billing import ledger, reconciliation
from videos.errors import IdempotencyKeyReused, NotAdmitted
from videos.models import DailyUsage, LedgerEntry, Price, Task, UpstreamAccount
from videos.states import ACTIVE, FINAL, LOST, Status
from videos.tasks import admission, creation, idempotency, lifecycle
from videos.tasks.admission import Caller
from videos.tasks.failures import FailureCode
from videos.tasks.idempotency import Fingerprint
from videos.tasks.lifecycle import StoredMedia
from videos.worker.sweep import sweep

EXAMPLES = int(os.environ.get("HYPOTHESIS_RUNS", "100"))
STEPS = 15

ZONE = ZoneInfo("Asia/Shanghai")
LAST_EVENING = NOW + timedelta(days=10)
"""Four hours before the end of the tenant's month."""
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
LONG_AGO = datetime(2026, 1, 1, tzinfo=NOW.tzinfo)


@dataclass(frozen=True)
class Video:
    """A video to request; `option` is the column of `Price` for its option."""

    model: str
    seconds: int
    option: str = ""

    @property
    def body(self) -> dict[str, Any]:
        switch = {"with_audio": "AudioGeneration", "off_peak": "OffPeak"}.get(self.option)
        output = {"output_config": {switch: "Enabled"}} if switch else {}
        return {"model": self.model, "seconds": self.seconds, "prompt": "a cat runs", "metadata": output}

    @property
    def fingerprint(self) -> bytes:
        return idempotency.hash_of(self.body)


VIDEOS = (
    Video("Kling-3.0-1080p", 3),
    Video("Kling-3.0-1080p", 15),
    Video("Kling-3.0-1080p", 7, "with_audio"),
    Video("Vidu-q2-720p", 10),
    Video("Vidu-q2-720p", 1, "off_peak"),
    Video("Hailuo-2.3-fast-768p", 6),
    Video("OS-2.0-720p", 8),
)
PRICES = {
    ("Kling-3.0-1080p", ""): Decimal("0.8"),
    ("Kling-3.0-1080p", "with_audio"): Decimal("1.2"),
    ("Vidu-q2-720p", ""): Decimal("0.333333"),
    ("Vidu-q2-720p", "off_peak"): Decimal("0.000001"),
    ("Hailuo-2.3-fast-768p", ""): Decimal("0.225"),
    ("OS-2.0-720p", ""): Decimal(0),
}
KEYS: tuple[dict[str, Any], ...] = ({}, {"requests_per_minute": 3, "spend_per_month": Decimal(20)})
"""The limits of the tenant's two keys."""
QUOTAS: tuple[dict[str, Any], ...] = (
    {},
    {"concurrent_tasks": 2, "when_full": "queue"},
    {"concurrent_tasks": 1, "when_full": "queue", "queued_tasks": 2},
    {"concurrent_tasks": 3, "seconds_per_day": 40},
    {"is_prepaid": True},
    {"seconds_per_month": 60, "spend_per_day": Decimal(30)},
    {"spend_per_month": Decimal("14.4")},
    {"requests_per_minute": 2},
    {"concurrent_tasks": 1},
    {"concurrent_tasks": 0, "when_full": "queue"},
    {"when_full": "queue", "queued_tasks": 0},
    {"requests_per_minute": 0, "spend_per_day": Decimal(0)},
)
"""The least strict ones first; every example begins with one of those."""


# The model, which reads none of our tables


@dataclass
class ExpectedTask:
    id: UUID
    key: int
    video: Video
    at: datetime
    price: Decimal
    status: Status
    due_at: datetime
    attempts: int = 0
    is_hidden: bool = False

    @property
    def day(self) -> date:
        return self.at.astimezone(ZONE).date()

    @property
    def is_kept(self) -> bool:
        return self.status not in LOST


class Use(NamedTuple):
    seconds: int
    spend: Decimal


Entry = tuple[UUID | None, str, Decimal, Decimal]
"""The task, the kind, and the changes of balance and held amount."""


@dataclass
class Expected:
    """The expected tasks, payments, limits and prices of the tenant."""

    tasks: dict[UUID, ExpectedTask] = field(default_factory=dict)
    payments: list[tuple[str, Decimal]] = field(default_factory=list)
    quota: dict[str, Any] = field(default_factory=dict)
    prices: dict[tuple[str, str], list[tuple[datetime, Decimal]]] = field(
        default_factory=lambda: {what: [(LONG_AGO, price)] for what, price in PRICES.items()}
    )
    answers: dict[str, ExpectedTask] = field(default_factory=dict)
    refused: dict[tuple[int, Video], datetime] = field(default_factory=dict)

    def among(self, *statuses: Status) -> list[ExpectedTask]:
        """The tasks in these states, oldest first."""
        return sorted(
            (made for made in self.tasks.values() if made.status in statuses), key=lambda made: made.id
        )

    @property
    def open(self) -> int:
        return len(self.among(*ACTIVE - {Status.WAITING}))

    @property
    def waiting(self) -> list[ExpectedTask]:
        return self.among(Status.WAITING)

    @property
    def held(self) -> Decimal:
        return sum((made.price for made in self.among(*ACTIVE)), Decimal(0))

    @property
    def balance(self) -> Decimal:
        return sum((amount for _, amount in self.payments), Decimal(0)) - _use(self.tasks.values()).spend

    def of_day(self, day: date | None) -> Use:
        return _use(made for made in self.tasks.values() if made.day == day)

    def of_month(self, month: date | None, key: int | None = None) -> Use:
        made_then = [made for made in self.tasks.values() if made.day.replace(day=1) == month]
        return _use(made for made in made_then if key in (None, made.key))

    def entries(self) -> Iterator[Entry]:
        """The expected ledger entries."""
        yield from ((None, kind, amount, Decimal(0)) for kind, amount in self.payments)
        for made in self.tasks.values():
            yield made.id, "hold", -made.price, made.price
            if made.status is Status.SUCCEEDED:
                yield made.id, "capture", Decimal(0), -made.price
            elif made.status in FINAL:
                yield made.id, "release", made.price, -made.price

    def price(self, video: Video, now: datetime) -> Decimal:
        in_force = [term for term in self.prices[video.model, video.option] if term[0] <= now]
        return max(in_force)[1] * video.seconds

    def earlier(
        self, video: Video, key: int, name: str | None, is_retry: bool, now: datetime
    ) -> ExpectedTask | None:
        """The task a replay or retry returns."""
        if name is not None:
            known = self.answers.get(name)
            return known if known and now - known.at < timedelta(hours=24) else None
        recent = [made for made in self.tasks.values() if now - made.at <= timedelta(minutes=15)]
        twins = [made for made in recent if (made.key, made.video) == (key, video)]
        if not is_retry or len(twins) != 1 or twins[0].is_hidden:
            return None
        return None if self.refused.get((key, video), LONG_AGO) >= twins[0].at else twins[0]

    def next_status(self) -> Status:
        return Status.WAITING if self.must_wait() else Status.QUEUED

    def must_wait(self) -> bool:
        is_free = self.quota.get("concurrent_tasks") is None or self.open < self.quota["concurrent_tasks"]
        return self.quota.get("when_full") == "queue" and (bool(self.waiting) or not is_free)

    def refusals(self, video: Video, price: Decimal, key: int, now: datetime) -> set[str]:
        """The names of the limits that refuse the task."""
        today = now.astimezone(ZONE).date()
        day, month = self.of_day(today), self.of_month(today.replace(day=1))
        key_month = self.of_month(today.replace(day=1), key)
        own = {f"key.{name}": value for name, value in KEYS[key].items()}
        wanted = {
            "requests_per_minute": self._latest(now) + 1,
            "key.requests_per_minute": self._latest(now, key) + 1,
            "seconds_per_day": day.seconds + video.seconds,
            "seconds_per_month": month.seconds + video.seconds,
            "spend_per_day": day.spend + price,
            "spend_per_month": month.spend + price,
            "key.spend_per_month": key_month.spend + price,
        }
        limits = {name: value for name, value in (self.quota | own).items() if name in wanted}
        exceeded = {name for name, value in limits.items() if wanted[name] > value or value == 0}
        is_short = self.quota.get("is_prepaid") and self.balance < price
        return exceeded | self._no_place() | ({"balance"} if is_short else set())

    def start_waiting(self, now: datetime) -> None:
        """Start as many waiting tasks as the limit allows."""
        most = self.quota.get("concurrent_tasks")
        places = len(self.waiting) if most is None else max(0, most - self.open)
        for made in self.waiting[:places]:
            made.status, made.due_at = Status.QUEUED, now

    def _no_place(self) -> set[str]:
        most, queued = self.quota.get("concurrent_tasks"), self.quota.get("queued_tasks")
        if self.must_wait() and most != 0:
            return {"queued_tasks"} if queued is not None and len(self.waiting) >= queued else set()
        return {"concurrent_tasks"} if most is not None and self.open >= most else set()

    def _latest(self, now: datetime, key: int | None = None) -> int:
        return sum(now - made.at < MINUTE for made in self.tasks.values() if key in (None, made.key))


def _use(tasks: Iterable[ExpectedTask]) -> Use:
    kept = [made for made in tasks if made.is_kept]
    return Use(sum(made.video.seconds for made in kept), sum((made.price for made in kept), Decimal(0)))


# Events


class Crash(DatabaseError):
    """A broken connection."""


@contextmanager
def crash_at(number: int) -> Iterator[None]:
    """Raise at that statement of the block, and end the block there."""
    numbers = itertools.count(1)

    def run(execute: Callable[..., Any], *arguments: Any) -> Any:
        if next(numbers) == number:
            raise Crash
        return execute(*arguments)

    # While queries are captured, hand-written statements pass through Django's wrappers, too.
    with suppress(Crash), CaptureQueriesContext(connection), connection.execute_wrapper(run):
        yield


class Verb(NamedTuple):
    """A lifecycle call, the states it is allowed in, and the state it leads to."""

    call: Callable[[Task, datetime], bool]
    sources: frozenset[Status]
    target: Status


_BEGUN = frozenset({Status.SUBMITTING, Status.IN_DOUBT, Status.RUNNING, Status.STORING})
VERBS = {
    "accepted": Verb(
        lambda task, now: lifecycle.accepted(task, f"upstream's {task.pk}", now, MINUTE),
        frozenset({Status.SUBMITTING, Status.IN_DOUBT}),
        Status.RUNNING,
    ),
    "produced": Verb(
        lambda task, now: lifecycle.produced(task, "https://example.com/1.mp4", "", now),
        frozenset({Status.RUNNING}),
        Status.STORING,
    ),
    "succeed": Verb(
        lambda task, now: lifecycle.succeed(task, StoredMedia("1.mp4", 1), now),
        frozenset({Status.STORING}),
        Status.SUCCEEDED,
    ),
    "fail": Verb(
        lambda task, now: lifecycle.fail(task, FailureCode.GENERATION_FAILED, "It did not work.", now),
        _BEGUN,
        Status.FAILED,
    ),
    "in_doubt": Verb(
        lambda task, now: lifecycle.in_doubt(task, {}, now), frozenset({Status.SUBMITTING}), Status.IN_DOUBT
    ),
    "requeue": Verb(
        lambda task, now: lifecycle.requeue(task, {}, now + SECOND, now),
        frozenset({Status.SUBMITTING}),
        Status.QUEUED,
    ),
    "cancel": Verb(lifecycle.cancel, frozenset({Status.WAITING, Status.QUEUED}), Status.CANCELLED),
}
"""All but create, claim and start; those that lead to a video come first."""

PAYMENTS = [Decimal(text) for text in ("100", "5", "0.1234565")]
CORRECTIONS = [Decimal(text) for text in ("-7.5", "-100", "0.000001")]
videos, keys, numbers = st.sampled_from(VIDEOS), st.integers(0, len(KEYS) - 1), st.integers(0, 11)
choices = st.lists(st.sampled_from((0, 0, 0, 1, 2, 3)), min_size=1, max_size=6)
names = st.sampled_from(("a name", "another"))
amounts = st.sampled_from(PAYMENTS + CORRECTIONS)
prices = st.sampled_from([Decimal(text) for text in ("0", "0.5", "1.111111")])
delays = st.sampled_from([timedelta(0), timedelta(hours=6, milliseconds=500)])
spans = st.sampled_from([timedelta(seconds=40), timedelta(hours=5), timedelta(hours=50), timedelta(days=9)])
actions = st.one_of(
    st.tuples(st.just("ask"), videos, keys),
    st.tuples(st.just("retry"), st.integers(0, 2)),
    st.tuples(st.just("ask_by_name"), videos, keys, names, st.booleans()),
    st.tuples(st.just("work"), numbers, choices),
    st.tuples(st.just("end"), numbers),
    st.tuples(st.just("hide"), numbers),
    st.tuples(st.just("pay"), amounts),
    st.tuples(st.just("limit"), numbers),
)
"""Events that may crash or happen concurrently: the name of a rule and its arguments."""


@dataclass
class Scene:
    account: UpstreamAccount
    tenant: Tenant
    keys: list[APIKey]
    staff: User
    stranger: Tenant


class TenantMachine(RuleBasedStateMachine):
    def __init__(self, scene: Scene) -> None:
        super().__init__()
        self.scene = scene
        self.now = LAST_EVENING
        self.steps = 0
        self.expected = Expected()
        self.asked: list[tuple[Video, int]] = []
        """Requests without an idempotency key, with their API keys."""
        self.seen: list[Task] = []
        """Stale copies of tasks."""
        self.before = transaction.savepoint()
        self.strangers = _books(scene.stranger)

    def teardown(self) -> None:
        assert _books(self.scene.stranger) == self.strangers
        transaction.savepoint_rollback(self.before)

    @initialize(which=st.integers(0, 5), amount=amounts, asked=st.lists(videos, max_size=4))
    def begin(self, which: int, amount: Decimal, asked: list[Video]) -> None:
        self.limit(which)
        self.pay(amount)
        for video in asked:
            self._ask(video, key=0)

    # Creating

    @rule(video=videos, key=keys)
    def ask(self, video: Video, key: int) -> None:
        self._ask(video, key)

    @rule(which=st.integers(0, 2))
    def retry(self, which: int) -> None:
        """An SDK retries a recent request or one that never arrived."""
        for video, key in _one([*self.asked[-3:], (VIDEOS[0], 0)], which):
            self._ask(video, key, is_retry=True)

    @rule(video=videos, key=keys, name=names, is_repeated=st.booleans())
    def ask_by_name(self, video: Video, key: int, name: str, is_repeated: bool) -> None:
        """With an idempotency key, which may be repeated."""
        known = self.expected.answers.get(name) if is_repeated else None
        self._ask(known.video if known else video, key, name)

    @rule(video=videos, key=keys, name=st.none() | names, action=actions)
    def ask_while(self, video: Video, key: int, name: str | None, action: tuple[Any, ...]) -> None:
        """An event happens between the decision and the writes."""
        self._ask(video, key, name, meanwhile=action)

    # Task states

    @precondition(lambda self: self.expected.among(*ACTIVE))
    @rule(which=numbers, choices=choices)
    def work(self, which: int, choices: Iterable[int]) -> None:
        """Several steps of one task."""
        for made in _one(self.expected.among(*ACTIVE), which):
            for choice in choices:
                made = self._step(made, choice)
                self.the_entries_agree()

    @precondition(lambda self: self.expected.among(*ACTIVE))
    @rule(which=numbers, choices=st.sampled_from([(0, 0, 0, 0), (0, 2, 0, 0, 0), (0, 3, 0, 0, 0, 0)]))
    def produce(self, which: int, choices: Iterable[int]) -> None:
        """A whole task: directly, after a doubt, or with a second attempt."""
        self.work(which, choices)

    @precondition(lambda self: self.expected.among(*ACTIVE))
    @rule(which=numbers)
    def end(self, which: int) -> None:
        for made in _one(self.expected.among(*ACTIVE), which):
            for name in ("succeed", "fail", "cancel"):
                self._call(name, self._current(made))

    @precondition(lambda self: self.seen)
    @rule(which=numbers, name=st.sampled_from(sorted(VERBS)))
    def call_with_stale_task(self, which: int, name: str) -> None:
        """A lifecycle call with a stale copy of a task."""
        for task in _one(self.seen[::-1], which):
            self._call(name, copy.copy(task))

    @precondition(lambda self: self.expected.tasks)
    @rule(which=numbers)
    def hide(self, which: int) -> None:
        for made in _one(self.expected.among(*Status), which):
            hidden = lifecycle.hide(self._current(made), self._later())
            assert hidden is (made.status in FINAL and not made.is_hidden)
            made.is_hidden |= hidden

    @rule(span=spans)
    def time_passes(self, span: timedelta) -> None:
        """Time passes and a sweep runs."""
        self.now += span
        now = self._later()
        sweep(now)
        for made in self.expected.among(Status.SUBMITTING):
            if made.due_at <= now:
                self._moved(made, Status.IN_DOUBT, now)
        for made in self.expected.among(Status.IN_DOUBT):
            if made.due_at <= now:
                self._moved(made, Status.FAILED, now)
        self.expected.start_waiting(now)

    # Staff

    @rule(amount=amounts)
    def pay(self, amount: Decimal) -> None:
        """A top-up or an adjustment."""
        move, kind = (ledger.top_up, "top_up") if amount in PAYMENTS else (ledger.adjust, "adjustment")
        move(self.scene.tenant, amount, self.scene.staff, "because", self._later())
        self.expected.payments.append((kind, amount.quantize(Decimal("0.000001"), ROUND_HALF_UP)))

    @rule(what=st.sampled_from(sorted(PRICES)), price=prices, delay=delays)
    def reprice(self, what: tuple[str, str], price: Decimal, delay: timedelta) -> None:
        model, option = what
        since = self._later() + delay
        options = {option: True} if option else {}
        Price.objects.create(model=model, per_second=price, valid_from=since, **options)
        self.expected.prices[what].append((since, price))

    @rule(which=numbers)
    def limit(self, which: int) -> None:
        quota = QUOTAS[which]
        with transaction.atomic():
            if quota:
                Quota(tenant=self.scene.tenant, **quota).save()
            else:
                Quota.objects.filter(tenant=self.scene.tenant).delete()
        self.expected.quota = quota

    # Crashes

    @rule(at=st.integers(1, 20), action=actions)
    def crash(self, at: int, action: tuple[Any, ...]) -> None:
        """The connection breaks during the action, or shortly after it."""
        with crash_at(at):
            self._do(*action)
        transaction.set_rollback(False)  # only the inner transaction crashed; the example continues

    # Invariants

    @invariant()
    def the_books_agree(self) -> None:
        self.the_entries_agree()
        self.the_totals_agree()
        self.steps += 1
        if self.steps % 5 == 0:  # which is slow
            assert reconciliation.differences() == []

    def the_entries_agree(self) -> None:
        tasks = Task.objects.filter(tenant=self.scene.tenant)
        assert set(tasks.values_list("id", "status", "price", "attempts")) == {
            (made.id, made.status, made.price, made.attempts) for made in self.expected.tasks.values()
        }
        entries = LedgerEntry.objects.filter(tenant=self.scene.tenant)
        assert Counter(entries.values_list("task", "kind", "amount", "held")) == Counter(
            self.expected.entries()
        )

    def the_totals_agree(self) -> None:
        """The totals by which the next task is decided."""
        today = self.now.astimezone(ZONE).date()
        seen = admission.read_snapshot(Caller.of(self.scene.keys[0], self.now, Fingerprint(b""))).totals
        assert (seen.open_tasks, seen.waiting_tasks) == (self.expected.open, len(self.expected.waiting))
        assert (seen.balance, seen.held) == (self.expected.balance, self.expected.held)
        assert (seen.day_seconds, seen.day_spend) == self.expected.of_day(today)
        assert (seen.month_seconds, seen.month_spend) == self.expected.of_month(today.replace(day=1))

    # Helpers

    def _ask(
        self,
        video: Video,
        key: int,
        name: str | None = None,
        *,
        is_retry: bool = False,
        meanwhile: tuple[Any, ...] = (),
    ) -> None:
        fingerprint = Fingerprint(video.fingerprint, name, is_retry=is_retry, may_be_retried=name is None)
        caller = Caller.of(self.scene.keys[key], self._later(), fingerprint)
        price = self.expected.price(video, caller.now)

        def verdict() -> object:
            """What the answer must be unless a task is created."""
            earlier = self.expected.earlier(video, key, name, is_retry, caller.now)
            if earlier:
                return earlier.id if earlier.video == video else IdempotencyKeyReused
            return self.expected.refusals(video, price, key, caller.now)

        if name is None:
            self.asked.append((video, key))
        at_decision = verdict()
        answer = self._answer(video, caller, meanwhile)
        if expected := at_decision or verdict():
            assert answer == expected
        else:
            assert isinstance(answer, UUID)
            status = self.expected.next_status()
            self._made(ExpectedTask(answer, key, video, caller.now, price, status, caller.now), name)
        if name is None and expected and isinstance(expected, set):
            self.expected.refused[key, video] = caller.now

    def _answer(self, video: Video, caller: Caller, meanwhile: tuple[Any, ...]) -> object:
        """Create as the API does; returns the task's id or the reason for the refusal."""

        caller = replace(caller, snapshot=admission.read_snapshot(caller))
        try:
            self._do(*meanwhile)
            created = creation.create(caller, video.body)
        except IdempotencyKeyReused:
            return IdempotencyKeyReused
        except NotAdmitted as error:
            if caller.fingerprint.may_be_retried:
                idempotency.note_refusal(caller.key.pk, video.fingerprint, caller.now)
            return {refusal.limit for refusal in error.refusals}
        return created.task.pk

    def _step(self, made: ExpectedTask, choice: int) -> ExpectedTask:
        fitting = [name for name, verb in VERBS.items() if made.status in verb.sources]
        if made.status in VERBS["cancel"].sources and choice == 0:
            return self._claim() or made
        if fitting:
            self._call(fitting[choice % len(fitting)], self._current(made))
        return made

    def _claim(self) -> ExpectedTask | None:
        now = self._later()
        task = claim_next(self.scene.account, now)
        due = [made for made in self.expected.among(Status.QUEUED) if made.due_at <= now]
        assert (task is not None) == bool(due)
        if task is None:
            return None
        made = self.expected.tasks[task.pk]
        assert made in due
        made.status, made.attempts = Status.SUBMITTING, made.attempts + 1
        made.due_at = now + timedelta(seconds=2 * configured.UPSTREAM_CREATE_TIMEOUT)
        return made

    def _made(self, made: ExpectedTask, name: str | None) -> None:
        self.expected.tasks[made.id] = made
        if name is not None:
            self.expected.answers[name] = made

    def _call(self, name: str, task: Task) -> None:
        verb, made, now = VERBS[name], self.expected.tasks[task.pk], self._later()
        is_late_answer = (task.status, made.status) == (Status.SUBMITTING, Status.IN_DOUBT)
        is_current = task.attempts == made.attempts and (task.status == made.status or is_late_answer)
        moved = verb.call(task, now)
        assert moved is (is_current and made.status in verb.sources)
        if moved:
            self._moved(made, verb.target, now)

    def _moved(self, made: ExpectedTask, status: Status, now: datetime) -> None:
        doubt = timedelta(hours=configured.IN_DOUBT_RELEASE_HOURS)
        made.status, made.due_at = status, now + (doubt if status is Status.IN_DOUBT else SECOND)
        if status in FINAL:
            self.expected.start_waiting(now)

    def _current(self, made: ExpectedTask) -> Task:
        task = Task.objects.get(pk=made.id)
        self.seen.append(copy.copy(task))
        return task

    def _do(self, name: str = "nothing", *arguments: Any) -> None:
        getattr(self, name)(*arguments)

    def nothing(self) -> None:
        pass

    def _later(self) -> datetime:
        self.now += SECOND
        return self.now


def _one(things: list[Any], which: int) -> list[Any]:
    """A list with the element at that index modulo the length, or an empty list."""
    return [things[which % len(things)]] if things else []


def _books(tenant: Tenant) -> list[Any]:
    """All rows of a tenant that money depends on."""
    return [
        *Standing.objects.filter(tenant=tenant).values_list(),
        *Task.objects.filter(tenant=tenant).order_by("id").values_list("id", "status", "price"),
        *LedgerEntry.objects.filter(tenant=tenant).values_list(),
        *DailyUsage.objects.filter(tenant=tenant).order_by("id").values_list(),
    ]


@pytest.fixture
def scene(account: UpstreamAccount) -> Scene:
    """A tenant with two keys, and another tenant with tasks in several states."""
    Price.objects.all().delete()
    for (model, option), price in PRICES.items():
        options = {option: True} if option else {}
        Price.objects.create(model=model, per_second=price, valid_from=LONG_AGO, **options)
    tenant = Tenant.objects.create(name="Alice", time_zone=ZONE.key)
    minted = [APIKey.objects.mint(tenant, "a key", **limits)[0] for limits in KEYS]
    staff = User.objects.create(username="Bob", is_staff=True)
    return Scene(account, tenant, minted, staff, _stranger(account))


def _stranger(account: UpstreamAccount) -> Tenant:
    """Charlie, with a completed, a failed, a running and a waiting task."""
    caller = make_caller(Tenant.objects.create(name="Charlie"))
    Quota.objects.create(tenant=caller.tenant, concurrent_tasks=1, when_full="queue")
    for verbs in (("accepted", "produced", "succeed"), ("fail",), ("accepted",), ()):
        order_video(caller, VIDEOS[0].body, NOW)
        task = claim_next(account, NOW)
        for verb in verbs:
            assert task is not None
            VERBS[verb].call(task, NOW)
    return caller.tenant


def test_the_books_agree_after_any_sequence_of_events(scene: Scene) -> None:
    run_state_machine_as_test(
        lambda: TenantMachine(scene),  # type: ignore[arg-type]  # any callable that returns a machine
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )
