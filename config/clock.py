"""By whose midnights a tenant's days go: one time zone, and others before it. Pure.

A tenant that moves keeps its days: the day that has begun ends at its midnight by the old time zone, and the
next one begins there, whatever the new time zone calls it. So no day comes twice, none begins anew, and what
was counted on a day stays on it. `accounts_day_of` in the database follows the same rule.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from config.days import midnight


@dataclass(frozen=True)
class Clock:
    """The time zone that counts, and those that counted before it, each with the moment it ended at."""

    time_zone: str
    earlier: tuple[tuple[datetime, str], ...] = ()
    """The oldest first; the last one may end in the future."""

    @classmethod
    def of(cls, time_zone: str, written: Sequence[str]) -> "Clock":
        """As the database keeps it, see `written`."""
        pairs = (text.split(" ", 1) for text in written)
        return cls(time_zone, tuple((datetime.fromisoformat(until), zone) for until, zone in pairs))

    def written(self) -> list[str]:
        """The earlier time zones, each after the moment it ended at: `2026-11-28T00:00:00+00:00 UTC`."""
        return [f"{until.isoformat()} {zone}" for until, zone in self.earlier]

    def zone_at(self, moment: datetime) -> ZoneInfo:
        """The time zone that counts at that moment."""
        names = [zone for until, zone in self.earlier if moment < until]
        return ZoneInfo(names[0] if names else self.time_zone)

    def day_of(self, moment: datetime) -> date:
        """The day that the moment counts to."""
        begun = [_day(until, zone) for until, zone in self.earlier if until <= moment]
        return max([moment.astimezone(self.zone_at(moment)).date(), *begun])

    def begin_of(self, day: date) -> datetime:
        """The first moment that counts to that day, or to a later one where nothing counts to it."""
        moments = [midnight(day, ZoneInfo(zone)) for _, zone in self.earlier]
        moments += [midnight(day, ZoneInfo(self.time_zone)), *(until for until, _ in self.earlier)]
        return min(moment for moment in moments if self.day_of(moment) >= day)

    def moved(self, time_zone: str, now: datetime) -> "Clock":
        """With another time zone from the next midnight on."""
        past = tuple((until, zone) for until, zone in self.earlier if until <= now)
        zone = self.zone_at(now).key
        if zone == time_zone:  # what was to come does not
            return Clock(time_zone, past)
        return Clock(time_zone, (*past, (self._next_midnight(now), zone)))

    def _next_midnight(self, now: datetime) -> datetime:
        """When the day that has begun ends by the time zone that counts now."""
        zone = self.zone_at(now)
        ends = (midnight(day, zone) for day in _days_from(self.day_of(now)))
        return next(moment for moment in ends if moment > now)


def _day(moment: datetime, zone: str) -> date:
    return moment.astimezone(ZoneInfo(zone)).date()


def _days_from(day: date) -> Iterator[date]:
    while True:
        day += timedelta(days=1)
        yield day
