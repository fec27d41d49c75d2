"""The names of the time zones there are."""

from functools import cache
from zoneinfo import available_timezones


@cache
def names() -> frozenset[str]:
    """Those of the time zone database, which is a folder that takes some milliseconds to read."""
    return frozenset(available_timezones())
