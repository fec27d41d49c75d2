"""Limits and idempotency keys hold with concurrent requests to four processes, also while some are killed."""

import itertools
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from threading import Event, Thread
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from accounts.models import APIKey, Quota, Standing, Tenant, User
from accounts.quotas import standing
from tests.api.test_idempotency import blocked as waiting_for_locks
from tests.conftest import GOOD_BODY, Caller, Sandbox, claim_next, make_caller
from tests.support import web_process, worker_process
from tests.support.web_process import Answer, Ask, WebProcesses
from tests.support.worker_process import Workers, wait_for, wait_until
from videos.billing import ledger, reconciliation
from videos.models import LedgerEntry, Price, Task, UpstreamAccount
from videos.states import ACTIVE, Status
from videos.tasks import lifecycle
from videos.tasks.failures import FailureCode
from videos.tasks.lifecycle import StoredMedia

pytestmark = pytest.mark.processes
web_processes, web = web_process.web_processes, web_process.web  # the fixtures
workers = worker_process.workers

PRICE = Decimal(4)
"""The price of each request."""


@dataclass(frozen=True)
class Limit:
    """A limit, the number of tasks it admits, and the refusal of the others."""

    name: str
    admits: int
    code: str = ""
    quota: dict[str, Any] = field(default_factory=dict)
    of_key: dict[str, Any] = field(default_factory=dict)
    paid: Decimal = Decimal(0)
    asked: int = 200

    def __str__(self) -> str:
        return self.name


CONCURRENT = Limit("concurrent_tasks", 5, "concurrency_limit_exceeded", {"concurrent_tasks": 5}, asked=500)
BALANCE = Limit("balance", 10, "insufficient_quota", {"is_prepaid": True}, paid=10 * PRICE, asked=500)
LIMITS = (
    CONCURRENT,
    BALANCE,
    Limit(
        "queued_tasks",
        5 + 4,
        "concurrency_limit_exceeded",
        {"concurrent_tasks": 5, "when_full": "queue", "queued_tasks": 4},
    ),
    Limit("requests_per_minute", 20, "rate_limit_exceeded", {"requests_per_minute": 20}),
    Limit("key.requests_per_minute", 20, "rate_limit_exceeded", of_key={"requests_per_minute": 20}),
    Limit("seconds_per_day", 7, "insufficient_quota", {"seconds_per_day": 5 * 7 + 4}),
    Limit("spend_per_month", 11, "insufficient_quota", {"spend_per_month": 11 * PRICE}),
    Limit("key.spend_per_month", 11, "insufficient_quota", of_key={"spend_per_month": 11 * PRICE}),
)
FILLED_BY_ONE = (
    Limit("concurrent_tasks", 1, quota={"concurrent_tasks": 1}),
    Limit("balance", 1, quota={"is_prepaid": True}, paid=PRICE),
    Limit("requests_per_minute", 1, quota={"requests_per_minute": 1}),
    Limit("key.requests_per_minute", 1, of_key={"requests_per_minute": 1}),
    Limit("seconds_per_day", 1, quota={"seconds_per_day": 5}),
    Limit("key.spend_per_month", 1, of_key={"spend_per_month": PRICE}),
)
ANSWERED_BEFORE = "idempotent-replayed"


def callers_of_limit(limit: Limit, owner: Caller) -> list[Caller]:
    """Clients of one tenant with their own keys; only one if the limit is that of a key."""
    assert owner.key is not None
    set_noon(owner.tenant)
    Quota.objects.create(tenant=owner.tenant, **limit.quota)
    if limit.paid:
        pay(owner.tenant, limit.paid)
    for name, value in limit.of_key.items():
        setattr(owner.key, name, value)
        owner.key.save(update_fields=[name])
    return [owner] if limit.of_key else callers_of(owner)


def callers_of(owner: Caller) -> list[Caller]:
    return [owner, *(make_caller(owner.tenant) for _ in range(3))]


def set_noon(tenant: Tenant) -> None:
    """Use a time zone in which it is noon, so that no day ends during the test."""
    tenant.time_zone = f"Etc/GMT{timezone.now().hour - 12:+d}"
    tenant.save(update_fields=["time_zone"])


def pay(tenant: Tenant, amount: Decimal) -> None:
    staff, _ = User.objects.get_or_create(username="Bob", is_staff=True)
    ledger.top_up(tenant, amount, staff, "paid", timezone.now())


def asks_of(callers: list[Caller], count: int, **fields: Any) -> list[Ask]:
    """That many requests, by each caller in turn."""
    return [Ask(caller, **fields) for caller in itertools.islice(itertools.cycle(callers), count)]


# Checks afterwards


def assert_exactly(limit: Limit, admitted: int, answers: list[Answer]) -> None:
    """Check that this many were admitted and all others refused by exactly this limit."""
    refused = [answer.body for answer in answers if answer.status != 200]
    assert Counter(answer.status for answer in answers) == {200: admitted, 429: len(answers) - admitted}
    assert {body["code"] for body in refused} == {limit.code}
    assert {error["limit"] for body in refused for error in body["errors"]} == {limit.name}
    assert len({answer.body["id"] for answer in answers if answer.status == 200}) == admitted


def assert_books_clean(tenant: Tenant, limit: Limit) -> None:
    """Check that the books agree and that the limit was never exceeded."""
    assert reconciliation.differences() == []
    open_tasks = Task.objects.filter(tenant=tenant, status__in=sorted(ACTIVE - {Status.WAITING})).count()
    assert Standing.objects.get(tenant=tenant).open_tasks == open_tasks
    for balance, unfinished in history(tenant):
        assert limit is not BALANCE or balance >= 0
        assert limit is not CONCURRENT or unfinished <= limit.admits


def history(tenant: Tenant) -> Iterator[tuple[Decimal, int]]:
    """The balance and the number of open tasks after each ledger entry.

    Entries are numbered under the lock of the tenant's totals, so in the order they took effect.
    """
    balance, unfinished = Decimal(0), 0
    for entry in LedgerEntry.objects.filter(tenant=tenant).order_by("id"):
        balance += entry.amount
        unfinished += {"hold": 1, "capture": -1, "release": -1}.get(entry.kind, 0)
        yield balance, unfinished


# Ending tasks


def end_next(account: UpstreamAccount) -> bool:
    """Fail or complete the next task; returns whether there was one."""
    now = timezone.now()
    task = claim_next(account, now)
    if task is None:
        return False
    lifecycle.accepted(task, task.public_id, now, timedelta(minutes=1))
    if random.random() < 0.5:  # noqa: S311 - chance, not secrecy
        return lifecycle.fail(task, FailureCode.GENERATION_FAILED, "It did not work.", now)
    lifecycle.produced(task, "https://example.com/1.mp4", "", now)
    return lifecycle.succeed(task, StoredMedia("1.mp4", 1), now)


@contextmanager
def tasks_ending(account: UpstreamAccount) -> Iterator[None]:
    """End tasks continuously within the block."""
    is_over = Event()

    def work() -> None:
        while not is_over.is_set():
            end_next(account) or is_over.wait(web_process.SHORT_BREAK)

    with meanwhile(work):
        try:
            yield
        finally:
            is_over.set()


@contextmanager
def meanwhile(work: Callable[[], object]) -> Iterator[None]:
    """Do the work in a thread beside the block, and wait for its end."""

    def run() -> None:
        try:
            work()
        finally:
            connection.close()

    thread = Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        thread.join()


# Limits


@pytest.mark.parametrize("limit", LIMITS, ids=str)
def test_a_limit_is_exact_with_many_concurrent_requests(
    limit: Limit, web: WebProcesses, owner: Caller, account: UpstreamAccount
) -> None:
    answers = web.answers(asks_of(callers_of_limit(limit, owner), limit.asked))
    assert_exactly(limit, limit.admits, answers)
    assert Task.objects.count() == limit.admits
    assert_books_clean(owner.tenant, limit)


def test_a_balance_can_be_spent_completely(
    web: WebProcesses, owner: Caller, account: UpstreamAccount
) -> None:
    web.answers(asks_of(callers_of_limit(BALANCE, owner), 100))
    standing = Standing.objects.get(tenant=owner.tenant)
    assert (standing.balance, standing.held) == (Decimal(0), BALANCE.paid)


@pytest.mark.parametrize("limit", [CONCURRENT, BALANCE], ids=str)
def test_a_limit_is_exact_while_processes_are_killed(
    limit: Limit, web: WebProcesses, owner: Caller, account: UpstreamAccount
) -> None:
    callers = callers_of_limit(limit, owner)
    answers = web.answers_while_killed(asks_of(callers, limit.asked), kills=4)
    assert {answer.status for answer in answers} <= {200, 429}
    assert Task.objects.count() == limit.admits
    assert_books_clean(owner.tenant, limit)


@pytest.mark.parametrize("limit", [CONCURRENT, BALANCE], ids=str)
def test_no_slot_is_lost_when_tasks_end_while_processes_are_killed(
    limit: Limit, web: WebProcesses, owner: Caller, account: UpstreamAccount
) -> None:
    callers = callers_of_limit(limit, owner)
    with tasks_ending(account):
        web.answers_while_killed(asks_of(callers, 300), kills=3)
    assert_books_clean(owner.tenant, limit)
    while end_next(account):
        pass
    pay(owner.tenant, 3 * PRICE)
    left = int(Standing.objects.get(tenant=owner.tenant).balance / PRICE)
    web.wait()
    room = limit.admits if limit is CONCURRENT else left
    assert_exactly(limit, room, web.answers(asks_of(callers, room + 50)))
    assert_books_clean(owner.tenant, limit)


CHANGES: dict[str, Callable[[Tenant], object]] = {
    "a lower quota": lambda tenant: Quota.objects.filter(tenant=tenant).update(concurrent_tasks=1),
    "a suspension": lambda tenant: tenant.suspend(timezone.now()),
    "revoked keys": lambda tenant: APIKey.objects.filter(tenant=tenant).update(revoked_at=timezone.now()),
    "a price": lambda _: Price.objects.update(per_second=10**6),
}


@pytest.mark.parametrize("change", CHANGES)
def test_nothing_is_admitted_by_earlier_limits_once_their_change_is_committed(
    change: str, web: WebProcesses, owner: Caller, account: UpstreamAccount
) -> None:
    Quota.objects.create(tenant=owner.tenant, concurrent_tasks=10**6, spend_per_day=10**6)
    callers, admitted = callers_of(owner), list[int]()

    def change_amid() -> None:
        wait_until("fifty tasks", lambda: Task.objects.count() >= 50)
        CHANGES[change](owner.tenant)
        admitted.append(Task.objects.count())

    with meanwhile(change_amid):
        answers = web.answers(asks_of(callers, 400))
    assert admitted == [Task.objects.count()]
    assert sum(answer.status == 200 for answer in answers) == admitted[0] < len(answers)
    assert reconciliation.differences() == []


def test_keys_are_rotated_amid_creates_without_refusals(
    web: WebProcesses, owner: Caller, account: UpstreamAccount
) -> None:
    callers = [owner, *(make_caller(owner.tenant) for _ in range(7))]

    def rotate_all() -> None:
        wait_until("a task", lambda: Task.objects.exists())
        for caller in callers:
            assert caller.key is not None
            caller.key.rotate(timezone.now(), timedelta(hours=1))

    with meanwhile(rotate_all):
        answers = web.answers(asks_of(callers, 400))
    assert Counter(answer.status for answer in answers) == {200: 400}
    assert APIKey.objects.filter(replaced_by__isnull=False).count() == len(callers)


def test_creates_that_wait_at_the_same_moment_are_served_together(
    web: WebProcesses, account: UpstreamAccount
) -> None:
    # Each tenant asks one process: with a tenant in several, a slow machine leaves more to the views.
    tenants = [Tenant.objects.create(name=f"tenant {number}") for number in range(web_process.COUNT)]
    callers = [make_caller(tenant) for tenant in tenants]
    APIKey.objects.update(last_used_at=timezone.now())  # a first use is recorded by the view
    answers = web.answers(asks_of(callers, 200))
    assert Counter(answer.status for answer in answers) == {200: 200}
    assert Counter(answer.headers.get("x-reelay-lane") for answer in answers)["yes"] > 100


def test_a_tenant_whose_totals_are_locked_delays_no_other(
    web: WebProcesses, owner: Caller, stranger: Caller, account: UpstreamAccount
) -> None:
    APIKey.objects.update(last_used_at=timezone.now())
    web.answers(asks_of([owner, stranger], 2))
    late: list[Answer] = []
    blocked = Thread(target=lambda: late.extend(web.answers(asks_of([owner], 2 * web_process.COUNT))))
    with transaction.atomic():
        standing.lock(owner.tenant.pk)
        blocked.start()
        wait_until("a create waits", lambda: waiting_for_locks() > 0)
        answers = web.answers(asks_of([stranger], 40))
    blocked.join()
    assert Counter(answer.status for answer in [*answers, *late]) == {200: 40 + 2 * web_process.COUNT}
    assert reconciliation.differences() == []


# Replays and retries


def test_one_idempotency_key_makes_one_task(
    web: WebProcesses, owner: Caller, workers: Workers, sandbox: Sandbox, sandbox_account: UpstreamAccount
) -> None:
    Quota.objects.create(tenant=owner.tenant, concurrent_tasks=1)
    workers.start()
    answers = web.answers(asks_of(callers_of(owner), 200, headers={"Idempotency-Key": "one"}))
    assert Counter(answer.status for answer in answers) == {200: 200}
    assert len({answer.text for answer in answers}) == 1
    assert Counter(answer.headers.get(ANSWERED_BEFORE) for answer in answers) == {None: 1, "true": 199}
    wait_for(Task.objects.get(), Status.SUCCEEDED)
    assert Counter(LedgerEntry.objects.values_list("kind", flat=True)) == {"hold": 1, "capture": 1}
    assert len(sandbox.tasks()) == 1
    assert reconciliation.differences() == []


@pytest.mark.parametrize("limit", FILLED_BY_ONE, ids=str)
def test_a_replay_of_the_task_that_reached_a_limit_is_not_refused(
    limit: Limit, web: WebProcesses, owner: Caller, account: UpstreamAccount
) -> None:
    callers = callers_of_limit(limit, owner)
    answers = web.answers(asks_of(callers, 60, headers={"Idempotency-Key": "one"}))
    assert Counter(answer.status for answer in answers) == {200: 60}
    assert len({answer.text for answer in answers}) == 1 == Task.objects.count()


def test_one_idempotency_key_makes_one_task_while_processes_are_killed(
    web: WebProcesses, owner: Caller, account: UpstreamAccount
) -> None:
    asks = asks_of(callers_of(owner), 200, headers={"Idempotency-Key": "one"})
    answers = web.answers_while_killed(asks, kills=3)
    assert {answer.body["id"] for answer in answers} == {Task.objects.get().public_id}
    assert LedgerEntry.objects.get().kind == "hold"


def test_an_idempotency_key_has_one_body_even_with_concurrent_requests(
    web: WebProcesses, owner: Caller, account: UpstreamAccount
) -> None:
    headers = {"Idempotency-Key": "one"}
    bodies = [{**GOOD_BODY, "prompt": prompt} for prompt in ("a cat", "a dog")]
    answers = web.answers([Ask(owner, bodies[number % 2], headers) for number in range(100)])
    winner = Task.objects.get().request["prompt"]
    assert Counter(answer.status for answer in answers) == {200: 50, 422: 50}
    assert {answer.body["prompt"] for answer in answers if answer.status == 200} == {winner}
    assert {answer.body["code"] for answer in answers if answer.status == 422} == {"idempotency_key_reused"}


def test_concurrent_retries_of_a_request_that_never_arrived_make_one_task(
    web: WebProcesses, owner: Caller, account: UpstreamAccount
) -> None:
    answers = web.answers(asks_of([owner], 50, headers={"x-stainless-retry-count": "1"}))
    assert {answer.body["id"] for answer in answers} == {Task.objects.get().public_id}


def test_concurrent_identical_requests_make_one_task_each(
    web: WebProcesses, owner: Caller, account: UpstreamAccount
) -> None:
    answers = web.answers(asks_of([owner], 50, headers={"x-stainless-retry-count": "0"}))
    assert len({answer.body["id"] for answer in answers}) == 50 == Task.objects.count()
    assert reconciliation.differences() == []


# Keys


def test_a_revoked_key_is_refused_by_every_process_at_once(web: WebProcesses, owner: Caller) -> None:
    assert owner.key is not None
    mate = make_caller(owner.tenant)

    def statuses(caller: Caller) -> set[int]:
        return {answer.status for answer in web.answers(asks_of([caller], 40, path="/v1/videos/validate"))}

    assert statuses(owner) == {200}
    owner.key.revoke(timezone.now())
    assert statuses(owner) == {401}
    assert statuses(mate) == {200}
    owner.tenant.suspend(timezone.now())
    assert statuses(mate) == {401}
