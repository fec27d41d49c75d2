"""What is kept so that a request sent twice makes one task."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import APIKey, Tenant
from videos.models.task import Task


class IdempotencyKey(models.Model):
    """A create that a client gave a key: what was asked, and the task that was made."""

    tenant = models.ForeignKey(
        Tenant, verbose_name=_("tenant"), on_delete=models.CASCADE, related_name="+", db_index=False
    )
    key = models.CharField(verbose_name=_("key"), max_length=255)
    fingerprint = models.BinaryField(
        verbose_name=_("fingerprint"), max_length=32, help_text=_("Of the body it came with.")
    )
    task = models.ForeignKey(
        Task, verbose_name=_("task"), on_delete=models.CASCADE, related_name="+", db_index=False
    )
    position = models.PositiveIntegerField(
        verbose_name=_("position"),
        null=True,
        help_text=_("Where the task stood in its tenant's own queue then; empty where it did not wait."),
    )
    estimated_start = models.DateTimeField(verbose_name=_("estimated start"), null=True)
    created_at = models.DateTimeField(verbose_name=_("created at"))

    class Meta:
        verbose_name = _("idempotency key")
        verbose_name_plural = _("idempotency keys")
        constraints = [
            # One answer for one key.
            models.UniqueConstraint(fields=["tenant", "key"], name="idempotency_key_once_per_tenant"),
        ]
        indexes = [
            # steps.sweep: which are too old to be kept?
            models.Index(fields=["created_at"], name="idempotency_key_age"),
        ]

    def __str__(self) -> str:
        return self.key


class RefusedCreate(models.Model):
    """When a create with that body was last refused: a client that repeats it means a task of its own."""

    api_key = models.ForeignKey(
        APIKey, verbose_name=_("api key"), on_delete=models.CASCADE, related_name="+", db_index=False
    )
    fingerprint = models.BinaryField(verbose_name=_("fingerprint"), max_length=32)
    at = models.DateTimeField(verbose_name=_("at"))

    class Meta:
        verbose_name = _("refused request")
        verbose_name_plural = _("refused requests")
        constraints = [
            # Only the last refusal matters.
            models.UniqueConstraint(fields=["api_key", "fingerprint"], name="refused_create_once_per_body"),
        ]
        indexes = [
            # steps.sweep: which are too old to matter?
            models.Index(fields=["at"], name="refused_create_age"),
        ]

    def __str__(self) -> str:
        return f"refused at {self.at:%Y-%m-%d %H:%M:%S}"
