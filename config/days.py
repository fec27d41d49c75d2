"""Days as moments. Pure."""

from datetime import date, datetime, time, tzinfo


def midnight(day: date, zone: tzinfo) -> datetime:
    """The first moment of the day, by the clock of the zone."""
    return datetime.combine(day, time(), zone)
