"""API keys: what a tenant's programs prove themselves with."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from accounts import keys
from accounts.models.tenant import Tenant

LAST_USED_PRECISION = timedelta(minutes=1)
"""`last_used_at` is written at most this often, so that reading a key costs no write."""


class Scope(models.TextChoices):
    """What a key may be used for: looking, making videos, running the account."""

    READ = "read"
    WRITE = "write"
    MANAGE = "manage"


def default_scopes() -> list[str]:
    """A new key may read and write."""
    return [Scope.READ.value, Scope.WRITE.value]


class APIKeyManager(models.Manager["APIKey"]):
    """Mints keys and finds them by what a client presents."""

    def mint(
        self, tenant: Tenant, name: str, scopes: Iterable[str] = (), expires_at: datetime | None = None
    ) -> tuple["APIKey", str]:
        """A new key of the tenant, and its text, which can never be shown again."""
        text = keys.mint()
        parsed = keys.parse(text)
        assert parsed is not None, "a minted key parses"  # noqa: S101 - mint and parse disagree otherwise
        key = self.create(
            tenant=tenant,
            name=name,
            prefix=parsed.prefix,
            digest=parsed.digest,
            scopes=list(scopes) or default_scopes(),
            expires_at=expires_at,
        )
        return key, text

    def presented(self, text: str, now: datetime) -> "APIKey | None":
        """The usable key with that text, with its tenant, in one query; None for any other text."""
        parsed = keys.parse(text)
        if parsed is None:
            return None
        key = self.select_related("tenant").filter(prefix=parsed.prefix).first()
        if key is None or not keys.same(key.digest, parsed.digest):
            return None
        return key if key.is_usable(now) else None


class APIKey(models.Model):
    """A key, by its prefix and digest; the key itself is kept nowhere."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=16, unique=True, editable=False)
    digest = models.CharField(max_length=64, editable=False)
    scopes = ArrayField(models.CharField(max_length=10, choices=Scope.choices), default=default_scopes)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = APIKeyManager()

    class Meta:
        verbose_name = "API key"
        constraints = [
            models.CheckConstraint(
                # A key may be used for something, and only for what there is.
                condition=models.Q(scopes__contained_by=Scope.values, scopes__len__gt=0),
                name="api_key_scopes_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    def is_usable(self, now: datetime) -> bool:
        """Neither revoked nor expired, and its tenant not suspended."""
        expired = self.expires_at is not None and self.expires_at <= now
        return self.revoked_at is None and not expired and not self.tenant.is_suspended

    def revoke(self, now: datetime) -> None:
        """Refuse the key from `now` on."""
        self.revoked_at = now
        self.save(update_fields=["revoked_at"])

    def record_use(self, now: datetime) -> None:
        """Note that the key was used, unless that was noted within `LAST_USED_PRECISION`."""
        if self.last_used_at is None or now - self.last_used_at >= LAST_USED_PRECISION:
            self.last_used_at = now
            self.save(update_fields=["last_used_at"])
