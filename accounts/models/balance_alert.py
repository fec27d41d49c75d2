"""The balance below which a tenant's owners are told."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models.tenant import Tenant
from accounts.money import MoneyField


class BalanceAlert(models.Model):
    """A tenant that is told of a low balance; others have no row."""

    tenant = models.OneToOneField(
        Tenant,
        verbose_name=_("tenant"),
        on_delete=models.CASCADE,
        primary_key=True,
        related_name="balance_alert",
    )
    level = MoneyField(verbose_name=_("level"), help_text=_("The owners are told once the balance is below."))
    told_at = models.DateTimeField(
        verbose_name=_("told at"),
        null=True,
        help_text=_("When they were told; empty again once the balance is above the level."),
    )

    class Meta:
        verbose_name = _("balance alert")
        verbose_name_plural = _("balance alerts")

    def __str__(self) -> str:
        return f"of {self.tenant} at {self.level}"
