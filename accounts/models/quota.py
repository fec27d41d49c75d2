"""A tenant's limits, which staff set, and the running totals that are checked against them."""

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models.tenant import Tenant
from accounts.money import MoneyField
from config.amounts import ZERO


class WhenFull(models.TextChoices):
    """What happens to a task above the limit of concurrent tasks."""

    REFUSE = "refuse", _("refuse it")
    QUEUE = "queue", _("let it wait")


class Quota(models.Model):
    """The limits of a tenant. An empty limit means unlimited, 0 refuses everything."""

    tenant = models.OneToOneField(
        Tenant, verbose_name=_("tenant"), on_delete=models.CASCADE, primary_key=True, related_name="quota"
    )
    concurrent_tasks = models.PositiveIntegerField(
        verbose_name=_("concurrent tasks"),
        null=True,
        blank=True,
        help_text=_("Tasks running at the same time, not counting those in the tenant's queue."),
    )
    when_full = models.CharField(
        verbose_name=_("when full"),
        max_length=10,
        choices=WhenFull.choices,
        default=WhenFull.REFUSE,
        help_text=_(
            "Refuse tasks above the limit of concurrent tasks, or let them wait in the tenant's queue."
        ),
    )
    queued_tasks = models.PositiveIntegerField(
        verbose_name=_("queued tasks"),
        null=True,
        blank=True,
        help_text=_("Tasks that may wait in the tenant's queue."),
    )
    requests_per_minute = models.PositiveIntegerField(
        verbose_name=_("requests per minute"),
        null=True,
        blank=True,
        help_text=_("Tasks created within any 60 seconds."),
    )
    seconds_per_day = models.PositiveIntegerField(
        verbose_name=_("seconds per day"), null=True, blank=True, help_text=_("Seconds of video.")
    )
    seconds_per_month = models.PositiveIntegerField(
        verbose_name=_("seconds per month"), null=True, blank=True, help_text=_("Seconds of video.")
    )
    spend_per_day = MoneyField(
        verbose_name=_("spend per day"), null=True, blank=True, validators=[MinValueValidator(ZERO)]
    )
    spend_per_month = MoneyField(
        verbose_name=_("spend per month"), null=True, blank=True, validators=[MinValueValidator(ZERO)]
    )
    is_prepaid = models.BooleanField(
        verbose_name=_("prepaid"),
        default=False,
        help_text=_("Whether the balance must cover each task; otherwise it is only recorded."),
    )

    class Meta:
        verbose_name = _("quota")
        verbose_name_plural = _("quotas")
        constraints = [
            # A spend limit is empty or not negative.
            models.CheckConstraint(
                condition=(Q(spend_per_day__isnull=True) | Q(spend_per_day__gte=0))
                & (Q(spend_per_month__isnull=True) | Q(spend_per_month__gte=0)),
                name="quota_spend_not_negative",
            ),
            models.CheckConstraint(condition=Q(when_full__in=WhenFull.values), name="quota_when_full_known"),
        ]

    def __str__(self) -> str:
        return str(self._meta.verbose_name)


class Standing(models.Model):
    """The running totals of a tenant: its use now, today and this month, and its balance.

    Written only in the transactions that change what they count, under this row's lock, with `version`
    incremented; `reconcile` checks them against the rows. Days and months are the tenant's own.
    """

    tenant = models.OneToOneField(
        Tenant, verbose_name=_("tenant"), on_delete=models.CASCADE, primary_key=True, related_name="standing"
    )
    version = models.BigIntegerField(verbose_name=_("version"), default=0)
    limits_version = models.BigIntegerField(
        verbose_name=_("limits version"),
        default=0,
        db_default=0,
        help_text=_("Incremented when the quota, a key, the bucket, the time zone or a suspension changes."),
    )
    open_tasks = models.IntegerField(
        verbose_name=_("open tasks"), default=0, help_text=_("Not final, and not in the tenant's own queue.")
    )
    waiting_tasks = models.IntegerField(
        verbose_name=_("waiting tasks"), default=0, help_text=_("In the tenant's own queue.")
    )
    balance = MoneyField(
        verbose_name=_("balance"),
        default=ZERO,
        help_text=_("The sum of the ledger: payments minus holds and charges."),
    )
    held = MoneyField(
        verbose_name=_("held"),
        default=ZERO,
        help_text=_("Holds of open tasks, already deducted from the balance."),
    )
    day = models.DateField(verbose_name=_("day"), null=True, help_text=_("The day of the next two values."))
    day_seconds = models.BigIntegerField(verbose_name=_("day seconds"), default=0)
    day_spend = MoneyField(verbose_name=_("day spend"), default=ZERO)
    month = models.DateField(
        verbose_name=_("month"), null=True, help_text=_("The first day of the month of the next two values.")
    )
    month_seconds = models.BigIntegerField(verbose_name=_("month seconds"), default=0)
    month_spend = MoneyField(verbose_name=_("month spend"), default=ZERO)

    class Meta:
        verbose_name = _("standing")
        verbose_name_plural = _("standings")
        constraints = [
            # No total is negative: no slot is freed twice.
            models.CheckConstraint(
                condition=Q(
                    open_tasks__gte=0,
                    waiting_tasks__gte=0,
                    held__gte=0,
                    day_seconds__gte=0,
                    day_spend__gte=0,
                    month_seconds__gte=0,
                    month_spend__gte=0,
                ),
                name="standing_not_negative",
            ),
        ]
        indexes = [
            # steps.sweep: the tenants with waiting tasks.
            models.Index(fields=["tenant"], condition=Q(waiting_tasks__gt=0), name="standing_waiting"),
        ]

    def __str__(self) -> str:
        return f"standing of {self.tenant_id}"
