"""Records that let a repeated request return the same task."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import APIKey, Tenant
from videos.models.task import Task


class IdempotencyKey(models.Model):
    """A create with an Idempotency-Key: the hash of the request, and the task it created."""

    tenant = models.ForeignKey(
        Tenant, verbose_name=_("tenant"), on_delete=models.CASCADE, related_name="+", db_index=False
    )
    key = models.CharField(verbose_name=_("key"), max_length=255)
    fingerprint = models.BinaryField(
        verbose_name=_("fingerprint"), max_length=32, help_text=_("Hash of the request body.")
    )
    task = models.ForeignKey(
        Task, verbose_name=_("task"), on_delete=models.CASCADE, related_name="+", db_index=False
    )
    position = models.PositiveIntegerField(
        verbose_name=_("position"),
        null=True,
        help_text=_("The task's queue position when it was created; empty if it did not wait."),
    )
    estimated_start = models.DateTimeField(verbose_name=_("estimated start"), null=True)
    created_at = models.DateTimeField(verbose_name=_("created at"))

    class Meta:
        verbose_name = _("idempotency key")
        verbose_name_plural = _("idempotency keys")
        constraints = [
            # One task per key.
            models.UniqueConstraint(fields=["tenant", "key"], name="idempotency_key_once_per_tenant"),
        ]
        indexes = [
            # worker/sweep.py: expired keys.
            models.Index(fields=["created_at"], name="idempotency_key_age"),
        ]

    def __str__(self) -> str:
        return self.key


class RefusedCreate(models.Model):
    """When a create with that body was last refused: a client that repeats it wants a new task."""

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
            # worker/sweep.py: expired refusals.
            models.Index(fields=["at"], name="refused_create_age"),
        ]

    def __str__(self) -> str:
        return f"refused at {self.at:%Y-%m-%d %H:%M:%S}"
