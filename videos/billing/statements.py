"""A tenant's ledger by days: what was held, captured, released, paid in and corrected, and the balance.

Entries are added to daily sums from time to time; a statement adds the newer ones itself. It reads both in
one query, so it is always exact, and reads few entries.
"""

from collections.abc import Iterator
from dataclasses import astuple, dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet

from accounts.models import Tenant
from config.amounts import ZERO
from videos.models import BookedUntil, EntryKind, LedgerEntry


@dataclass(frozen=True)
class Movement:
    """The sums of entries by kind, each as it adds to the balance, except `taken`."""

    paid_in: Decimal = ZERO
    corrected: Decimal = ZERO
    set_aside: Decimal = ZERO
    given_back: Decimal = ZERO
    taken: Decimal = ZERO
    """Captured for completed videos; the balance was already reduced by the hold."""

    @property
    def change(self) -> Decimal:
        return self.paid_in + self.corrected + self.set_aside + self.given_back

    def __add__(self, other: "Movement") -> "Movement":
        return Movement(*(mine + its for mine, its in zip(astuple(self), astuple(other), strict=True)))


_COLUMN = {
    EntryKind.HOLD: "set_aside",
    EntryKind.RELEASE: "given_back",
    EntryKind.CAPTURE: "taken",
    EntryKind.TOP_UP: "paid_in",
    EntryKind.ADJUSTMENT: "corrected",
}


@dataclass(frozen=True)
class Day:
    """One of the tenant's days, and the balance at its end."""

    day: date
    movement: Movement
    balance: Decimal


@dataclass(frozen=True)
class Statement:
    """A tenant's money from `start` to `end`; `days` are those with entries."""

    start: date
    end: date
    opening: Decimal
    """The balance before the first day."""
    held: Decimal
    """Held for open tasks after the last day."""
    days: list[Day] = field(default_factory=list)

    @property
    def total(self) -> Movement:
        return sum((day.movement for day in self.days), Movement())

    @property
    def closing(self) -> Decimal:
        """The balance after the last day."""
        return self.opening + self.total.change


def statement(tenant: Tenant, start: date, end: date) -> Statement:
    """The tenant's statement from one day to another, both included, in one query."""
    values: dict[str, Any] = {"tenant": tenant.pk, "start": start, "end": end}
    with connection.cursor() as cursor:
        cursor.execute(_SUMS, values)
        rows = cursor.fetchall()
    held = sum((row[3] for row in rows), ZERO)
    opening = sum((amount for day, _, amount, _ in rows if day is None), ZERO)
    within = [row for row in rows if row[0] is not None]
    return Statement(start, end, opening, held, list(_days(within, opening)))


def by_people(tenant: Tenant, start: date, end: date) -> QuerySet[LedgerEntry]:
    """The payments and corrections on those days."""
    first, last = (tenant.clock.begin_of(day) for day in (start, end + timedelta(days=1)))
    return LedgerEntry.objects.filter(tenant=tenant, task=None, at__gte=first, at__lt=last)


def update_daily_sums() -> int:
    """Add new entries to the daily sums of all tenants. Returns how many tenants had new entries."""
    with connection.cursor() as cursor:
        cursor.execute(_BEHIND)
        behind = [tenant for (tenant,) in cursor.fetchall()]
    for tenant in Tenant.objects.filter(pk__in=behind):
        add_up(tenant)
    return len(behind)


def add_up(tenant: Tenant) -> None:
    """Add the tenant's new entries to its daily sums."""
    with transaction.atomic():
        BookedUntil.objects.get_or_create(tenant=tenant)
        until = BookedUntil.objects.select_for_update().get(tenant=tenant)
        ids = LedgerEntry.objects.filter(tenant=tenant).order_by("-id").values_list("id", flat=True)
        newest = ids.first() or 0
        values: dict[str, Any] = {"tenant": tenant.pk, "after": until.entry, "until": newest}
        with connection.cursor() as cursor:
            cursor.execute(_ADD, values)
        until.entry = newest
        until.save(update_fields=["entry"])


def _days(rows: list[tuple[Any, ...]], balance: Decimal) -> Iterator[Day]:
    for day, of_day in groupby(rows, key=lambda row: row[0]):
        # A capture has amount 0; what it takes is what is no longer held.
        moved = {
            _COLUMN[EntryKind(kind)]: -held if kind == EntryKind.CAPTURE else amount
            for _, kind, amount, held in of_day
        }
        movement = Movement(**moved)
        balance += movement.change
        yield Day(day, movement, balance)


_SUMS = """
WITH booked AS (
    SELECT entry FROM videos_bookeduntil WHERE tenant_id = %(tenant)s
), sums AS (
    SELECT day, kind, amount, held FROM videos_bookedday
        WHERE tenant_id = %(tenant)s AND day <= %(end)s AND EXISTS (SELECT FROM booked)
    UNION ALL
    SELECT accounts_day_of(at, time_zone, earlier_time_zones), kind, amount, held
        FROM videos_ledgerentry entry JOIN accounts_tenant tenant ON tenant.id = entry.tenant_id
        WHERE tenant_id = %(tenant)s AND entry.id > coalesce((SELECT entry FROM booked), 0)
)
SELECT CASE WHEN day >= %(start)s THEN day END AS shown_day, kind, sum(amount), sum(held)
FROM sums WHERE day <= %(end)s GROUP BY shown_day, kind ORDER BY shown_day, kind
"""
"""Sums of entries before the first day have no day."""

_BEHIND = """
SELECT tenant.id FROM accounts_tenant tenant
LEFT JOIN videos_bookeduntil booked ON booked.tenant_id = tenant.id
CROSS JOIN LATERAL (SELECT id FROM videos_ledgerentry WHERE tenant_id = tenant.id ORDER BY id DESC LIMIT 1)
    AS newest
WHERE booked.entry IS DISTINCT FROM newest.id
"""

_ADD = """
INSERT INTO videos_bookedday AS known (tenant_id, day, kind, entries, amount, held)
SELECT tenant_id, accounts_day_of(at, time_zone, earlier_time_zones), kind, count(*), sum(amount), sum(held)
FROM videos_ledgerentry entry JOIN accounts_tenant tenant ON tenant.id = entry.tenant_id
WHERE tenant_id = %(tenant)s AND entry.id > %(after)s AND entry.id <= %(until)s
GROUP BY 1, 2, 3
ON CONFLICT (tenant_id, day, kind) DO UPDATE SET entries = known.entries + excluded.entries,
    amount = known.amount + excluded.amount, held = known.held + excluded.held
"""
