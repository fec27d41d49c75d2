"""Who of the staff changed what of limits, prices and balances, and why."""

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models.tenant import Tenant, User


class StaffChange(models.Model):
    """One change by a person; committed with the change it tells of, and never changed."""

    at = models.DateTimeField(verbose_name=_("at"))
    actor = models.ForeignKey(
        User, verbose_name=_("person"), on_delete=models.SET_NULL, null=True, related_name="+"
    )
    actor_name = models.CharField(verbose_name=_("person"), max_length=150, help_text=_("As it was then."))
    tenant = models.ForeignKey(
        Tenant, verbose_name=_("tenant"), on_delete=models.PROTECT, null=True, related_name="+"
    )
    subject = models.CharField(
        verbose_name=_("subject"), max_length=200, help_text=_("What was changed, such as quota of Alice.")
    )
    reason = models.TextField(verbose_name=_("reason"))
    before: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField(
        verbose_name=_("before"), default=dict
    )
    after: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField(
        verbose_name=_("after"), default=dict
    )

    class Meta:
        verbose_name = _("change by staff")
        verbose_name_plural = _("changes by staff")
        ordering = ["-id"]
        constraints = [
            # Who changes something says who and why.
            models.CheckConstraint(
                condition=~models.Q(reason="") & ~models.Q(actor_name=""), name="staff_change_has_reason"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.actor_name}: {self.subject}"
