"""The ledger added up by days, so that a statement need not read all of it."""

from django.db import models

from accounts.models import Tenant
from accounts.money import MoneyField
from config.amounts import ZERO
from videos.models.ledger import EntryKind


class BookedDay(models.Model):
    """What a tenant's entries of one kind on one of its days add up to, as far as `BookedUntil` says.

    Made of the ledger by `videos.billing.statements`, which can make it anew at any time.
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
    """Up to which entry a tenant's days are added up.

    A tenant's entries are written one after the other, under the lock of its standing, so none with a lower
    id can come later.
    """

    tenant = models.OneToOneField(Tenant, on_delete=models.PROTECT, primary_key=True, related_name="+")
    entry = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.tenant_id} until entry {self.entry}"
