"""Locks, reads and writes the row of a tenant's running totals."""

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
    """Lock the tenant's totals until the transaction ends, and return them.

    Lock order: this lock is taken before any of the tenant's tasks is locked.
    """
    row = prepared.fetch(LOCK, {"tenant": tenant_id})
    assert row is not None, "every tenant has a standing"  # noqa: S101 - a trigger creates it
    return Totals(*row)


def save(tenant_id: UUID, totals: Totals) -> None:
    """Write the totals of a tenant; they must be locked."""
    Standing.objects.filter(pk=tenant_id).update(**asdict(totals))
