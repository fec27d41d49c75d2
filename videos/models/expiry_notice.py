"""The platform's copies of their videos that tenants have been told of, and the mails that are still due."""

from datetime import datetime

from django.db import models

from accounts.models import Tenant


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


class ExpiryMail(models.Model):
    """A mail to a tenant's owners that is due until the mail server has taken it."""

    tenant = models.OneToOneField(Tenant, models.CASCADE, primary_key=True, related_name="+")
    videos = models.PositiveIntegerField(help_text="Copies that go, and that no mail has told of.")
    until = models.DateTimeField(help_text="By then all of them are gone.")
    due_at = models.DateTimeField(help_text="When it is to be sent, or tried again.")
    tries = models.PositiveSmallIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.videos} videos of {self.tenant_id} until {self.until:%Y-%m-%d %H:%M:%S}"
