"""Days of a time zone. Pure."""

from datetime import date, datetime, time, tzinfo


def midnight(day: date, zone: tzinfo) -> datetime:
    """The first moment of the day in the zone."""
    return datetime.combine(day, time(), zone)
