"""The running totals of a tenant as its row keeps them: locked, read, and written."""

from dataclasses import asdict, fields
from uuid import UUID

from accounts.models import Standing
from accounts.quotas.totals import Totals
from config.db import prepared

COLUMNS = tuple(field.name for field in fields(Totals))
LOCK = f"""
SELECT {", ".join(COLUMNS)} FROM accounts_standing WHERE tenant_id = %(tenant)s::uuid FOR NO KEY UPDATE
"""  # noqa: S608 - made of the names of columns


def lock(tenant_id: UUID) -> Totals:
    """The totals of the tenant; nobody else changes them before this transaction ends.

    Taken before any task of the tenant's is locked, by everybody who takes both.
    """
    row = prepared.fetch(LOCK, {"tenant": tenant_id})
    assert row is not None, "every tenant has a standing"  # noqa: S101 - a trigger sees to it
    return Totals(*row)


def keep(tenant_id: UUID, totals: Totals) -> None:
    """Write the totals of a tenant that is locked."""
    Standing.objects.filter(pk=tenant_id).update(**asdict(totals))
