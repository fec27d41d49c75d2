"""Daily sums of the ledger, so that a statement need not read all entries."""

from django.db import models

from accounts.models import Tenant
from accounts.money import MoneyField
from config.amounts import ZERO
from videos.models.ledger import EntryKind


class BookedDay(models.Model):
    """The sum of a tenant's entries of one kind on one of its days, up to the entry in `BookedUntil`.

    Computed from the ledger by `videos.billing.statements`, and can be recomputed at any time.
    """

    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="+", db_index=False)
    day = models.DateField()
    kind = models.CharField(max_length=10, choices=EntryKind.choices)
    entries = models.BigIntegerField(default=0)
    amount = MoneyField(default=ZERO)
    held = MoneyField(default=ZERO)

    class Meta:
        constraints = [
            # One row to add to.
            models.UniqueConstraint(fields=["tenant", "day", "kind"], name="booked_day_once"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} on {self.day}"


class BookedUntil(models.Model):
    """The last ledger entry included in a tenant's daily sums.

    A tenant's entries are written one at a time, under the lock of its standing, so no lower id can follow.
    """

    tenant = models.OneToOneField(Tenant, on_delete=models.PROTECT, primary_key=True, related_name="+")
    entry = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.tenant_id} until entry {self.entry}"
