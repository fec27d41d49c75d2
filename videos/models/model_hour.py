"""Hourly counts of each model's tasks, for the dashboard."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.money import MoneyField
from config.amounts import ZERO
from videos.models.progress import Progress


class ModelHour(models.Model):
    """One UTC hour of one model, counted from the tasks by `metrics.hourly.roll_up`.

    `made` counts tasks created in the hour, `completed`, `failed` and `spend` tasks that ended in it.
    """

    hour = models.DateTimeField(verbose_name=_("hour"), help_text=_("The start of the hour."))
    model = models.CharField(verbose_name=_("model"), max_length=50)
    made = models.IntegerField(verbose_name=_("made"), default=0)
    completed = models.IntegerField(verbose_name=_("completed"), default=0)
    failed = models.IntegerField(
        verbose_name=_("failed"), default=0, help_text=_("Excluding cancelled tasks.")
    )
    spend = MoneyField(verbose_name=_("spend"), default=ZERO, help_text=_("Total price of completed tasks."))

    class Meta:
        verbose_name = _("hour of a model")
        verbose_name_plural = _("hours of models")
        constraints = [
            # One row to count into; also serves ranges of hours.
            models.UniqueConstraint(fields=["hour", "model"], name="model_hour_once"),
            models.CheckConstraint(
                condition=Q(made__gte=0, completed__gte=0, failed__gte=0, spend__gte=0),
                name="model_hour_not_negative",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model} in the hour from {self.hour:%Y-%m-%d %H:%M}"


class HoursCounted(Progress):
    """How far the hours are counted."""
