"""What a tenant may have, and what it has: the limits staff set, and the running totals they are held to."""

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q

from accounts.models.tenant import Tenant
from accounts.money import ZERO, MoneyField


class WhenFull(models.TextChoices):
    """What becomes of a task above the limit of concurrent tasks."""

    REFUSE = "refuse"
    QUEUE = "queue"


class Quota(models.Model):
    """The limits of a tenant. An empty limit means unlimited, 0 refuses everything."""

    tenant = models.OneToOneField(Tenant, on_delete=models.CASCADE, primary_key=True, related_name="quota")
    concurrent_tasks = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text="Tasks at work at a time; those in the tenant's own queue do not count.",
    )
    when_full = models.CharField(
        max_length=10,
        choices=WhenFull.choices,
        default=WhenFull.REFUSE,
        help_text="Refuse tasks above the limit of concurrent tasks, or let them wait in the tenant's queue.",
    )
    queued_tasks = models.PositiveIntegerField(
        null=True, blank=True, help_text="Tasks that may wait in the tenant's queue."
    )
    requests_per_minute = models.PositiveIntegerField(
        null=True, blank=True, help_text="Tasks made within any sixty seconds."
    )
    seconds_per_day = models.PositiveIntegerField(null=True, blank=True, help_text="Seconds of video.")
    seconds_per_month = models.PositiveIntegerField(null=True, blank=True, help_text="Seconds of video.")
    spend_per_day = MoneyField(null=True, blank=True, validators=[MinValueValidator(ZERO)])
    spend_per_month = MoneyField(null=True, blank=True, validators=[MinValueValidator(ZERO)])
    is_prepaid = models.BooleanField(
        default=False, help_text="Whether the balance must cover each task; otherwise it is only kept."
    )

    class Meta:
        constraints = [
            # Money to spend is some, or none.
            models.CheckConstraint(
                condition=(Q(spend_per_day__isnull=True) | Q(spend_per_day__gte=0))
                & (Q(spend_per_month__isnull=True) | Q(spend_per_month__gte=0)),
                name="quota_spend_not_negative",
            ),
            models.CheckConstraint(condition=Q(when_full__in=WhenFull.values), name="quota_when_full_known"),
        ]

    def __str__(self) -> str:
        return f"quota of {self.tenant_id}"


class Standing(models.Model):
    """The running totals of a tenant: its use now, today and this month, and its balance.

    Written only in the transactions that change what they count, under the lock of this row, with `version`
    one higher each time; `reconcile` proves them against the rows. Days and months are the tenant's own.
    """

    tenant = models.OneToOneField(Tenant, on_delete=models.CASCADE, primary_key=True, related_name="standing")
    version = models.BigIntegerField(default=0)
    open_tasks = models.IntegerField(default=0, help_text="Not final, and not in the tenant's own queue.")
    waiting_tasks = models.IntegerField(default=0, help_text="In the tenant's own queue.")
    balance = MoneyField(default=ZERO, help_text="The sum of the ledger: what was paid in, less holds.")
    held = MoneyField(default=ZERO, help_text="Of open tasks; taken from the balance already.")
    day = models.DateField(null=True, help_text="The day the next two are of.")
    day_seconds = models.BigIntegerField(default=0)
    day_spend = MoneyField(default=ZERO)
    month = models.DateField(null=True, help_text="The first day of the month the next two are of.")
    month_seconds = models.BigIntegerField(default=0)
    month_spend = MoneyField(default=ZERO)

    class Meta:
        constraints = [
            # Nothing that is counted is ever fewer than none: no slot is freed twice.
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
            # steps.sweep: whose queue may move?
            models.Index(fields=["tenant"], condition=Q(waiting_tasks__gt=0), name="standing_waiting"),
        ]

    def __str__(self) -> str:
        return f"standing of {self.tenant_id}"
