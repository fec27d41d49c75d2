"""The calls of the last second, by tenant and action."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from accounts.models import Tenant


class RecentCalls(models.Model):
    """When a tenant called an action of a dialect that allows only so many calls a second.

    The table is not logged: after a crash of the server it is empty, and a second later that is right.
    """

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+", db_index=False)
    action = models.CharField(max_length=40)
    moments = ArrayField(models.DateTimeField())

    class Meta:
        constraints = [
            # The calls of an action are counted in one row, whose lock makes the count exact.
            models.UniqueConstraint(fields=["tenant", "action"], name="recent_calls_of_an_action"),
        ]

    def __str__(self) -> str:
        return f"{self.action} of {self.tenant_id}"
