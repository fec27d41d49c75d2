"""Alert: tell a tenant's owners once that its balance has fallen below the level they set."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import connection

from accounts.members.owners import mail_owners
from accounts.models import Tenant
from config.amounts import format_with_currency


def alert(now: datetime) -> None:
    """Mail those whose balance is below their level, each once until it has been above it."""
    below = _newly_below(now)
    for tenant in Tenant.objects.filter(pk__in=below):
        level, balance = map(format_with_currency, below[tenant.pk])
        mail_owners(tenant, "low_balance", {"level": level, "balance": balance})


def _newly_below(now: datetime) -> dict[UUID, tuple[Decimal, Decimal]]:
    """Level and balance of the tenants to tell; of two processes, only one gets each."""
    with connection.cursor() as cursor:
        cursor.execute(_UPDATE, {"now": now})
        return {tenant: (level, balance) for tenant, level, balance in cursor.fetchall()}


_UPDATE = """
WITH armed_again AS (
    UPDATE accounts_balancealert alert SET told_at = NULL FROM accounts_standing standing
    WHERE standing.tenant_id = alert.tenant_id AND alert.told_at IS NOT NULL
        AND standing.balance > alert.level
)
UPDATE accounts_balancealert alert SET told_at = %(now)s FROM accounts_standing standing
WHERE standing.tenant_id = alert.tenant_id AND alert.told_at IS NULL AND standing.balance < alert.level
RETURNING alert.tenant_id, alert.level, standing.balance
"""
"""The two never change the same row. A row that another process changes meanwhile is looked at again, so that
only one finds `told_at` empty.
"""
