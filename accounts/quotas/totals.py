"""A tenant's running totals: its use now, today and this month, and its money. Pure."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache

from config.clock import Clock
from config.days import month_of


@dataclass(frozen=True)
class Period:
    """A day and a month of the tenant's calendar, and when they end."""

    day: date
    month: date
    """Its first day."""
    day_ends: datetime
    month_ends: datetime

    @classmethod
    @lru_cache(maxsize=256)  # the callers of a batch share the moment, and few time zones
    def of(cls, now: datetime, clock: Clock) -> "Period":
        day = clock.day_of(now)
        month, last_day = month_of(day)
        tomorrow, next_month = day + timedelta(days=1), last_day + timedelta(days=1)
        return cls(day, month, clock.begin_of(tomorrow), clock.begin_of(next_month))


@dataclass(frozen=True)
class Demand:
    """What one task takes: seconds of video, and its price in `currency`."""

    seconds: int
    price: Decimal
    currency: str = ""
    usual_seconds: float = 60.0
    """How long such a task usually runs; used to estimate when to retry."""


@dataclass(frozen=True)
class Totals:
    """The running totals of a tenant, as `models.Standing` keeps them."""

    version: int
    open_tasks: int
    waiting_tasks: int
    balance: Decimal
    held: Decimal
    day: date | None
    day_seconds: int
    day_spend: Decimal
    month: date | None
    month_seconds: int
    month_spend: Decimal

    def with_hold(self, demand: Demand, *, waits: bool) -> "Totals":
        """After a task was created and its price held. `day` and `month` must be current."""
        return replace(
            self,
            version=self.version + 1,
            open_tasks=self.open_tasks + (not waits),
            waiting_tasks=self.waiting_tasks + waits,
            balance=self.balance - demand.price,
            held=self.held + demand.price,
            day_seconds=self.day_seconds + demand.seconds,
            day_spend=self.day_spend + demand.price,
            month_seconds=self.month_seconds + demand.seconds,
            month_spend=self.month_spend + demand.price,
        )

    def with_capture(self, demand: Demand) -> "Totals":
        """After a task completed: its hold is charged."""
        return replace(
            self, version=self.version + 1, open_tasks=self.open_tasks - 1, held=self.held - demand.price
        )

    def with_release(self, demand: Demand, made_on: date, *, waited: bool) -> "Totals":
        """After a task did not complete: its hold is refunded, its use taken off the day it was made on."""
        today, this_month = made_on == self.day, made_on.replace(day=1) == self.month
        return replace(
            self,
            version=self.version + 1,
            open_tasks=self.open_tasks - (not waited),
            waiting_tasks=self.waiting_tasks - waited,
            balance=self.balance + demand.price,
            held=self.held - demand.price,
            day_seconds=self.day_seconds - demand.seconds * today,
            day_spend=self.day_spend - demand.price * today,
            month_seconds=self.month_seconds - demand.seconds * this_month,
            month_spend=self.month_spend - demand.price * this_month,
        )

    def with_balance(self, amount: Decimal) -> "Totals":
        """After a payment or a correction."""
        return replace(self, version=self.version + 1, balance=self.balance + amount)

    def with_start(self) -> "Totals":
        """After a task left the tenant's own queue."""
        return replace(
            self,
            version=self.version + 1,
            open_tasks=self.open_tasks + 1,
            waiting_tasks=self.waiting_tasks - 1,
        )
