"""Alert: tell a tenant's owners once that its balance has fallen below the level they set.

A tenant is claimed before its mails are sent, and given back if the mail server takes none of them: then they
are sent again at the next run. So nobody is told twice, and a mail server that is down for a while costs only
time. What may be lost: the mail to one of several owners, and those of the one tenant whose mails a worker
was sending when it was killed.
"""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import connection

from accounts.members.owners import mail_owners
from accounts.models import BalanceAlert, Tenant
from config.amounts import format_with_currency


def alert(now: datetime) -> None:
    """Mail those whose balance is below their level, each once until it has been above it."""
    for tenant in Tenant.objects.in_bulk(_below()).values():
        if claimed := _claimed(tenant, now):
            _tell(tenant, *claimed, now)


def _tell(tenant: Tenant, level: Decimal, balance: Decimal, now: datetime) -> None:
    """Mail the tenant's owners; if that fails, it is told at the next run."""
    amounts = {"level": format_with_currency(level), "balance": format_with_currency(balance)}
    is_told = False
    try:
        is_told = mail_owners(tenant, "low_balance", amounts)
    finally:
        if not is_told:
            BalanceAlert.objects.filter(tenant=tenant, told_at=now).update(told_at=None)


def _below() -> Iterable[UUID]:
    """Tenants that are to be told, after those whose balance has been above their level are armed again."""
    with connection.cursor() as cursor:
        cursor.execute(_ARM_AGAIN)
        cursor.execute(_BELOW)
        return [tenant for (tenant,) in cursor.fetchall()]


def _claimed(tenant: Tenant, now: datetime) -> tuple[Decimal, Decimal] | None:
    """Level and balance of the tenant; None if another process was faster, or it is not below any more."""
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, {"now": now, "tenant": tenant.pk})
        claimed: tuple[Decimal, Decimal] | None = cursor.fetchone()
    return claimed


_ARM_AGAIN = """
UPDATE accounts_balancealert alert SET told_at = NULL FROM accounts_standing standing
WHERE standing.tenant_id = alert.tenant_id AND alert.told_at IS NOT NULL AND standing.balance > alert.level
"""
_BELOW = """
SELECT alert.tenant_id FROM accounts_balancealert alert JOIN accounts_standing standing USING (tenant_id)
WHERE alert.told_at IS NULL AND standing.balance < alert.level ORDER BY alert.tenant_id
"""
_CLAIM = """
UPDATE accounts_balancealert alert SET told_at = %(now)s FROM accounts_standing standing
WHERE alert.tenant_id = %(tenant)s AND standing.tenant_id = alert.tenant_id AND alert.told_at IS NULL
    AND standing.balance < alert.level
RETURNING alert.level, standing.balance
"""
"""A row that another process changes meanwhile is looked at again, so that only one finds `told_at` empty."""
