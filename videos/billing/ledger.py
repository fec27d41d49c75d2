"""What a task's end, and staff, do to a tenant's money and use. Each in the transaction of what it follows.

The hold of a task is written with the task (`statements.CREATE`); everything after it is written here.
"""

from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.db.models import F, QuerySet

from accounts.models import Standing, Tenant, User
from accounts.quotas.totals import Demand, Totals
from config.amounts import rounded
from config.db import prepared
from videos.models import DailyUsage, EntryKind, LedgerEntry, Task
from videos.tasks import sql


def lock(tenant_id: UUID) -> Totals:
    """The totals of the tenant; nobody else changes them before this transaction ends.

    Taken before any task of the tenant's is locked, by everybody who takes both.
    """
    row = prepared.fetch(sql.LOCK, {"tenant": tenant_id})
    assert row is not None, "every tenant has a standing"  # noqa: S101 - a trigger sees to it
    return Totals(*row)


def keep(tenant_id: UUID, totals: Totals) -> None:
    """Write the totals of a tenant that is locked."""
    Standing.objects.filter(pk=tenant_id).update(**asdict(totals))


def capture(task: Task, totals: Totals, now: datetime) -> Totals:
    """The task completed: what was set aside for it is taken. Returns the totals after it."""
    _enter(task, EntryKind.CAPTURE, Decimal(0), now)
    _usage(task).update(completed=F("completed") + 1)
    return totals.with_capture(_demand(task))


def release(task: Task, totals: Totals, now: datetime, *, waited: bool) -> Totals:
    """The task will not complete: its money and its use return. Returns the totals after it."""
    _enter(task, EntryKind.RELEASE, task.price, now)
    _usage(task).update(
        failed=F("failed") + 1, seconds=F("seconds") - task.seconds, spend=F("spend") - task.price
    )
    return totals.with_release(_demand(task), task.usage_day, waited=waited)


def top_up(tenant: Tenant, amount: Decimal, actor: User, reason: str, now: datetime) -> LedgerEntry:
    """Somebody paid `amount`, which is more than nothing."""
    return _move(tenant, EntryKind.TOP_UP, amount, actor, reason, now)


def adjust(tenant: Tenant, amount: Decimal, actor: User, reason: str, now: datetime) -> LedgerEntry:
    """Correct the balance by `amount`, up or down."""
    return _move(tenant, EntryKind.ADJUSTMENT, amount, actor, reason, now)


def _move(
    tenant: Tenant, kind: EntryKind, amount: Decimal, actor: User, reason: str, now: datetime
) -> LedgerEntry:
    with transaction.atomic():
        totals = lock(tenant.pk)
        keep(tenant.pk, totals.with_balance(rounded(amount)))
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
