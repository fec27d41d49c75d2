"""Who of the staff changed what of limits, prices and balances, and why."""

from typing import Any

from django.db import models

from accounts.models.tenant import Tenant, User


class StaffChange(models.Model):
    """One change by a person; committed with the change it tells of, and never changed."""

    at = models.DateTimeField()
    actor = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    actor_name = models.CharField(max_length=150, help_text="As it was then.")
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, null=True, related_name="+")
    subject = models.CharField(max_length=200, help_text="What was changed, such as quota of Alice.")
    reason = models.TextField()
    before: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField(default=dict)
    after: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField(default=dict)

    class Meta:
        ordering = ["-id"]
        constraints = [
            # Who changes something says who and why.
            models.CheckConstraint(
                condition=~models.Q(reason="") & ~models.Q(actor_name=""), name="staff_change_has_reason"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.subject} by {self.actor_name}"
