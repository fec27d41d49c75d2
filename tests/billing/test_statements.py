"""Daily statements are exact, whether the days were booked or not."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.db.models import Sum

from accounts.models import Standing, Tenant, User
from tests.conftest import NOW, Caller, MakeTask, move
from tests.support.plans import add_others, analyse
from videos.billing import ledger, statements
from videos.billing.reconciliation import differences
from videos.billing.statements import Movement, Statement
from videos.models import BookedDay, BookedUntil, LedgerEntry
from videos.states import Status

DAY = NOW.date()
Pay = Callable[..., LedgerEntry]


@pytest.fixture
def pay(owner: Caller) -> Pay:
    """Top up or adjust the balance of Alice's tenant."""
    staff = User.objects.create_user("staff")

    def move(amount: str, at: datetime = NOW, *, is_correction: bool = False) -> LedgerEntry:
        book = ledger.adjust if is_correction else ledger.top_up
        return book(owner.tenant, Decimal(amount), staff, "because", at)

    return move


def read(tenant: Tenant, start: date = DAY, end: date = DAY) -> Statement:
    return statements.statement(Tenant.objects.get(pk=tenant.pk), start, end)


def sums(statement: Statement) -> dict[date, Decimal]:
    """The change of the balance on each day."""
    return {day.day: day.movement.change for day in statement.days}


@pytest.fixture(params=["live", "booked"])
def book(request: pytest.FixtureRequest) -> Callable[[], int]:
    """Run the test with booked and with unbooked days."""
    return statements.update_daily_sums if request.param == "booked" else lambda: 0


def test_a_day_shows_all_changes_of_the_balance(
    owner: Caller, make_task: MakeTask, pay: Pay, book: Callable[[], int]
) -> None:
    pay("100", NOW - timedelta(days=1))
    make_task(Status.SUCCEEDED, price=Decimal("3"))
    book()
    make_task(Status.FAILED, price=Decimal("5"))
    make_task(Status.RUNNING, price=Decimal("0.5"))
    pay("20")
    pay("-1.25", is_correction=True)
    statement = read(owner.tenant)
    [day] = statement.days
    assert day.movement == Movement(
        paid_in=Decimal(20),
        corrected=Decimal("-1.25"),
        set_aside=Decimal("-8.5"),
        given_back=Decimal(5),
        taken=Decimal(3),
    )
    assert (statement.opening, statement.held) == (Decimal(100), Decimal("0.5"))
    assert statement.closing == day.balance == Decimal("115.25")


def test_the_last_balance_equals_the_running_totals(
    owner: Caller, make_task: MakeTask, pay: Pay, book: Callable[[], int]
) -> None:
    for number, status in enumerate(Status):
        make_task(status, price=Decimal(number), now=NOW + timedelta(days=number))
        pay("7", NOW + timedelta(days=number, hours=20))
        book()
    standing = Standing.objects.get(tenant=owner.tenant)
    statement = read(owner.tenant, DAY, DAY + timedelta(days=30))
    assert (statement.opening, statement.closing) == (Decimal(0), standing.balance)
    assert statement.held == standing.held
    assert differences() == []


def test_days_outside_the_period_only_affect_its_balances(
    owner: Caller, pay: Pay, book: Callable[[], int]
) -> None:
    for days in (-2, -1, 0, 1, 2):
        pay("1", NOW + timedelta(days=days))
    book()
    statement = read(owner.tenant, DAY - timedelta(days=1), DAY + timedelta(days=1))
    assert (statement.opening, statement.closing, len(statement.days)) == (Decimal(1), Decimal(4), 3)
    nothing = read(owner.tenant, DAY + timedelta(days=10), DAY + timedelta(days=20))
    assert (nothing.opening, nothing.closing, len(nothing.days)) == (Decimal(5), Decimal(5), 0)
    before = read(owner.tenant, date(2000, 1, 1), date(2000, 12, 31))
    assert (before.opening, before.closing, len(before.days)) == (Decimal(0), Decimal(0), 0)


# --- time zones


@pytest.mark.parametrize(
    ("time_zone", "around", "hours"),
    [
        ("America/New_York", date(2026, 3, 8), 23),  # clocks go forward
        ("America/New_York", date(2026, 11, 1), 25),  # and back
        ("Asia/Kolkata", date(2026, 11, 1), 24),  # a half-hour offset
    ],
)
def test_days_follow_the_tenants_time_zone_through_clock_changes(
    time_zone: str, around: date, hours: int, owner: Caller, pay: Pay, book: Callable[[], int]
) -> None:
    Tenant.objects.update(time_zone=time_zone)
    zone = ZoneInfo(time_zone)
    first = datetime(around.year, around.month, around.day, tzinfo=zone).astimezone(UTC) - timedelta(hours=24)
    moments = [first + timedelta(minutes=30 * step) for step in range(2 * 72)]
    for moment in moments:
        pay("1", moment)
    book()
    statement = read(owner.tenant, around - timedelta(days=2), around + timedelta(days=3))
    counted = sums(statement)
    assert counted[around] == 2 * hours
    assert sum(counted.values()) == statement.total.change == len(moments)
    for moment in moments:
        assert moment.astimezone(zone).date() in counted
    entries = statements.by_people(Tenant.objects.get(pk=owner.tenant.pk), around, around)
    assert entries.aggregate(paid=Sum("amount"))["paid"] == counted[around]


def test_a_change_of_time_zone_does_not_change_past_days(owner: Caller, pay: Pay) -> None:
    evening, next_day = datetime(2026, 11, 20, 20, tzinfo=UTC), DAY + timedelta(days=1)
    pay("1", evening)
    statements.update_daily_sums()
    move(owner.tenant, "Asia/Shanghai", evening)
    pay("2", evening + timedelta(hours=3))  # already the next day in Shanghai
    pay("4", evening + timedelta(hours=5))
    pay("8", evening + timedelta(hours=21))  # past midnight in Shanghai
    for _ in range(2):
        counted = sums(read(owner.tenant, DAY, DAY + timedelta(days=2)))
        assert counted == {DAY: 3, next_day: 4, DAY + timedelta(days=2): 8}
        statements.update_daily_sums()
    tenant = Tenant.objects.get(pk=owner.tenant.pk)
    assert statements.by_people(tenant, DAY, DAY).count() == 2
    assert statements.by_people(tenant, next_day, next_day).count() == 1
    assert differences(tenant) == []


def test_tenants_see_only_their_own_money(
    owner: Caller, stranger: Caller, pay: Pay, book: Callable[[], int]
) -> None:
    pay("5")
    book()
    assert (read(owner.tenant).closing, read(stranger.tenant).closing) == (Decimal(5), Decimal(0))
    assert not statements.by_people(stranger.tenant, DAY, DAY).exists()


# --- booking


def test_booking_a_day_twice_adds_nothing(owner: Caller, pay: Pay) -> None:
    pay("5")
    assert [statements.update_daily_sums(), statements.update_daily_sums()] == [1, 0]
    statements.add_up(owner.tenant)
    assert BookedDay.objects.get().amount == 5
    pay("6")
    assert statements.update_daily_sums() == 1
    assert (BookedDay.objects.get().amount, BookedDay.objects.get().entries) == (Decimal(11), 2)
    assert BookedUntil.objects.get().entry == LedgerEntry.objects.latest("id").pk


def test_booked_days_that_differ_from_the_ledger_are_found(owner: Caller, pay: Pay) -> None:
    pay("5")
    statements.update_daily_sums()
    pay("6")
    assert differences() == []
    BookedDay.objects.update(amount=4)
    [difference] = differences()
    assert str(difference) == "Alice: its days add up to its ledger: is 4.00, should be 5.00"


def test_a_statement_is_one_query_over_unbooked_entries_only(owner: Caller, pay: Pay) -> None:
    add_others()
    for _ in range(20):
        pay("1")
    statements.update_daily_sums()
    pay("1")
    analyse()
    with connection.cursor() as cursor:
        values: dict[str, Any] = {"tenant": owner.tenant.pk, "zone": "UTC", "start": DAY, "end": DAY}
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statements._SUMS}", values)
        [(plan,)] = cursor.fetchall()
    assert _rows_read(plan[0]["Plan"], "videos_ledgerentry") == 1


def _rows_read(plan: dict[str, Any], table: str) -> int:
    own = plan["Actual Rows"] if plan.get("Relation Name") == table else 0
    return int(own) + sum(_rows_read(part, table) for part in plan.get("Plans", []))
