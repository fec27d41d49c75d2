"""A tenant's calendar: when its days begin and end, by its time zone and the earlier ones. Pure.

When a tenant changes its time zone, the current day still ends at midnight in the old one, and the next day
begins then. So no day repeats or restarts, and use stays on the day it was counted on. The database function
`accounts_day_of` follows the same rule.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from config.days import midnight


@dataclass(frozen=True)
class Clock:
    """The current time zone, and the earlier ones with the moment at which each ended."""

    time_zone: str
    earlier: tuple[tuple[datetime, str], ...] = ()
    """Oldest first; the last one may end in the future."""

    @classmethod
    def of(cls, time_zone: str, written: Sequence[str]) -> "Clock":
        """Build it from the stored form, see `written`."""
        pairs = (text.split(" ", 1) for text in written)
        return cls(time_zone, tuple((datetime.fromisoformat(until), zone) for until, zone in pairs))

    def written(self) -> list[str]:
        """The stored form of the earlier time zones: end and name, `2026-11-28T00:00:00+00:00 UTC`."""
        return [f"{until.isoformat()} {zone}" for until, zone in self.earlier]

    def zone_at(self, moment: datetime) -> ZoneInfo:
        """The time zone in force at that moment."""
        names = [zone for until, zone in self.earlier if moment < until]
        return ZoneInfo(names[0] if names else self.time_zone)

    def day_of(self, moment: datetime) -> date:
        """The tenant's date at that moment."""
        begun = [_day(until, zone) for until, zone in self.earlier if until <= moment]
        return max([moment.astimezone(self.zone_at(moment)).date(), *begun])

    def begin_of(self, day: date) -> datetime:
        """The first moment of that day, or of the next one if a change of the time zone skipped it."""
        moments = [midnight(day, ZoneInfo(zone)) for _, zone in self.earlier]
        moments += [midnight(day, ZoneInfo(self.time_zone)), *(until for until, _ in self.earlier)]
        return min(moment for moment in moments if self.day_of(moment) >= day)

    def moved(self, time_zone: str, now: datetime) -> "Clock":
        """The clock with another time zone from the next midnight on."""
        past = tuple((until, zone) for until, zone in self.earlier if until <= now)
        zone = self.zone_at(now).key
        if zone == time_zone:  # drop a pending change
            return Clock(time_zone, past)
        return Clock(time_zone, (*past, (self._next_midnight(now), zone)))

    def _next_midnight(self, now: datetime) -> datetime:
        """When the current day ends in the current time zone."""
        zone = self.zone_at(now)
        ends = (midnight(day, zone) for day in _days_from(self.day_of(now)))
        return next(moment for moment in ends if moment > now)


def _day(moment: datetime, zone: str) -> date:
    return moment.astimezone(ZoneInfo(zone)).date()


def _days_from(day: date) -> Iterator[date]:
    while True:
        day += timedelta(days=1)
        yield day
