"""What is kept so that a request sent twice makes one task."""

from django.db import models

from accounts.models import APIKey, Tenant
from videos.models.task import Task


class IdempotencyKey(models.Model):
    """A create that a client gave a key: what was asked, and what was answered."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+", db_index=False)
    key = models.CharField(max_length=255)
    fingerprint = models.BinaryField(max_length=32, help_text="Of the body it came with.")
    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="+", db_index=False)
    answer = models.TextField(help_text="The body of the answer, as it was sent.")
    created_at = models.DateTimeField()

    class Meta:
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

    api_key = models.ForeignKey(APIKey, on_delete=models.CASCADE, related_name="+", db_index=False)
    fingerprint = models.BinaryField(max_length=32)
    at = models.DateTimeField()

    class Meta:
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
