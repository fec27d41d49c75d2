"""`reconcile` reports nothing if the books agree, and names each difference otherwise."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from io import StringIO
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from accounts.models import Standing
from config.amounts import format_amount
from tests.conftest import NOW, Caller, MakeTask, order_video
from videos.billing import reconciliation
from videos.models import DailyUsage, LedgerEntry, Task
from videos.states import Status
from videos.tasks import lifecycle

PRICE = Decimal("1.50")
YESTERDAY = NOW - timedelta(days=1)
LONG_AGO = NOW - timedelta(days=40)


@dataclass(frozen=True)
class Books:
    """Alice's books with tasks in every state; Charlie has no tasks."""

    tasks: dict[Status, Task]
    owner: Caller
    stranger: Caller

    def entry(self, status: Status, kind: str) -> LedgerEntry:
        return LedgerEntry.objects.get(task=self.tasks[status], kind=kind)

    def total(self, **totals: Any) -> None:
        Standing.objects.filter(tenant=self.owner.tenant).update(**totals)

    def use(self, moment: datetime, **figures: Any) -> None:
        rows = DailyUsage.objects.filter(tenant=self.owner.tenant, day=moment.date())
        rows.filter(api_key=self.owner.key).update(**figures)

    def change(self, entry: LedgerEntry, **fields: Any) -> None:
        with _unguarded_ledger():
            LedgerEntry.objects.filter(pk=entry.pk).update(**fields)

    def remove(self, entry: LedgerEntry) -> None:
        with _unguarded_ledger():
            entry.delete()

    def enter(self, kind: str, amount: str, held: str = "0", status: Status | None = None) -> None:
        task = self.tasks[status] if status else None
        person = {} if task else {"actor_name": "Dora", "reason": "paid by transfer"}
        entry = {"tenant": self.owner.tenant, "task": task, "kind": kind, "at": NOW, **person}
        LedgerEntry.objects.create(**entry, amount=amount, held=held)


@contextmanager
def _unguarded_ledger() -> Iterator[None]:
    """Disable the triggers of the ledger, as only a superuser can."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # a table with pending checks cannot be altered
        cursor.execute("ALTER TABLE videos_ledgerentry DISABLE TRIGGER videos_ledgerentry_append_only")
        yield
        cursor.execute("ALTER TABLE videos_ledgerentry ENABLE TRIGGER videos_ledgerentry_append_only")


@pytest.fixture
def books(owner: Caller, stranger: Caller, make_task: MakeTask) -> Books:
    books = Books({status: make_task(status, price=PRICE) for status in Status}, owner, stranger)
    for moment in (YESTERDAY, LONG_AGO):
        make_task(Status.SUCCEEDED, price=PRICE, now=moment)
        make_task(Status.FAILED, price=PRICE, now=moment, api_key=None)
    books.enter("top_up", "100")
    _write_totals(books)
    return books


def _write_totals(books: Books) -> None:
    """Write the totals `make_task` leaves alone: of all tasks except lost ones."""
    books.total(
        balance=100 - 9 * PRICE,
        day=NOW.date(),
        day_seconds=7 * 5,
        day_spend=7 * PRICE,
        month=NOW.date().replace(day=1),
        month_seconds=8 * 5,
        month_spend=8 * PRICE,
    )


def _reconcile(*arguments: str) -> str:
    output = StringIO()
    call_command("reconcile", *arguments, stdout=output)
    return output.getvalue()


def _differences(*arguments: str) -> list[str]:
    """The lines the command prints with exit code 1, without row numbers."""
    output = StringIO()
    with pytest.raises(CommandError) as ended:
        call_command("reconcile", *arguments, stdout=output)
    assert ended.value.returncode == 1
    lines = output.getvalue().splitlines()
    assert re.search(rf": {len(lines)} differences?$", str(ended.value))
    return [re.sub(r"(task_|entry |with key )[0-9a-f]+", r"\1…", line) for line in lines]


@pytest.mark.usefixtures("db")
def test_an_empty_database_agrees() -> None:
    assert _reconcile() == "0 entries, 0 tenants: everything agrees\n"


@pytest.mark.usefixtures("books")
def test_correct_books_agree() -> None:
    assert _reconcile() == f"{LedgerEntry.objects.count()} entries, 2 tenants: everything agrees\n"
    assert reconciliation.differences() == []


@pytest.mark.usefixtures("account")
def test_books_written_by_the_lifecycle_agree(owner: Caller) -> None:
    made = [order_video(owner) for _ in range(3)]
    lifecycle.cancel(made[0], NOW)
    assert _reconcile() == "4 entries, 1 tenant: everything agrees\n"


# --- corruptions and their reports


def _move_between_tenants(books: Books) -> None:
    books.change(books.entry(Status.RUNNING, "hold"), tenant=books.stranger.tenant)


def _fail_behind_the_books(books: Books) -> None:
    task = Task.objects.filter(pk=books.tasks[Status.RUNNING].pk)
    task.update(status=Status.FAILED, finished_at=NOW, failure_code="generation_failed")


_OPEN = "open_tasks is the number of its tasks neither final nor waiting"
_WAITING = "waiting_tasks is the number of its tasks that wait"
_BALANCE = "balance is the sum of its ledger"
_HELD = "held is what its ledger sets aside"
_HELD_PRICES = "held is the price of its tasks that are not final"
_SPEND = "the spend of its daily use is what its ledger took for tasks"
_HOLD = "the hold of task_… is its price"
_TODAY = "Kling-3.0-720p on 2026-11-20 with key … are those of its tasks"
_LONG_AGO = "Kling-3.0-720p on 2026-10-11 with key … are those of its tasks"
_UNUSED = "GV-3.1-720p on 2026-10-11 without a key are those of its tasks"
_KEYLESS = "Kling-3.0-720p on 2026-11-19 without a key are those of its tasks"

CORRUPTIONS: list[tuple[str, Callable[[Books], object], list[str]]] = [
    ("a slot leaked", lambda books: books.total(open_tasks=6), [f"{_OPEN}: is 6, should be 5"]),
    ("one waits too few", lambda books: books.total(waiting_tasks=0), [f"{_WAITING}: is 0, should be 1"]),
    ("money lost", lambda books: books.total(balance="86"), [f"{_BALANCE}: is 86.00, should be 86.50"]),
    (
        "too much set aside",
        lambda books: books.total(held="10.000001"),
        [f"{_HELD}: is 10.000001, should be 9.00", f"{_HELD_PRICES}: is 10.000001, should be 9.00"],
    ),
    (
        "money paid in beside the totals",
        lambda books: books.enter("top_up", "10"),
        [f"{_BALANCE}: is 86.50, should be 96.50"],
    ),
    (
        "a day's seconds",
        lambda books: books.total(day_seconds=30),
        ["day_seconds is its use of that day: is 30, should be 35"],
    ),
    (
        "a day's spend",
        lambda books: books.total(day_spend="10"),
        ["day_spend is its use of that day: is 10.00, should be 10.50"],
    ),
    (
        "a month's seconds",
        lambda books: books.total(month_seconds=0),
        ["month_seconds is its use of that month: is 0, should be 40"],
    ),
    (
        "a month's spend",
        lambda books: books.total(month_spend="12.3"),
        ["month_spend is its use of that month: is 12.30, should be 12.00"],
    ),
    (
        "today's use under yesterday's date",
        lambda books: books.total(day=YESTERDAY.date()),
        [
            "day_seconds is its use of that day: is 35, should be 5",
            "day_spend is its use of that day: is 10.50, should be 1.50",
        ],
    ),
    (
        "a task without a hold",
        lambda books: books.remove(books.entry(Status.QUEUED, "hold")),
        [
            f"{_BALANCE}: is 86.50, should be 88.00",
            f"{_HELD}: is 9.00, should be 7.50",
            f"{_SPEND}: is 13.50, should be 12.00",
            f"{_HOLD}: is nothing, should be 1.50",
        ],
    ),
    (
        "a hold of another price",
        lambda books: books.change(books.entry(Status.QUEUED, "hold"), held=2, amount=-2),
        [
            f"{_BALANCE}: is 86.50, should be 86.00",
            f"{_HELD}: is 9.00, should be 9.50",
            f"{_SPEND}: is 13.50, should be 14.00",
            f"{_HOLD}: is 2.00, should be 1.50",
        ],
    ),
    (
        "a video not paid for",
        lambda books: books.remove(books.entry(Status.SUCCEEDED, "capture")),
        [
            f"{_HELD}: is 9.00, should be 10.50",
            "task_… (succeeded) is closed accordingly: is nothing, should be capture of 1.50",
        ],
    ),
    (
        "a video given away",
        lambda books: books.change(books.entry(Status.SUCCEEDED, "capture"), kind="release", amount=PRICE),
        [
            f"{_BALANCE}: is 86.50, should be 88.00",
            f"{_SPEND}: is 13.50, should be 12.00",
            "task_… (succeeded) is closed accordingly: is release of 1.50, should be capture of 1.50",
        ],
    ),
    (
        "a failure paid for",
        lambda books: books.change(books.entry(Status.FAILED, "release"), kind="capture", amount=0),
        [
            f"{_BALANCE}: is 86.50, should be 85.00",
            f"{_SPEND}: is 13.50, should be 15.00",
            "task_… (failed) is closed accordingly: is capture of 1.50, should be release of 1.50",
        ],
    ),
    (
        "money not given back",
        lambda books: books.remove(books.entry(Status.CANCELLED, "release")),
        [
            f"{_BALANCE}: is 86.50, should be 85.00",
            f"{_HELD}: is 9.00, should be 10.50",
            f"{_SPEND}: is 13.50, should be 15.00",
            "task_… (cancelled) is closed accordingly: is nothing, should be release of 1.50",
        ],
    ),
    (
        "too little taken",
        lambda books: books.change(books.entry(Status.SUCCEEDED, "capture"), held="-1"),
        [
            f"{_HELD}: is 9.00, should be 9.50",
            "task_… (succeeded) is closed accordingly: is capture of 1.00, should be capture of 1.50",
        ],
    ),
    (
        "an open task closed",
        lambda books: books.enter("capture", "0", "-1.50", Status.RUNNING),
        [
            f"{_HELD}: is 9.00, should be 7.50",
            "task_… (running) is closed accordingly: is capture of 1.50, should be nothing",
        ],
    ),
    (
        "another tenant pays",
        _move_between_tenants,
        [
            f"{_BALANCE}: is 86.50, should be 88.00",
            f"{_HELD}: is 9.00, should be 7.50",
            f"{_SPEND}: is 13.50, should be 12.00",
            "Charlie: balance is the sum of its ledger: is 0.00, should be -1.50",
            "Charlie: held is what its ledger sets aside: is 0.00, should be 1.50",
            "Charlie: the spend of its daily use is what its ledger took for tasks: is 0.00, should be 1.50",
            "entry … is of the tenant of its task: is Charlie, should be Alice",
        ],
    ),
    (
        "a task that ended behind the books",
        _fail_behind_the_books,
        [
            f"{_OPEN}: is 5, should be 4",
            f"{_HELD_PRICES}: is 9.00, should be 7.50",
            "task_… (failed) is closed accordingly: is nothing, should be release of 1.50",
            f"failed of {_TODAY}: is 2, should be 3",
            f"seconds of {_TODAY}: is 35, should be 30",
            f"spend of {_TODAY}: is 10.50, should be 9.00",
        ],
    ),
    (
        "tasks used",
        lambda books: books.use(LONG_AGO, tasks=2),
        [f"tasks of {_LONG_AGO}: is 2, should be 1"],
    ),
    (
        "completions used",
        lambda books: books.use(LONG_AGO, completed=0),
        [f"completed of {_LONG_AGO}: is 0, should be 1"],
    ),
    (
        "failures used",
        lambda books: books.use(LONG_AGO, failed=1),
        [f"failed of {_LONG_AGO}: is 1, should be 0"],
    ),
    (
        "seconds used",
        lambda books: books.use(LONG_AGO, seconds=6),
        [f"seconds of {_LONG_AGO}: is 6, should be 5"],
    ),
    (
        "spend used",
        lambda books: books.use(LONG_AGO, spend=2),
        [f"{_SPEND}: is 14.00, should be 13.50", f"spend of {_LONG_AGO}: is 2.00, should be 1.50"],
    ),
    (
        "use of no key is missing",
        lambda books: DailyUsage.objects.filter(day=YESTERDAY.date(), api_key=None).delete(),
        [f"tasks of {_KEYLESS}: is nothing, should be 1", f"failed of {_KEYLESS}: is nothing, should be 1"],
    ),
    (
        "use of what nobody asked for",
        lambda books: DailyUsage.objects.create(
            tenant=books.owner.tenant, day=LONG_AGO.date(), model="GV-3.1-720p", seconds=8
        ),
        [f"seconds of {_UNUSED}: is 8, should be nothing"],
    ),
]


@pytest.mark.parametrize(
    ("corrupt", "lines"), [pytest.param(corrupt, lines, id=what) for what, corrupt, lines in CORRUPTIONS]
)
def test_each_corruption_is_found(corrupt: Callable[[Books], object], lines: list[str], books: Books) -> None:
    corrupt(books)
    named = [line if line.startswith("Charlie: ") else f"Alice: {line}" for line in lines]
    assert sorted(_differences()) == sorted(named)


def test_missing_totals_are_found(books: Books) -> None:
    Standing.objects.filter(tenant=books.owner.tenant).delete()
    differences = reconciliation.differences()
    kept = {field.name for field in Standing._meta.fields} - {
        "tenant",
        "version",
        "limits_version",
        "day",
        "month",
    }
    assert {difference.rule.split()[0] for difference in differences} == kept
    assert {difference.found for difference in differences} == {"nothing"}


@pytest.mark.parametrize("amount", ["0", "0.225", "-3", "1234567.5", "0.000001", "-999999999999.999999"])
def test_amounts_are_formatted_as_elsewhere(amount: str, books: Books) -> None:
    books.total(balance=amount)
    assert [difference.found for difference in reconciliation.differences()] == [
        format_amount(Decimal(amount))
    ]


# --- one tenant, one snapshot


def test_a_single_tenant_can_be_checked(books: Books) -> None:
    books.total(open_tasks=0)
    assert _reconcile("--tenant", "Charlie") == "0 entries, 1 tenant: everything agrees\n"
    assert _differences("--tenant", "Alice") == [f"Alice: {_OPEN}: is 0, should be 5"]


def test_an_entry_of_the_wrong_tenant_is_found_from_both_sides(books: Books) -> None:
    _move_between_tenants(books)
    for tenant in ("Alice", "Charlie"):
        assert "Alice: entry … is of the tenant of its task: is Charlie, should be Alice" in _differences(
            "--tenant", tenant
        )


def test_an_unknown_tenant_is_refused(books: Books) -> None:
    with pytest.raises(CommandError, match="no tenant named 'Bob'"):
        _reconcile("--tenant", "Bob")


@pytest.mark.django_db(transaction=True)
def test_concurrent_writes_are_not_seen(owner: Caller, make_task: MakeTask) -> None:
    make_task(Status.RUNNING)
    with connection.execute_wrapper(_ConcurrentWriter(owner)):
        assert _reconcile() == "1 entry, 1 tenant: everything agrees\n"
    assert _differences() == [f"Alice: {_OPEN}: is 7, should be 1"]


class _ConcurrentWriter:
    """Writes wrong totals on another connection after the first rows were read."""

    def __init__(self, owner: Caller) -> None:
        self._owner = owner
        self._is_done = False

    def __call__(self, execute: Callable[..., Any], sql: str, *others: Any) -> Any:
        answer = execute(sql, *others)
        if "videos_ledgerentry" in sql and not self._is_done:
            self._is_done = True
            with psycopg.connect(**connection.get_connection_params()) as elsewhere:
                write = "UPDATE accounts_standing SET open_tasks = 7 WHERE tenant_id = %s"
                elsewhere.execute(write, [self._owner.tenant.pk])
        return answer
