"""Upstream accounts, their rate limits, and what the workers know about each."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.credentials import validate_credential
from accounts.encryption import EncryptedTextField
from accounts.models import Tenant
from videos import catalogue
from videos.endpoints import validate_endpoint, validate_proxy
from videos.products import Product

PRODUCTS = [(Product.MPS.value, _("MPS")), (Product.VOD.value, _("VOD"))]


class UpstreamAccount(models.Model):
    """An account with the provider: its product, connection, models, rates and share of tasks."""

    name = models.CharField(verbose_name=_("name"), max_length=100, unique=True)
    product = models.CharField(
        verbose_name=_("product"),
        max_length=10,
        choices=PRODUCTS,
        default=Product.MPS.value,
        db_default=Product.MPS.value,
    )
    endpoint = models.CharField(
        verbose_name=_("endpoint"),
        max_length=200,
        default=settings.DEFAULT_UPSTREAM_ENDPOINT,
        validators=[validate_endpoint],
        help_text=_("Address of the provider's API, without a path."),
    )
    region = models.CharField(
        verbose_name=_("region"),
        max_length=40,
        blank=True,
        default="",
        db_default="",
        help_text=_("Such as ap-guangzhou. Usually not needed."),
    )
    sub_app_id = models.BigIntegerField(
        verbose_name=_("application ID (SubAppId)"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("Required by VOD for accounts opened since December 2023."),
    )
    secret_id = models.CharField(
        verbose_name=_("secret ID"), max_length=100, validators=[validate_credential]
    )
    secret_key = EncryptedTextField(verbose_name=_("secret key"))
    proxy_url = EncryptedTextField(
        verbose_name=_("proxy"),
        blank=True,
        null=True,
        validators=[validate_proxy],
        help_text=_("An HTTP proxy for all calls and downloads, such as http://user:password@proxy:3128."),
    )
    owner = models.ForeignKey(
        Tenant,
        verbose_name=_("owner"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="upstream_accounts",
        help_text=_("Only the tasks of this tenant go there. Empty: the platform; it is for all tenants."),
    )
    is_enabled = models.BooleanField(
        verbose_name=_("enabled"),
        default=True,
        help_text=_("It takes new tasks. Those that it took are finished in any case."),
    )
    disabled_models = ArrayField(
        models.CharField(max_length=50),
        verbose_name=_("disabled models"),
        default=list,
        blank=True,
        help_text=_("Choose those that are not to be requested from it. None: it takes every model."),
    )
    weight = models.PositiveSmallIntegerField(
        verbose_name=_("weight"),
        default=1,
        db_default=1,
        validators=[MinValueValidator(1), MaxValueValidator(1000)],
        help_text=_("Accounts that can take the same task share such tasks in proportion to their weights."),
    )
    most_open_tasks = models.PositiveIntegerField(
        verbose_name=_("concurrent tasks"),
        null=True,
        blank=True,
        help_text=_(
            "Limit of the tasks that the provider runs at once. Empty: no limit. A new VOD account has 1."
        ),
    )
    creates_per_second = models.FloatField(
        verbose_name=_("creates per second"),
        default=9.0,
        help_text=_("Limit of the tasks that are submitted. MPS refuses more than 10, VOD more than 20."),
    )
    describes_per_second = models.FloatField(
        verbose_name=_("queries per second"),
        default=36.0,
        help_text=_(
            "Limit of the queries for the status of tasks. MPS refuses more than 50, VOD more than 100."
        ),
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
            models.CheckConstraint(
                condition=models.Q(weight__gte=1), name="upstream_account_weight_positive"
            ),
            models.CheckConstraint(
                condition=models.Q(most_open_tasks=None) | models.Q(most_open_tasks__gte=1),
                name="upstream_account_takes_a_task",
            ),
            models.CheckConstraint(
                condition=models.Q(product__in=[product.value for product in Product]),
                name="upstream_account_product_known",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def has(self, model: str) -> bool:
        """Whether staff let it make the model of that canonical name, once the account itself is enabled."""
        return model not in self.disabled_models

    def offers(self, model: str) -> bool:
        """Whether the model of that canonical name may be requested from it."""
        return self.is_enabled and self.has(model)

    def offered(self) -> list[catalogue.ModelSpec]:
        return [spec for spec in catalogue.MODELS if self.offers(spec.name)]


class AccountState(models.Model):
    """What the workers know about an account: whether it works, and its share of the tasks so far.

    `routing.breaker` defines the conditions and their transitions. A trigger makes the row with the account,
    and another closes the breaker when the account's connection changes.
    """

    class Condition(models.TextChoices):
        """Whether tasks may be submitted to the account."""

        WORKING = "working", _("Working")
        PAUSED = "paused", _("Paused")
        OPEN = "open", _("Out of service")
        TRIAL = "trial", _("On trial")

    account = models.OneToOneField(
        UpstreamAccount,
        verbose_name=_("account"),
        on_delete=models.CASCADE,
        primary_key=True,
        related_name="state",
    )
    condition = models.CharField(
        verbose_name=_("condition"),
        max_length=10,
        choices=Condition.choices,
        default=Condition.WORKING,
        db_default=Condition.WORKING,
    )
    reason = models.CharField(
        verbose_name=_("reason"),
        max_length=100,
        default="",
        db_default="",
        help_text=_("The provider's error code, or the kind of fault."),
    )
    message = models.TextField(verbose_name=_("message"), default="", db_default="")
    since = models.DateTimeField(verbose_name=_("since"), null=True)
    retry_at = models.DateTimeField(
        verbose_name=_("next try"), null=True, help_text=_("The end of a pause, or the next check.")
    )
    failures = models.PositiveIntegerField(
        verbose_name=_("failures"), default=0, db_default=0, help_text=_("In a row; pauses grow with them.")
    )
    recent = models.PositiveIntegerField(
        verbose_name=_("recent creates"),
        default=0,
        db_default=0,
        help_text=_("A bit for each of the latest creates, set if it got no proper answer."),
    )
    recent_queries = models.PositiveIntegerField(
        verbose_name=_("recent queries"), default=0, db_default=0, help_text=_("The same of queries.")
    )
    trouble_of = models.UUIDField(
        verbose_name=_("trouble of"),
        null=True,
        help_text=_("The tenant whose create was the last to fail in a way that the request may cause."),
    )
    trial_at = models.DateTimeField(
        verbose_name=_("trial began at"), null=True, help_text=_("When the one task on trial was taken.")
    )
    served = models.FloatField(
        verbose_name=_("served"),
        default=0.0,
        db_default=0.0,
        help_text=_("Tasks taken, each divided by the weight; the account with the least is next."),
    )
    checked_at = models.DateTimeField(verbose_name=_("checked at"), null=True)
    check_code = models.CharField(
        verbose_name=_("result of the check"),
        max_length=100,
        default="",
        db_default="",
        help_text=_("Empty if the connection works; otherwise the error."),
    )
    check_message = models.TextField(verbose_name=_("message of the check"), default="", db_default="")

    class Meta:
        verbose_name = _("state of an upstream account")
        verbose_name_plural = _("states of upstream accounts")

    def __str__(self) -> str:
        return f"{self.account_id}: {self.condition}"


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
