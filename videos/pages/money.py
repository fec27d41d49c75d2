"""What happened to the money of a task, in words."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from videos.labels import Label
from videos.models import EntryKind, LedgerEntry, Task
from videos.models.ledger import CLOSINGS

MOVED: dict[EntryKind, Label] = {
    EntryKind.HOLD: _("held"),
    EntryKind.CAPTURE: _("charged"),
    EntryKind.RELEASE: _("refunded"),
}
"""What an entry of a task did to the money held for it."""


@dataclass(frozen=True)
class MoneyStep:
    """An amount that was held, charged or refunded, and when."""

    what: Label
    amount: Decimal
    at: datetime


def money_of(task: Task) -> list[MoneyStep]:
    """The task's hold, and its charge or refund once it ended. One query."""
    # Filtered by kind because the indexes on `task` are partial: one for holds, one for closings.
    entries = LedgerEntry.objects.filter(Q(kind=EntryKind.HOLD) | Q(kind__in=CLOSINGS), task=task)
    return [
        MoneyStep(MOVED[EntryKind(entry.kind)], abs(entry.held), entry.at) for entry in entries.order_by("id")
    ]
