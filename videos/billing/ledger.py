"""Closes a task's hold and books payments and corrections by staff, with the tenant's totals and use.

The hold itself is written with the task (`tasks.sql.CREATE`).
"""

from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import F, QuerySet

from accounts.models import Tenant, User
from accounts.quotas import standing
from accounts.quotas.totals import Demand, Totals
from config.amounts import rounded
from videos.models import DailyUsage, EntryKind, LedgerEntry, Task


def capture(task: Task, totals: Totals, now: datetime) -> Totals:
    """Charge the held price of a task that completed. Returns the new totals."""
    _enter(task, EntryKind.CAPTURE, Decimal(0), now)
    _usage(task).update(completed=F("completed") + 1)
    return totals.with_capture(_demand(task))


def release(task: Task, totals: Totals, now: datetime, *, waited: bool) -> Totals:
    """Return the held price and the use of a task that will not complete. Returns the new totals."""
    _enter(task, EntryKind.RELEASE, task.price, now)
    _usage(task).update(
        failed=F("failed") + 1, seconds=F("seconds") - task.seconds, spend=F("spend") - task.price
    )
    return totals.with_release(_demand(task), task.usage_day, waited=waited)


def top_up(tenant: Tenant, amount: Decimal, actor: User, reason: str, now: datetime) -> LedgerEntry:
    """Book a payment; `amount` is positive."""
    return _move(tenant, EntryKind.TOP_UP, amount, actor, reason, now)


def adjust(tenant: Tenant, amount: Decimal, actor: User, reason: str, now: datetime) -> LedgerEntry:
    """Correct the balance by `amount`, positive or negative."""
    return _move(tenant, EntryKind.ADJUSTMENT, amount, actor, reason, now)


def _move(
    tenant: Tenant, kind: EntryKind, amount: Decimal, actor: User, reason: str, now: datetime
) -> LedgerEntry:
    with transaction.atomic():
        totals = standing.lock(tenant.pk)
        standing.save(tenant.pk, totals.with_balance(rounded(amount)))
        return LedgerEntry.objects.create(
            tenant=tenant,
            kind=kind,
            amount=rounded(amount),
            at=now,
            actor=actor,
            actor_name=actor.get_username(),
            reason=reason,
        )


def _enter(task: Task, kind: EntryKind, amount: Decimal, now: datetime) -> None:
    LedgerEntry.objects.create(
        tenant_id=task.tenant_id, task=task, kind=kind, amount=amount, held=-task.price, at=now
    )


def _usage(task: Task) -> QuerySet[DailyUsage]:
    return DailyUsage.objects.filter(
        tenant=task.tenant_id, day=task.usage_day, model=task.model, api_key=task.api_key_id
    )


def _demand(task: Task) -> Demand:
    return Demand(task.seconds, task.price)
