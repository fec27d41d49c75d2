"""Whatever happens to a tenant, in any order: its books say the same as somebody who counts along.

Hypothesis makes up stories. After every step of one, ledger, totals and tasks are held against a `Count`,
which knows the rules from this file alone, and now and then against each other (`reconciliation`).
HYPOTHESIS_RUNS is how many stories are told.
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

STORIES = int(os.environ.get("HYPOTHESIS_RUNS", "100"))
STEPS = 15

ZONE = ZoneInfo("Asia/Shanghai")
LAST_EVENING = NOW + timedelta(days=10)
"""The tenant's month has four hours to go."""
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
LONG_AGO = datetime(2026, 1, 1, tzinfo=NOW.tzinfo)


@dataclass(frozen=True)
class Wish:
    """A video that may be asked for; `option` is the column of `Price` that tells of it."""

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


WISHES = (
    Wish("Kling-3.0-1080p", 3),
    Wish("Kling-3.0-1080p", 15),
    Wish("Kling-3.0-1080p", 7, "with_audio"),
    Wish("Vidu-q2-720p", 10),
    Wish("Vidu-q2-720p", 1, "off_peak"),
    Wish("Hailuo-2.3-fast-768p", 6),
    Wish("OS-2.0-720p", 8),
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
"""The gentle ones first; a story begins with one of those."""


# What somebody counts who reads none of our tables


@dataclass
class Made:
    """A task, and what became of it."""

    id: UUID
    key: int
    wish: Wish
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
    """Seconds of video and money."""

    seconds: int
    spend: Decimal


Entry = tuple[UUID | None, str, Decimal, Decimal]
"""Whose, the kind, and what it adds to the balance and to what is set aside."""


@dataclass
class Count:
    """A tenant's whole story, as far as its money and its limits go."""

    tasks: dict[UUID, Made] = field(default_factory=dict)
    payments: list[tuple[str, Decimal]] = field(default_factory=list)
    quota: dict[str, Any] = field(default_factory=dict)
    prices: dict[tuple[str, str], list[tuple[datetime, Decimal]]] = field(
        default_factory=lambda: {what: [(LONG_AGO, price)] for what, price in PRICES.items()}
    )
    answers: dict[str, Made] = field(default_factory=dict)
    refused: dict[tuple[int, Wish], datetime] = field(default_factory=dict)

    def among(self, *statuses: Status) -> list[Made]:
        """The tasks that are in one of them, the oldest first."""
        return sorted(
            (made for made in self.tasks.values() if made.status in statuses), key=lambda made: made.id
        )

    @property
    def open(self) -> int:
        return len(self.among(*ACTIVE - {Status.WAITING}))

    @property
    def waiting(self) -> list[Made]:
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
        """What the ledger must hold: each movement once."""
        yield from ((None, kind, amount, Decimal(0)) for kind, amount in self.payments)
        for made in self.tasks.values():
            yield made.id, "hold", -made.price, made.price
            if made.status is Status.SUCCEEDED:
                yield made.id, "capture", Decimal(0), -made.price
            elif made.status in FINAL:
                yield made.id, "release", made.price, -made.price

    def price(self, wish: Wish, now: datetime) -> Decimal:
        in_force = [term for term in self.prices[wish.model, wish.option] if term[0] <= now]
        return max(in_force)[1] * wish.seconds

    def earlier(self, wish: Wish, key: int, name: str | None, is_retry: bool, now: datetime) -> Made | None:
        """The task that was made for the same request."""
        if name is not None:
            known = self.answers.get(name)
            return known if known and now - known.at < timedelta(hours=24) else None
        recent = [made for made in self.tasks.values() if now - made.at <= timedelta(minutes=15)]
        twins = [made for made in recent if (made.key, made.wish) == (key, wish)]
        if not is_retry or len(twins) != 1 or twins[0].is_hidden:
            return None
        return None if self.refused.get((key, wish), LONG_AGO) >= twins[0].at else twins[0]

    def next_status(self) -> Status:
        return Status.WAITING if self.must_wait() else Status.QUEUED

    def must_wait(self) -> bool:
        is_free = self.quota.get("concurrent_tasks") is None or self.open < self.quota["concurrent_tasks"]
        return self.quota.get("when_full") == "queue" and (bool(self.waiting) or not is_free)

    def refusals(self, wish: Wish, price: Decimal, key: int, now: datetime) -> set[str]:
        """The names of the limits that stand against the task."""
        today = now.astimezone(ZONE).date()
        day, month = self.of_day(today), self.of_month(today.replace(day=1))
        key_month = self.of_month(today.replace(day=1), key)
        own = {f"key.{name}": value for name, value in KEYS[key].items()}
        wanted = {
            "requests_per_minute": self._latest(now) + 1,
            "key.requests_per_minute": self._latest(now, key) + 1,
            "seconds_per_day": day.seconds + wish.seconds,
            "seconds_per_month": month.seconds + wish.seconds,
            "spend_per_day": day.spend + price,
            "spend_per_month": month.spend + price,
            "key.spend_per_month": key_month.spend + price,
        }
        limits = {name: value for name, value in (self.quota | own).items() if name in wanted}
        exceeded = {name for name, value in limits.items() if wanted[name] > value or value == 0}
        is_short = self.quota.get("is_prepaid") and self.balance < price
        return exceeded | self._no_place() | ({"balance"} if is_short else set())

    def start_waiting(self, now: datetime) -> None:
        """Those of the queue that have a place by now."""
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


def _use(tasks: Iterable[Made]) -> Use:
    kept = [made for made in tasks if made.is_kept]
    return Use(sum(made.wish.seconds for made in kept), sum((made.price for made in kept), Decimal(0)))


# What may happen


class Crash(DatabaseError):
    """The connection broke."""


@contextmanager
def crash_at(number: int) -> Iterator[None]:
    """Let the connection break at that statement of the block, and the block end there."""
    numbers = itertools.count(1)

    def run(execute: Callable[..., Any], *arguments: Any) -> Any:
        if next(numbers) == number:
            raise Crash
        return execute(*arguments)

    # Hand-written statements, too, pass through what Django has for its own while queries are captured.
    with suppress(Crash), CaptureQueriesContext(connection), connection.execute_wrapper(run):
        yield


class Verb(NamedTuple):
    """How it is said, the states it may be said in, and the one it leads to."""

    say: Callable[[Task, datetime], bool]
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
"""All but create, claim and start; what leads to a video comes first."""

PAYMENTS = [Decimal(text) for text in ("100", "5", "0.1234565")]
CORRECTIONS = [Decimal(text) for text in ("-7.5", "-100", "0.000001")]
wishes, keys, numbers = st.sampled_from(WISHES), st.integers(0, len(KEYS) - 1), st.integers(0, 11)
chores = st.lists(st.sampled_from((0, 0, 0, 1, 2, 3)), min_size=1, max_size=6)
names = st.sampled_from(("a name", "another"))
amounts = st.sampled_from(PAYMENTS + CORRECTIONS)
prices = st.sampled_from([Decimal(text) for text in ("0", "0.5", "1.111111")])
delays = st.sampled_from([timedelta(0), timedelta(hours=6, milliseconds=500)])
spans = st.sampled_from([timedelta(seconds=40), timedelta(hours=5), timedelta(hours=50), timedelta(days=9)])
deeds = st.one_of(
    st.tuples(st.just("ask"), wishes, keys),
    st.tuples(st.just("retry"), st.integers(0, 2)),
    st.tuples(st.just("ask_by_name"), wishes, keys, names, st.booleans()),
    st.tuples(st.just("work"), numbers, chores),
    st.tuples(st.just("end"), numbers),
    st.tuples(st.just("hide"), numbers),
    st.tuples(st.just("pay"), amounts),
    st.tuples(st.just("limit"), numbers),
)
"""What may end in a crash, or come in between: the name of a rule, and what it takes."""


@dataclass
class Scene:
    """Who takes part."""

    account: UpstreamAccount
    tenant: Tenant
    keys: list[APIKey]
    staff: User
    stranger: Tenant


class Story(RuleBasedStateMachine):
    """What happens to one tenant."""

    def __init__(self, scene: Scene) -> None:
        super().__init__()
        self.scene = scene
        self.now = LAST_EVENING
        self.steps = 0
        self.count = Count()
        self.asked: list[tuple[Wish, int]] = []
        """Without a name, and by which key."""
        self.seen: list[Task] = []
        """Tasks as they once were."""
        self.before = transaction.savepoint()
        self.strangers = _books(scene.stranger)

    def teardown(self) -> None:
        assert _books(self.scene.stranger) == self.strangers
        transaction.savepoint_rollback(self.before)

    @initialize(which=st.integers(0, 5), amount=amounts, asked=st.lists(wishes, max_size=4))
    def begin(self, which: int, amount: Decimal, asked: list[Wish]) -> None:
        self.limit(which)
        self.pay(amount)
        for wish in asked:
            self._ask(wish, key=0)

    # Asking

    @rule(wish=wishes, key=keys)
    def ask(self, wish: Wish, key: int) -> None:
        self._ask(wish, key)

    @rule(which=st.integers(0, 2))
    def retry(self, which: int) -> None:
        """An SDK repeats one of the latest, or what it never sent."""
        for wish, key in _one([*self.asked[-3:], (WISHES[0], 0)], which):
            self._ask(wish, key, is_retry=True)

    @rule(wish=wishes, key=keys, name=names, is_repeated=st.booleans())
    def ask_by_name(self, wish: Wish, key: int, name: str, is_repeated: bool) -> None:
        """With an idempotency key; for the same again, where it was used before."""
        known = self.count.answers.get(name) if is_repeated else None
        self._ask(known.wish if known else wish, key, name)

    @rule(wish=wishes, key=keys, name=st.none() | names, deed=deeds)
    def ask_while(self, wish: Wish, key: int, name: str | None, deed: tuple[Any, ...]) -> None:
        """Something happens between the look and the writing."""
        self._ask(wish, key, name, meanwhile=deed)

    # Working

    @precondition(lambda self: self.count.among(*ACTIVE))
    @rule(which=numbers, chores=chores)
    def work(self, which: int, chores: Iterable[int]) -> None:
        """One thing after the other is done to a task."""
        for made in _one(self.count.among(*ACTIVE), which):
            for chore in chores:
                made = self._go_on(made, chore)
                self.the_entries_agree()

    @precondition(lambda self: self.count.among(*ACTIVE))
    @rule(which=numbers, chores=st.sampled_from([(0, 0, 0, 0), (0, 2, 0, 0, 0), (0, 3, 0, 0, 0, 0)]))
    def produce(self, which: int, chores: Iterable[int]) -> None:
        """A task goes all the way: straight, after a doubt, at the second attempt."""
        self.work(which, chores)

    @precondition(lambda self: self.count.among(*ACTIVE))
    @rule(which=numbers)
    def end(self, which: int) -> None:
        """A task ends, one way or the other."""
        for made in _one(self.count.among(*ACTIVE), which):
            for name in ("succeed", "fail", "cancel"):
                self._say(name, self._seen_now(made))

    @precondition(lambda self: self.seen)
    @rule(which=numbers, name=st.sampled_from(sorted(VERBS)))
    def say_too_late(self, which: int, name: str) -> None:
        """Somebody speaks of a task as it once was."""
        for task in _one(self.seen[::-1], which):
            self._say(name, copy.copy(task))

    @precondition(lambda self: self.count.tasks)
    @rule(which=numbers)
    def hide(self, which: int) -> None:
        for made in _one(self.count.among(*Status), which):
            hidden = lifecycle.hide(self._seen_now(made), self._later())
            assert hidden is (made.status in FINAL and not made.is_hidden)
            made.is_hidden |= hidden

    @rule(span=spans)
    def time_passes(self, span: timedelta) -> None:
        """And the sweep comes round."""
        self.now += span
        now = self._later()
        sweep(now)
        for made in self.count.among(Status.SUBMITTING):
            if made.due_at <= now:
                self._moved(made, Status.IN_DOUBT, now)
        for made in self.count.among(Status.IN_DOUBT):
            if made.due_at <= now:
                self._moved(made, Status.FAILED, now)
        self.count.start_waiting(now)

    # Managing

    @rule(amount=amounts)
    def pay(self, amount: Decimal) -> None:
        """Somebody pays, or a mistake is put right."""
        move, kind = (ledger.top_up, "top_up") if amount in PAYMENTS else (ledger.adjust, "adjustment")
        move(self.scene.tenant, amount, self.scene.staff, "because", self._later())
        self.count.payments.append((kind, amount.quantize(Decimal("0.000001"), ROUND_HALF_UP)))

    @rule(what=st.sampled_from(sorted(PRICES)), price=prices, delay=delays)
    def reprice(self, what: tuple[str, str], price: Decimal, delay: timedelta) -> None:
        model, option = what
        since = self._later() + delay
        options = {option: True} if option else {}
        Price.objects.create(model=model, per_second=price, valid_from=since, **options)
        self.count.prices[what].append((since, price))

    @rule(which=numbers)
    def limit(self, which: int) -> None:
        quota = QUOTAS[which]
        with transaction.atomic():
            if quota:
                Quota(tenant=self.scene.tenant, **quota).save()
            else:
                Quota.objects.filter(tenant=self.scene.tenant).delete()
        self.count.quota = quota

    # Breaking

    @rule(at=st.integers(1, 20), deed=deeds)
    def crash(self, at: int, deed: tuple[Any, ...]) -> None:
        """The process dies in the middle of it, or just not."""
        with crash_at(at):
            self._do(*deed)
        transaction.set_rollback(False)  # what crashed was a transaction of its own; the story goes on

    # Proving

    @invariant()
    def the_books_agree(self) -> None:
        self.the_entries_agree()
        self.the_totals_agree()
        self.steps += 1
        if self.steps % 5 == 0:  # it takes longer than all the rest
            assert reconciliation.differences() == []

    def the_entries_agree(self) -> None:
        tasks = Task.objects.filter(tenant=self.scene.tenant)
        assert set(tasks.values_list("id", "status", "price", "attempts")) == {
            (made.id, made.status, made.price, made.attempts) for made in self.count.tasks.values()
        }
        entries = LedgerEntry.objects.filter(tenant=self.scene.tenant)
        assert Counter(entries.values_list("task", "kind", "amount", "held")) == Counter(self.count.entries())

    def the_totals_agree(self) -> None:
        """Those that the next task would be decided by, on whatever day it is asked for."""
        today = self.now.astimezone(ZONE).date()
        seen = admission.look(Caller.of(self.scene.keys[0], self.now, Fingerprint(b""))).totals
        assert (seen.open_tasks, seen.waiting_tasks) == (self.count.open, len(self.count.waiting))
        assert (seen.balance, seen.held) == (self.count.balance, self.count.held)
        assert (seen.day_seconds, seen.day_spend) == self.count.of_day(today)
        assert (seen.month_seconds, seen.month_spend) == self.count.of_month(today.replace(day=1))

    # How it is done

    def _ask(
        self,
        wish: Wish,
        key: int,
        name: str | None = None,
        *,
        is_retry: bool = False,
        meanwhile: tuple[Any, ...] = (),
    ) -> None:
        fingerprint = Fingerprint(wish.fingerprint, name, is_retry=is_retry, may_be_retried=name is None)
        caller = Caller.of(self.scene.keys[key], self._later(), fingerprint)
        price = self.count.price(wish, caller.now)

        def verdict() -> object:
            """What stands against a task of its own."""
            earlier = self.count.earlier(wish, key, name, is_retry, caller.now)
            if earlier:
                return earlier.id if earlier.wish == wish else IdempotencyKeyReused
            return self.count.refusals(wish, price, key, caller.now)

        if name is None:
            self.asked.append((wish, key))
        at_the_look = verdict()
        answer = self._answer(wish, caller, meanwhile)
        if expected := at_the_look or verdict():
            assert answer == expected
        else:
            assert isinstance(answer, UUID)
            status = self.count.next_status()
            self._made(Made(answer, key, wish, caller.now, price, status, caller.now), name)
        if name is None and expected and isinstance(expected, set):
            self.count.refused[key, wish] = caller.now

    def _answer(self, wish: Wish, caller: Caller, meanwhile: tuple[Any, ...]) -> object:
        """As the API does it: the id of the task, or why there is none."""

        caller = replace(caller, snapshot=admission.look(caller))
        try:
            self._do(*meanwhile)
            created = creation.create(caller, wish.body)
        except IdempotencyKeyReused:
            return IdempotencyKeyReused
        except NotAdmitted as error:
            if caller.fingerprint.may_be_retried:
                idempotency.note_refusal(caller.key.pk, wish.fingerprint, caller.now)
            return {refusal.limit for refusal in error.refusals}
        return created.task.pk

    def _go_on(self, made: Made, chore: int) -> Made:
        fitting = [name for name, verb in VERBS.items() if made.status in verb.sources]
        if made.status in VERBS["cancel"].sources and chore == 0:
            return self._claim() or made
        if fitting:
            self._say(fitting[chore % len(fitting)], self._seen_now(made))
        return made

    def _claim(self) -> Made | None:
        now = self._later()
        task = claim_next(self.scene.account, now)
        due = [made for made in self.count.among(Status.QUEUED) if made.due_at <= now]
        assert (task is not None) == bool(due)
        if task is None:
            return None
        made = self.count.tasks[task.pk]
        assert made in due
        made.status, made.attempts = Status.SUBMITTING, made.attempts + 1
        made.due_at = now + timedelta(seconds=2 * configured.UPSTREAM_CREATE_TIMEOUT)
        return made

    def _made(self, made: Made, name: str | None) -> None:
        self.count.tasks[made.id] = made
        if name is not None:
            self.count.answers[name] = made

    def _say(self, name: str, task: Task) -> None:
        verb, made, now = VERBS[name], self.count.tasks[task.pk], self._later()
        is_late_answer = (task.status, made.status) == (Status.SUBMITTING, Status.IN_DOUBT)
        is_true = task.attempts == made.attempts and (task.status == made.status or is_late_answer)
        said = verb.say(task, now)
        assert said is (is_true and made.status in verb.sources)
        if said:
            self._moved(made, verb.target, now)

    def _moved(self, made: Made, status: Status, now: datetime) -> None:
        doubt = timedelta(hours=configured.IN_DOUBT_RELEASE_HOURS)
        made.status, made.due_at = status, now + (doubt if status is Status.IN_DOUBT else SECOND)
        if status in FINAL:
            self.count.start_waiting(now)

    def _seen_now(self, made: Made) -> Task:
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
    """That one, counting round and round; none where there is none."""
    return [things[which % len(things)]] if things else []


def _books(tenant: Tenant) -> list[Any]:
    """All there is of a tenant that money depends on."""
    return [
        *Standing.objects.filter(tenant=tenant).values_list(),
        *Task.objects.filter(tenant=tenant).order_by("id").values_list("id", "status", "price"),
        *LedgerEntry.objects.filter(tenant=tenant).values_list(),
        *DailyUsage.objects.filter(tenant=tenant).order_by("id").values_list(),
    ]


@pytest.fixture
def scene(account: UpstreamAccount) -> Scene:
    """A tenant with two keys and nothing else, and a stranger with a video of each kind."""
    Price.objects.all().delete()
    for (model, option), price in PRICES.items():
        options = {option: True} if option else {}
        Price.objects.create(model=model, per_second=price, valid_from=LONG_AGO, **options)
    tenant = Tenant.objects.create(name="Alice", time_zone=ZONE.key)
    minted = [APIKey.objects.mint(tenant, "a key", **limits)[0] for limits in KEYS]
    staff = User.objects.create(username="Bob", is_staff=True)
    return Scene(account, tenant, minted, staff, _stranger(account))


def _stranger(account: UpstreamAccount) -> Tenant:
    """Charlie, of whose tasks one has completed, one failed, one is at work and one waits."""
    caller = make_caller(Tenant.objects.create(name="Charlie"))
    Quota.objects.create(tenant=caller.tenant, concurrent_tasks=1, when_full="queue")
    for verbs in (("accepted", "produced", "succeed"), ("fail",), ("accepted",), ()):
        order_video(caller, WISHES[0].body, NOW)
        task = claim_next(account, NOW)
        for verb in verbs:
            assert task is not None
            VERBS[verb].say(task, NOW)
    return caller.tenant


def test_every_story_leaves_the_books_in_order(scene: Scene) -> None:
    run_state_machine_as_test(
        lambda: Story(scene),  # type: ignore[arg-type]  # whatever returns a machine will do
        settings=settings(
            max_examples=STORIES,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )
