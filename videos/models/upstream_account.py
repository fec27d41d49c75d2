"""Accounts upstream, and how fast each may be asked."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import URLValidator
from django.db import models
from django.utils import timezone

from accounts.encryption import EncryptedTextField
from videos import catalogue


class UpstreamAccount(models.Model):
    """One account at the upstream: where it is, what proves us, what it offers."""

    name = models.CharField(max_length=100, unique=True)
    endpoint = models.CharField(
        max_length=200,
        default=settings.DEFAULT_UPSTREAM_ENDPOINT,
        validators=[URLValidator(schemes=["https", "http"])],
        help_text="Where its API answers, without a path.",
    )
    secret_id = models.CharField(max_length=100)
    secret_key = EncryptedTextField()
    is_enabled = models.BooleanField(default=True, help_text="New tasks may go there.")
    disabled_models = ArrayField(
        models.CharField(max_length=50),
        default=list,
        blank=True,
        help_text="Names of models it must not be asked for, such as Kling-1.6-720p, separated by commas.",
    )
    creates_per_second = models.FloatField(default=9.0, help_text="Upstream refuses more than 10.")
    describes_per_second = models.FloatField(default=45.0, help_text="Upstream refuses more than 50.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                # A rate of zero would leave tasks waiting for ever; disabling is said with `is_enabled`.
                condition=models.Q(creates_per_second__gt=0, describes_per_second__gt=0),
                name="upstream_account_rates_positive",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def offers(self, model: str) -> bool:
        """Whether it may be asked for the model of that canonical name."""
        return self.is_enabled and model not in self.disabled_models

    def offered(self) -> list[catalogue.ModelSpec]:
        """The models it may be asked for."""
        return [spec for spec in catalogue.MODELS if self.offers(spec.name)]


class UpstreamBudget(models.Model):
    """When the next call of one action may leave for one account, for all processes together."""

    account = models.ForeignKey(UpstreamAccount, on_delete=models.CASCADE, related_name="budgets")
    action = models.CharField(max_length=20)
    next_at = models.DateTimeField(default=timezone.now, help_text="The earliest free moment.")
    granted = models.IntegerField(default=0, help_text="How many moments the last request was given.")
    minute = models.DateTimeField(null=True, help_text="The minute that the next figure is of.")
    in_minute = models.IntegerField(default=0, help_text="Moments given within it.")
    in_minute_before = models.IntegerField(default=0, help_text="Moments given within the one before it.")

    class Meta:
        constraints = [
            # One row to lock for each account and action.
            models.UniqueConstraint(fields=["account", "action"], name="upstream_budget_once"),
        ]

    def __str__(self) -> str:
        return f"{self.action} of {self.account_id}"
