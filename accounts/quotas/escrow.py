"""What new tasks add to a tenant's running totals, and what these may be beforehand. Pure.

Totals are moved by differences: tasks that were admitted by earlier totals may still be written if the
current ones leave room for them under every limit. So creates of several processes do not exclude each other.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from accounts.quotas.limits import Limits
from accounts.quotas.totals import Totals

Number = int | Decimal
COUNTED = (
    "open_tasks",
    "waiting_tasks",
    "balance",
    "held",
    "day_seconds",
    "day_spend",
    "month_seconds",
    "month_spend",
)
"""The totals that are moved by differences."""
_LIMITS = {
    "open_tasks": "concurrent_tasks",
    "day_seconds": "seconds_per_day",
    "day_spend": "spend_per_day",
    "month_seconds": "seconds_per_month",
    "month_spend": "spend_per_month",
}
"""The limit of each limited total."""
LIMITED = (*_LIMITS, "waiting_tasks")
"""The totals that a limit or the queue bounds from above."""


@dataclass(frozen=True)
class Escrow:
    """A change of a tenant's totals, and the conditions under which it may be written."""

    count: int
    """Number of tasks: their creation raises the version by as much."""
    day: date | None
    month: date | None
    version: int | None
    """The version that the totals must still have; None if `most` suffices, in the same day and month."""
    added: dict[str, Number]
    most: dict[str, Number]
    """What these totals may be at most beforehand."""
    least_balance: Decimal | None
    """What the balance must be at least beforehand; None if it need not cover the tasks."""

    def columns(self) -> dict[str, Any]:
        """As JSON, by the names of `videos.tasks.sql.CREATE`."""
        return {
            "count": self.count,
            "day": self.day and self.day.isoformat(),
            "month": self.month and self.month.isoformat(),
            "exact": self.version,
            "least": None if self.least_balance is None else str(self.least_balance),
            **{name: str(number) for name, number in self.added.items()},
            **{f"most_{name}": str(number) for name, number in self.most.items()},
        }


def escrow(stored: Totals, after: Totals, limits: Limits, *, is_exact: bool) -> Escrow:
    """The change from the totals that were read to those after the tasks.

    `is_exact` demands unchanged totals, for what is counted by other means than totals, such as requests per
    minute.
    """
    added = {name: getattr(after, name) - getattr(stored, name) for name in COUNTED}
    is_exact |= (stored.day, stored.month) != (after.day, after.month) or added["waiting_tasks"] > 0
    return Escrow(
        count=after.version - stored.version,
        day=after.day,
        month=after.month,
        version=stored.version if is_exact else None,
        added=added,
        most={} if is_exact else _most(added, limits),
        least_balance=-added["balance"] if limits.is_prepaid and not is_exact else None,
    )


def _most(added: dict[str, Number], limits: Limits) -> dict[str, Number]:
    values = {total: getattr(limits, limit) for total, limit in _LIMITS.items()}
    most = {total: limit - added[total] for total, limit in values.items() if limit is not None}
    # A task may not overtake one that waits in the tenant's own queue.
    return most | {"waiting_tasks": 0} if limits.queues_when_full else most
