"""Upstream accounts, and their rate limits."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.credentials import validate_credential
from accounts.encryption import EncryptedTextField
from videos import catalogue
from videos.endpoints import validate_endpoint


class UpstreamAccount(models.Model):
    """An account with the provider: its endpoint, credentials, models and rates."""

    name = models.CharField(verbose_name=_("name"), max_length=100, unique=True)
    endpoint = models.CharField(
        verbose_name=_("endpoint"),
        max_length=200,
        default=settings.DEFAULT_UPSTREAM_ENDPOINT,
        validators=[validate_endpoint],
        help_text=_("The API's address, without a path."),
    )
    secret_id = models.CharField(
        verbose_name=_("secret id"), max_length=100, validators=[validate_credential]
    )
    secret_key = EncryptedTextField(verbose_name=_("secret key"))
    is_enabled = models.BooleanField(
        verbose_name=_("enabled"), default=True, help_text=_("Accepts new tasks.")
    )
    disabled_models = ArrayField(
        models.CharField(max_length=50),
        verbose_name=_("disabled models"),
        default=list,
        blank=True,
        help_text=_("Models not to request from this account, such as Kling-1.6-720p, separated by commas."),
    )
    creates_per_second = models.FloatField(
        verbose_name=_("creates a second"), default=9.0, help_text=_("Upstream refuses more than 10.")
    )
    describes_per_second = models.FloatField(
        verbose_name=_("queries a second"), default=45.0, help_text=_("Upstream refuses more than 50.")
    )
    created_at = models.DateTimeField(verbose_name=_("created at"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("upstream account")
        verbose_name_plural = _("upstream accounts")
        permissions = [("connect_upstreamaccount", "Can change the endpoint")]
        constraints = [
            models.CheckConstraint(
                # A rate of zero would leave tasks queued for ever; `is_enabled` disables an account.
                condition=models.Q(creates_per_second__gt=0, describes_per_second__gt=0),
                name="upstream_account_rates_positive",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def offers(self, model: str) -> bool:
        """Whether the model of that canonical name may be requested from it."""
        return self.is_enabled and model not in self.disabled_models

    def offered(self) -> list[catalogue.ModelSpec]:
        return [spec for spec in catalogue.MODELS if self.offers(spec.name)]


class UpstreamBudget(models.Model):
    """The rate limit of one kind of call to one account, shared by all processes."""

    account = models.ForeignKey(
        UpstreamAccount, verbose_name=_("account"), on_delete=models.CASCADE, related_name="budgets"
    )
    action = models.CharField(verbose_name=_("action"), max_length=20)
    next_at = models.DateTimeField(
        verbose_name=_("next at"), default=timezone.now, help_text=_("The next free slot.")
    )
    granted = models.IntegerField(
        verbose_name=_("granted"), default=0, help_text=_("Slots granted to the last request.")
    )
    minute = models.DateTimeField(
        verbose_name=_("minute"), null=True, help_text=_("The minute of the count below.")
    )
    in_minute = models.IntegerField(
        verbose_name=_("in minute"), default=0, help_text=_("Slots granted in that minute.")
    )
    in_minute_before = models.IntegerField(
        verbose_name=_("in minute before"), default=0, help_text=_("Slots granted in the minute before.")
    )

    class Meta:
        verbose_name = _("upstream budget")
        verbose_name_plural = _("upstream budgets")
        constraints = [
            # One row to lock per account and action.
            models.UniqueConstraint(fields=["account", "action"], name="upstream_budget_once"),
        ]

    def __str__(self) -> str:
        return f"{self.action} of {self.account_id}"
