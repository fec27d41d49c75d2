"""The names of all time zones."""

from functools import cache
from zoneinfo import available_timezones


@cache
def names() -> frozenset[str]:
    """All names in the time zone database; cached, because reading it takes some milliseconds."""
    return frozenset(available_timezones())
