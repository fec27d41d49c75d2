"""API keys, with which a tenant's programs authenticate."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.validators import ArrayMaxLengthValidator
from django.core.validators import MinValueValidator
from django.db import models, transaction
from django.utils import timezone, translation
from django.utils.translation import gettext_lazy as _

from accounts import keys, networks
from accounts.models.quota import Standing
from accounts.models.signing_secret import SigningSecret
from accounts.models.tenant import Tenant, User
from accounts.money import MoneyField
from accounts.networks import Address, validate_network
from config.amounts import ZERO

LAST_USED_PRECISION = timedelta(minutes=1)
"""`last_used_at` is written at most this often, so that reading a key costs no write."""
ROTATION_OVERLAP = timedelta(hours=24)
"""How long a replaced key works on by default."""
RESTRICTIONS = ("allowed_models", "allowed_networks", "requests_per_minute", "spend_per_month")
"""The fields that restrict a key."""
AUDITED_FIELDS = ("name", "scopes", "expires_at", "revoked_at", "replaced_by", *RESTRICTIONS)
"""The fields of a key that the audit log records."""
MOST_ITEMS = 100
"""Most models and networks that a key may name: each request compares them all."""


class NotRotatable(Exception):
    """The key is revoked, expired or replaced already; the message says which."""


class Scope(models.TextChoices):
    """What a key may be used for: reading, making videos, managing the account."""

    READ = "read", _("read")
    WRITE = "write", _("write")
    MANAGE = "manage", _("manage")


class KeyKind(models.TextChoices):
    """How a program proves a key: it sends its text, or it signs requests with its secret."""

    BEARER = "bearer", _("API key, sent as a bearer token")
    PAIR = "pair", _("key pair, which signs requests")


class Purpose(models.TextChoices):
    """Whether a key is for programs, or stands for the people who use a form.

    Videos that people make are admitted, priced and counted like all others, so they need a key to be counted
    under; nobody ever sees its text.
    """

    PROGRAM = "program", _("program")
    PORTAL = "portal", _("tenant portal")
    CONSOLE = "console", _("staff console")


def default_scopes() -> list[str]:
    """The scopes of a new key: it may read and write."""
    return [Scope.READ.value, Scope.WRITE.value]


OF_PROGRAMS = models.Q(purpose=Purpose.PROGRAM)
"""Keys for programs; the others stand for people who use the forms."""


class APIKeyManager(models.Manager["APIKey"]):
    """Creates keys."""

    def of_programs(self) -> models.QuerySet["APIKey"]:
        return self.filter(OF_PROGRAMS)

    @transaction.atomic
    def mint(
        self,
        tenant: Tenant,
        name: str,
        scopes: Iterable[str] = (),
        expires_at: datetime | None = None,
        *,
        made_by: User | None = None,
        kind: str = KeyKind.BEARER,
        **restrictions: Any,
    ) -> tuple["APIKey", str]:
        """Create a key of the tenant; returns it and its text, which can never be shown again.

        Of a key pair, the text is its secret key, and `prefix` its id. `made_by` is the person who did it, if
        any. `restrictions` are values of the fields in `RESTRICTIONS`.
        """
        minted = keys.mint_pair() if kind == KeyKind.PAIR else keys.mint_bearer()
        key = self.create(
            tenant=tenant,
            name=name,
            prefix=minted.prefix,
            digest=minted.digest,
            scopes=list(scopes) or default_scopes(),
            expires_at=expires_at,
            made_by=made_by,
            made_by_name=made_by.get_username() if made_by else "",
            **restrictions,
        )
        if kind == KeyKind.PAIR:
            SigningSecret.objects.create(key=key, secret=minted.text)
        return key, minted.text

    def of_people(self, tenant: Tenant, purpose: Purpose) -> "APIKey":
        """The key that stands for the tenant's people who use that form; created when first needed."""
        found = self.filter(tenant=tenant, purpose=purpose).select_related("tenant").first()
        if found is not None:
            return found
        minted = keys.mint_bearer()
        with translation.override("en"):  # the API shows the name, too
            name = str(Purpose(purpose).label)
        own = {"name": name, "prefix": minted.prefix, "digest": minted.digest}
        self.get_or_create(tenant=tenant, purpose=purpose, defaults=own)  # another request may be faster
        return self.select_related("tenant").get(tenant=tenant, purpose=purpose)


class APIKey(models.Model):
    """A key; only its prefix and digest are stored, never its text.

    Of a key pair the prefix is its whole id, and its secret key is stored apart, as `SigningSecret`.
    """

    tenant = models.ForeignKey(
        Tenant, verbose_name=_("tenant"), on_delete=models.CASCADE, related_name="api_keys"
    )
    name = models.CharField(verbose_name=_("name"), max_length=100)
    purpose = models.CharField(
        verbose_name=_("stands for"),
        max_length=10,
        choices=Purpose.choices,
        default=Purpose.PROGRAM,
        editable=False,
    )
    prefix = models.CharField(verbose_name=_("prefix"), max_length=16, unique=True, editable=False)
    digest = models.CharField(verbose_name=_("digest"), max_length=64, editable=False)
    scopes = ArrayField(
        models.CharField(max_length=10, choices=Scope.choices),
        verbose_name=_("scopes"),
        default=default_scopes,
    )
    created_at = models.DateTimeField(verbose_name=_("created at"), default=timezone.now, editable=False)
    expires_at = models.DateTimeField(verbose_name=_("expires at"), null=True, blank=True)
    revoked_at = models.DateTimeField(verbose_name=_("revoked at"), null=True, blank=True)
    last_used_at = models.DateTimeField(verbose_name=_("last used at"), null=True, blank=True, editable=False)
    last_used_address = models.GenericIPAddressField(
        verbose_name=_("last used from"), null=True, blank=True, editable=False
    )
    replaced_by = models.OneToOneField(
        "self",
        verbose_name=_("replaced by"),
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="replaces",
    )
    made_by = models.ForeignKey(
        User,
        verbose_name=_("made by"),
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
    )
    made_by_name = models.CharField(
        verbose_name=_("made by"),
        max_length=150,
        default="",
        editable=False,
        help_text=_("The creator's name at that time; empty if created at the command line."),
    )
    allowed_models = ArrayField(
        models.CharField(max_length=50),
        verbose_name=_("allowed models"),
        default=list,
        blank=True,
        validators=[ArrayMaxLengthValidator(MOST_ITEMS)],
        help_text=_("Names of models, such as Kling-3.0-720p, separated by commas; empty: every model."),
    )
    allowed_networks = ArrayField(
        models.CharField(max_length=50, validators=[validate_network]),
        verbose_name=_("allowed networks"),
        default=list,
        blank=True,
        validators=[ArrayMaxLengthValidator(MOST_ITEMS)],
        help_text=_("Networks it may be used from, such as 203.0.113.0/24, separated by commas; empty: any."),
    )
    requests_per_minute = models.PositiveIntegerField(
        verbose_name=_("requests per minute"),
        null=True,
        blank=True,
        help_text=_("Tasks created with this key within any 60 seconds; empty: unlimited."),
    )
    spend_per_month = MoneyField(
        verbose_name=_("spend per month"),
        null=True,
        blank=True,
        validators=[MinValueValidator(ZERO)],
        help_text=_("Spend of this key per month, in the tenant's time zone; empty: unlimited."),
    )

    objects = APIKeyManager()

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")
        constraints = [
            models.CheckConstraint(
                # A key has at least one scope, and only existing ones.
                condition=models.Q(scopes__contained_by=Scope.values, scopes__len__gt=0),
                name="api_key_scopes_known",
            ),
            # A spend limit is empty or not negative.
            models.CheckConstraint(
                condition=models.Q(spend_per_month__isnull=True) | models.Q(spend_per_month__gte=0),
                name="api_key_spend_not_negative",
            ),
            models.CheckConstraint(
                condition=models.Q(purpose__in=Purpose.values), name="api_key_purpose_known"
            ),
            # One key of a tenant stands for the people who use a form.
            models.UniqueConstraint(
                fields=["tenant", "purpose"],
                condition=~models.Q(purpose=Purpose.PROGRAM),
                name="api_key_of_people_once_per_tenant",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.shown_prefix})"

    @property
    def shown_prefix(self) -> str:
        """What people recognise it by: the id of a pair, the beginning of any other key."""
        return self.prefix if self.is_pair else f"{self.prefix}…"

    @property
    def kind(self) -> KeyKind:
        return KeyKind.PAIR if self.is_pair else KeyKind.BEARER

    @property
    def is_pair(self) -> bool:
        return keys.is_pair(self.prefix)

    @property
    def scope_names(self) -> list[str]:
        return [str(Scope(scope).label) for scope in self.scopes]

    def is_usable(self, now: datetime) -> bool:
        """Neither revoked nor expired, and its tenant not suspended."""
        return self.revoked_at is None and not self.is_expired(now) and not self.tenant.is_suspended

    def is_expired(self, now: datetime) -> bool:
        return self.expires_at is not None and self.expires_at <= now

    @property
    def has_limits(self) -> bool:
        """Whether it has limits of its own, which it shares with the keys it replaced or was replaced by."""
        return self.requests_per_minute is not None or self.spend_per_month is not None

    def allows_model(self, name: str) -> bool:
        """Whether it may be used for the model, whose name is case-insensitive."""
        return not self.allowed_models or name.lower() in map(str.lower, self.allowed_models)

    def allows_address(self, address: Address | None) -> bool:
        """Whether it may be used from that address; an unknown address is in no network."""
        if not self.allowed_networks:
            return True
        return address is not None and networks.contains(self.allowed_networks, address)

    def revoke(self, now: datetime) -> None:
        """Refuse the key from `now` on; an earlier revocation is kept."""
        APIKey.objects.filter(pk=self.pk, revoked_at=None).update(revoked_at=now)
        self.revoked_at = self.revoked_at or now

    def rotate(self, now: datetime, overlap: timedelta, by: User | None = None) -> tuple["APIKey", str]:
        """Replace this key; returns a new one with the same rights, and its text.

        This one works on for `overlap` at most. The new one has the expiry of this one: a rotation extends
        nothing. `by` is the person who does it, if any. Raises `NotRotatable`.
        """
        with transaction.atomic():
            # Creates lock the totals first, and then the key for their foreign keys.
            Standing.objects.select_for_update(no_key=True).get(pk=self.tenant_id)
            self.refresh_from_db(from_queryset=APIKey.objects.select_for_update(no_key=True))
            self._check_rotatable(now)
            same = {name: getattr(self, name) for name in RESTRICTIONS}
            new, text = APIKey.objects.mint(
                self.tenant, self.name, self.scopes, self.expires_at, made_by=by, kind=self.kind, **same
            )
            self.expires_at = min(now + overlap, self.expires_at or now + overlap)
            self.replaced_by = new
            self.save(update_fields=["expires_at", "replaced_by"])
        return new, text

    def _check_rotatable(self, now: datetime) -> None:
        obstacles = {
            _("The key %(key)s has been revoked"): self.revoked_at is not None,
            _("The key %(key)s has been replaced already"): self.replaced_by_id is not None,
            _("The key %(key)s has expired"): self.is_expired(now),
        }
        for obstacle, applies in obstacles.items():
            if applies:
                raise NotRotatable(obstacle % {"key": self})

    def is_use_due(self, now: datetime) -> bool:
        """Whether its use is to be recorded."""
        return self.last_used_at is None or self.last_used_at <= now - LAST_USED_PRECISION

    def record_use(self, now: datetime, address: Address | None) -> bool:
        """Record when and from where it was used, unless that was done within `LAST_USED_PRECISION`.

        Returns whether it was recorded; of several processes at once, one does it.
        """
        if not self.is_use_due(now):
            return False
        outdated = models.Q(last_used_at=None) | models.Q(last_used_at__lte=now - LAST_USED_PRECISION)
        self.last_used_at, self.last_used_address = now, None if address is None else str(address)
        use = {"last_used_at": now, "last_used_address": self.last_used_address}
        return APIKey.objects.filter(outdated, pk=self.pk).update(**use) > 0
