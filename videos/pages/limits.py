"""A tenant's limits beside their use, for the portal and the staff console."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.models import WhenFull
from accounts.quotas.in_force import LIMITS
from accounts.templatetags.amounts import count, money, seconds
from config.web.badges import BAD, WARN, chip
from videos.billing.account import TenantAccount

Label = str | Promise
NEAR = 80
"""Percentage of a limit from which it is shown as nearly reached."""
_REFUSES_EVERYTHING = (_("All requests refused"), BAD)
_ASK_STAFF = _("The limit is 0: no videos are accepted. Contact the platform's staff.")
_WAIT_FOR_DAY = _("Resets at the start of your next day. Shorter videos use less; staff can raise the limit.")
_WAIT_FOR_MONTH = _("Resets at the start of your next month. The platform's staff can raise the limit.")


@dataclass(frozen=True)
class Line:
    """A limit on the page: the fields of quota and use that it compares, and its texts."""

    limit: str
    use: str
    shown: Callable[..., str]
    advice: Label
    """Shown when the limit is nearly reached."""
    anew: str = ""
    """Field of the period with the time of the reset; empty for limits that do not reset."""
    none: tuple[Label, str] = _REFUSES_EVERYTHING
    """Text and look of the chip if the limit is 0."""
    at_none: Label = _ASK_STAFF
    """Advice if the limit is 0."""

    @property
    def label(self) -> Label:
        return LIMITS[self.limit]


LINES = (
    Line(
        "concurrent_tasks",
        "concurrent_tasks",
        count,
        _("A slot becomes free when a video ends. Staff can raise the limit or enable queueing."),
    ),
    Line(
        "queued_tasks",
        "queued_tasks",
        count,
        _("The queue advances when a video ends. Submit videos that are not urgent later."),
        none=(_("Queueing disabled"), WARN),
        at_none=_("Videos beyond the concurrency limit are refused."),
    ),
    Line(
        "requests_per_minute",
        "requests_last_minute",
        count,
        _("Spread requests out; the Retry-After header says when to retry."),
    ),
    Line("seconds_per_day", "seconds_today", seconds, _WAIT_FOR_DAY, "day_ends"),
    Line(
        "seconds_per_month",
        "seconds_this_month",
        seconds,
        _WAIT_FOR_MONTH,
        "month_ends",
    ),
    Line("spend_per_day", "spend_today", money, _WAIT_FOR_DAY, "day_ends"),
    Line("spend_per_month", "spend_this_month", money, _WAIT_FOR_MONTH, "month_ends"),
)


@dataclass(frozen=True)
class Meter:
    """A limit and its use."""

    line: Line
    limit: int | Decimal | None
    used: int | Decimal
    anew: datetime | None

    @classmethod
    def of(cls, line: Line, account: TenantAccount) -> "Meter":
        anew = getattr(account.period, line.anew) if line.anew else None
        return cls(line, getattr(account.quota, line.limit), getattr(account.use, line.use), anew)

    @property
    def percent(self) -> int | None:
        """Share of the limit used, rounded down, at most 100; None if the limit is 0 or not set."""
        if not self.limit:
            return None
        return min(100, int(100 * self.used / self.limit))

    @property
    def is_none(self) -> bool:
        """Whether the limit is 0, which differs from no limit (None)."""
        return self.limit == 0

    @property
    def is_near(self) -> bool:
        return self.percent is not None and self.percent >= NEAR

    @property
    def used_shown(self) -> str:
        return self.line.shown(self.used)

    @property
    def limit_shown(self) -> str:
        return "" if self.limit is None else self.line.shown(self.limit)

    @property
    def chip(self) -> SafeString | str:
        if self.is_none:
            return chip(*self.line.none)
        if not self.is_near:
            return ""
        return chip(_("Reached"), BAD) if self.percent == 100 else chip(_("Nearly reached"), WARN)


def meters_of(account: TenantAccount) -> list[Meter]:
    """The limits that apply, in the order of `LINES`."""
    queues = account.quota.when_full == WhenFull.QUEUE
    return [Meter.of(line, account) for line in LINES if queues or line.limit != "queued_tasks"]
