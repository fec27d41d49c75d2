"""Until when tenants have been told that the platform's copies of their videos go."""

from datetime import datetime

from django.db import models


class ExpiryNotices(models.Model):
    """A single row: tenants know of the copies that go until then. Locked by who tells them of more."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    until = models.DateTimeField()

    def __str__(self) -> str:
        return f"until {self.until:%Y-%m-%d %H:%M:%S}"

    @classmethod
    def locked(cls, now: datetime) -> "ExpiryNotices":
        """The row, which begins now; other processes wait until the transaction ends."""
        if not cls._default_manager.exists():
            cls._default_manager.bulk_create([cls(until=now)], ignore_conflicts=True)
        return cls._default_manager.select_for_update().get()
