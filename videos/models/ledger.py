"""The ledger, and daily use."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import APIKey, Tenant, User
from accounts.money import MoneyField
from config.amounts import ZERO, format_amount
from videos.models.task import Task


class EntryKind(models.TextChoices):
    """What an entry does: hold the price of a task, capture it, release it; pay in, or correct."""

    HOLD = "hold", _("Hold")
    CAPTURE = "capture", _("Charge")
    RELEASE = "release", _("Refund")
    TOP_UP = "top_up", _("Top-up")
    ADJUSTMENT = "adjustment", _("Adjustment")


CLOSINGS = (EntryKind.CAPTURE, EntryKind.RELEASE)
_OF_TASKS = (EntryKind.HOLD, *CLOSINGS)
_BACK_TO_BALANCE = Q(amount=-models.F("held"))


class LedgerEntry(models.Model):
    """One movement of a tenant's money; a trigger refuses to change or delete it.

    A tenant's balance is the sum of `amount`; the money held for its open tasks is the sum of `held`.
    """

    tenant = models.ForeignKey(
        Tenant, verbose_name=_("tenant"), on_delete=models.PROTECT, related_name="ledger", db_index=False
    )
    task = models.ForeignKey(
        Task,
        verbose_name=_("task"),
        on_delete=models.PROTECT,
        null=True,
        related_name="ledger",
        db_index=False,
    )
    kind = models.CharField(verbose_name=_("kind"), max_length=10, choices=EntryKind.choices)
    amount = MoneyField(verbose_name=_("amount"), help_text=_("What it adds to the balance."))
    held = MoneyField(verbose_name=_("held"), default=ZERO, help_text=_("Change of the held amount."))
    at = models.DateTimeField(verbose_name=_("at"))
    actor = models.ForeignKey(
        User, verbose_name=_("person"), on_delete=models.SET_NULL, null=True, related_name="+"
    )
    actor_name = models.CharField(
        verbose_name=_("person"),
        max_length=150,
        default="",
        help_text=_("The person's user name at the time."),
    )
    reason = models.TextField(verbose_name=_("reason"), default="")

    class Meta:
        verbose_name = _("ledger entry")
        verbose_name_plural = _("ledger entries")
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=EntryKind.values), name="ledger_kind_known"),
            # Holds, captures and releases belong to a task, other entries do not.
            models.CheckConstraint(
                condition=Q(kind__in=_OF_TASKS, task__isnull=False)
                | (~Q(kind__in=_OF_TASKS) & Q(task__isnull=True)),
                name="ledger_task_where_due",
            ),
            # A hold moves money from the balance to `held`; a release moves it back; a capture takes it.
            models.CheckConstraint(
                condition=(Q(kind=EntryKind.HOLD, held__gte=0) & _BACK_TO_BALANCE)
                | (Q(kind=EntryKind.RELEASE, held__lte=0) & _BACK_TO_BALANCE)
                | Q(kind=EntryKind.CAPTURE, held__lte=0, amount=0)
                | Q(kind=EntryKind.TOP_UP, held=0, amount__gt=0)
                | (Q(kind=EntryKind.ADJUSTMENT, held=0) & ~Q(amount=0)),
                name="ledger_amounts_fit_kind",
            ),
            # Entries by people have a name and a reason.
            models.CheckConstraint(
                condition=Q(kind__in=_OF_TASKS) | (~Q(actor_name="") & ~Q(reason="")),
                name="ledger_person_has_reason",
            ),
            models.UniqueConstraint(
                fields=["task"], condition=Q(kind=EntryKind.HOLD), name="ledger_one_hold_per_task"
            ),
            models.UniqueConstraint(
                fields=["task"], condition=Q(kind__in=CLOSINGS), name="ledger_one_closing_per_task"
            ),
        ]
        indexes = [
            # billing/statements.py: the tenant's latest entry, and those not yet in the daily sums.
            models.Index(fields=["tenant", "-id"], name="ledger_of_tenant"),
            # console: entries in a range of days, newest first.
            models.Index(fields=["at", "id"], name="ledger_at"),
            # console: latest entries of the rare kinds, which a scan from the newest could take long to find.
            models.Index(
                fields=["kind", "-id"],
                condition=~Q(kind__in=[EntryKind.HOLD, EntryKind.CAPTURE]),
                name="ledger_rare",
            ),
            # billing/statements.py, by_people: payments and corrections, newest first.
            models.Index(fields=["tenant", "-id"], condition=Q(task=None), name="ledger_by_people"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {format_amount(self.amount)}"


class DailyUsage(models.Model):
    """A tenant's use on one of its days, by model and key.

    Seconds and spend count on the day of creation, and are subtracted again if the task does not complete.
    """

    tenant = models.ForeignKey(
        Tenant, verbose_name=_("tenant"), on_delete=models.PROTECT, related_name="usage", db_index=False
    )
    day = models.DateField(verbose_name=_("day"))
    model = models.CharField(verbose_name=_("model"), max_length=50)
    api_key = models.ForeignKey(
        APIKey,
        verbose_name=_("API key"),
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
    )
    tasks = models.IntegerField(verbose_name=_("tasks"), default=0)
    completed = models.IntegerField(verbose_name=_("completed"), default=0)
    failed = models.IntegerField(verbose_name=_("failed"), default=0)
    seconds = models.BigIntegerField(verbose_name=_("seconds"), default=0)
    spend = MoneyField(verbose_name=_("spend"), default=ZERO)

    class Meta:
        verbose_name = _("daily use")
        verbose_name_plural = _("daily use")
        constraints = [
            # One row to add to. (Only old tasks have no key; nothing is added to their rows.)
            models.UniqueConstraint(
                fields=["tenant", "day", "model", "api_key"], name="daily_usage_once_per_key"
            ),
            models.CheckConstraint(
                condition=Q(tasks__gte=0, completed__gte=0, failed__gte=0, seconds__gte=0, spend__gte=0),
                name="daily_usage_not_negative",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model} on {self.day}"
