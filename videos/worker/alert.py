"""Alert: tell a tenant's owners once that its balance has fallen below the level they set.

A tenant is claimed before its mails are sent, and given back if the mail server takes none of them: then they
are sent again at the next run. So nobody is told twice, and a mail server that is down for a while costs only
time. What may be lost: the mail to one of several owners, and those of the one tenant whose mails a worker
was sending when it was killed.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import connection

from accounts.models import BalanceAlert, Tenant
from config.amounts import format_with_currency
from videos.worker.mailing import OwnersMail


def due(now: datetime) -> Sequence[UUID]:
    """Tenants that are to be told, after those whose balance has been above their level are armed again."""
    with connection.cursor() as cursor:
        cursor.execute(_ARM_AGAIN)
        cursor.execute(_BELOW)
        return [tenant for (tenant,) in cursor.fetchall()]


def claim(tenant_id: UUID, now: datetime) -> OwnersMail | None:
    """The mail; None if another worker was faster, or the balance is not below the level any more."""
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, {"now": now, "tenant": tenant_id})
        claimed: tuple[Decimal, Decimal] | None = cursor.fetchone()
    if claimed is None:
        return None
    level, balance = map(format_with_currency, claimed)
    tenant = Tenant.objects.get(pk=tenant_id)
    return OwnersMail.about(tenant, "low_balance", mark=now, level=level, balance=balance)


def settle(sent: OwnersMail, *, is_taken: bool) -> None:
    """If the mail server took nothing, they are told at the next run."""
    if not is_taken:
        BalanceAlert.objects.filter(tenant=sent.tenant, told_at=sent.mark).update(told_at=None)


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
