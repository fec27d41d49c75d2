"""The task: one requested video."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from accounts.buckets import Destination
from accounts.models import APIKey, Tenant
from accounts.money import MoneyField
from config.amounts import ZERO
from config.ids import made_at
from videos.labels import STATUSES, attention_label
from videos.models.task_indexes import CONSTRAINTS, INDEXES, PROMPT
from videos.models.upstream_account import UpstreamAccount
from videos.states import LOST, Status

PUBLIC_PREFIX = "task_"
_HEX_DIGITS = 32
WITH_PROMPT: dict[str, Any] = {"prompt": PROMPT}
"""Annotation that fills `Task.prompt` if the rest of the request is not loaded."""
REQUEST_COLUMNS = ("request", "payload", "fingerprint")
"""Columns of the request: larger than all others together, and loaded only to show all of it."""


def public_id(task_id: UUID) -> str:
    """The id clients see: `task_` and 32 hex digits."""
    return f"{PUBLIC_PREFIX}{task_id.hex}"


def parse_public_id(text: str) -> UUID | None:
    """The primary key in a public id; None if the text is not a public id."""
    digits = text.removeprefix(PUBLIC_PREFIX)
    if len(digits) != _HEX_DIGITS or digits == text or digits.strip("0123456789abcdef"):
        return None
    return UUID(hex=digits)


def stored_at(destination: Destination | None) -> dict[str, str]:
    """The columns that say where a task's video is to be stored."""
    if destination is None:
        return {}
    return {
        "store_bucket": destination.bucket,
        "store_region": destination.region,
        "store_path": destination.path,
    }


class TaskQuerySet(models.QuerySet["Task"]):
    """Tasks by visibility, time and public id."""

    def kept(self) -> "TaskQuerySet":
        """Tasks that their tenant has not deleted."""
        return self.filter(hidden_at=None)

    def visible_to(self, tenant_id: UUID) -> "TaskQuerySet":
        """The tenant's tasks, without those it deleted."""
        return self.kept().filter(tenant=tenant_id)

    def begin(self, now: datetime) -> datetime:
        """When the first task was created; `now` if there is none."""
        oldest = self.order_by("id").values_list("id", flat=True).first()
        return now if oldest is None else min(made_at(oldest), now)

    def by_public_id(self, text: str) -> "Task":
        """Raises `Task.DoesNotExist`, also if the text is not a public id."""
        task_id = parse_public_id(text)
        if task_id is None:
            raise self.model.DoesNotExist
        return self.get(pk=task_id)


class Task(models.Model):
    """One requested video.

    `states` defines its states and their transitions; only the verbs of `lifecycle` write `status`.
    """

    id = models.UUIDField(verbose_name=_("ID"), primary_key=True, editable=False)
    tenant = models.ForeignKey(
        Tenant, verbose_name=_("tenant"), on_delete=models.PROTECT, related_name="tasks", db_index=False
    )
    api_key = models.ForeignKey(
        APIKey,
        verbose_name=_("API key"),
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
        help_text=_("The API key of the request."),
    )
    account = models.ForeignKey(
        UpstreamAccount,
        verbose_name=_("upstream account"),
        on_delete=models.PROTECT,
        null=True,
        related_name="tasks",
        db_index=False,
        help_text=_("The account it was submitted to; empty until submitted."),
    )
    status = models.CharField(
        verbose_name=_("status"),
        max_length=12,
        choices=[(status.value, look.label) for status, look in STATUSES.items()],
    )

    model = models.CharField(verbose_name=_("model"), max_length=50)
    seconds = models.PositiveSmallIntegerField(verbose_name=_("seconds"))
    request = models.JSONField(verbose_name=_("request"), help_text=_("The normalised request body."))
    payload = models.JSONField(
        verbose_name=_("as forwarded"),
        default=dict,
        help_text=_("What upstream was sent; empty before it is submitted."),
    )
    store_bucket = models.CharField(
        verbose_name=_("bucket"),
        max_length=80,
        default="",
        db_default="",
        help_text=_("The tenant's bucket for the video; empty if upstream keeps it."),
    )
    store_region = models.CharField(verbose_name=_("region"), max_length=40, default="", db_default="")
    store_path = models.CharField(
        verbose_name=_("folder"), max_length=850, default="", db_default="", help_text=_("In that bucket.")
    )
    not_forwarded = ArrayField(
        models.TextField(),
        verbose_name=_("not forwarded"),
        default=list,
        help_text=_("Request paths upstream has no field for."),
    )

    price = MoneyField(
        verbose_name=_("price"), default=ZERO, help_text=_("The price quoted at creation; never changes.")
    )
    usage_day = models.DateField(
        verbose_name=_("day of use"),
        help_text=_("The date of creation in the tenant's time zone; use counts on this day."),
    )
    fingerprint = models.BinaryField(
        verbose_name=_("fingerprint"),
        max_length=32,
        null=True,
        help_text=_("Hash of the request body, to detect repeated requests."),
    )
    hidden_at = models.DateTimeField(
        verbose_name=_("deleted at"), null=True, help_text=_("When the tenant deleted it.")
    )
    pruned_at = models.DateTimeField(
        verbose_name=_("pruned at"),
        null=True,
        help_text=_("When `manage.py prune` removed its request and events."),
    )

    turn = models.BigIntegerField(
        verbose_name=_("turn"),
        default=0,
        help_text=_("Its place among all queued tasks; tenants alternate."),
    )
    prefers = models.CharField(
        verbose_name=_("prefers"),
        max_length=10,
        default="",
        db_default="",
        help_text=_("The product that carries more of its options; empty if all carry the same."),
    )
    on_own_account = models.BooleanField(
        verbose_name=_("on the tenant's own account"),
        default=False,
        db_default=False,
        help_text=_("It may be submitted only to accounts that the tenant owns."),
    )
    attempts = models.PositiveSmallIntegerField(
        verbose_name=_("attempts"), default=0, help_text=_("Number of submission attempts.")
    )
    due_at = models.DateTimeField(
        verbose_name=_("due at"),
        help_text=_("When a worker next handles it; the worker then sets a later time."),
    )
    looked_at = models.DateTimeField(
        verbose_name=_("looked at"), null=True, help_text=_("When upstream was last asked about it.")
    )

    upstream_task_id = models.TextField(verbose_name=_("provider's task ID"), null=True)  # noqa: DJ001 - unknown until accepted
    upstream_status = models.CharField(
        verbose_name=_("upstream status"),
        max_length=50,
        default="",
        help_text=_("Status as reported by upstream."),
    )
    result_link = models.TextField(
        verbose_name=_("result link"), default="", help_text=_("Upstream's link; expires within hours.")
    )

    created_at = models.DateTimeField(verbose_name=_("created at"))
    submitted_at = models.DateTimeField(
        verbose_name=_("submitted at"), null=True, help_text=_("When it was last sent.")
    )
    accepted_at = models.DateTimeField(verbose_name=_("accepted at"), null=True)
    expected_seconds = models.FloatField(
        verbose_name=_("expected seconds"),
        null=True,
        help_text=_("How long upstream should take, when accepted."),
    )
    done_at = models.DateTimeField(
        verbose_name=_("done at"), null=True, help_text=_("When polling found it done upstream.")
    )
    finished_at = models.DateTimeField(verbose_name=_("finished at"), null=True)

    media_name = models.CharField(
        verbose_name=_("file"),
        max_length=200,
        default="",
        help_text=_("Its name in the platform's store; empty if it is only in the tenant's bucket."),
    )
    media_bytes = models.BigIntegerField(
        verbose_name=_("bytes"), null=True, help_text=_("Empty if the video could not be read.")
    )
    media_sha256 = models.CharField(verbose_name=_("SHA-256"), max_length=64, default="", db_default="")
    bucket_key = models.CharField(
        verbose_name=_("object"),
        max_length=1000,
        default="",
        db_default="",
        help_text=_("The video in the tenant's bucket; empty if it is only in the platform's store."),
    )
    has_poster = models.BooleanField(
        verbose_name=_("has a poster"),
        default=False,
        db_default=False,
        help_text=_("Whether a poster is stored."),
    )
    has_preview = models.BooleanField(
        verbose_name=_("has a preview"),
        default=False,
        db_default=False,
        help_text=_("Whether a short preview without sound is stored."),
    )
    frame_size = models.CharField(
        verbose_name=_("frame size"), max_length=20, default="", help_text=_("Such as 1920x1080.")
    )
    expires_at = models.DateTimeField(
        verbose_name=_("kept until"), null=True, help_text=_("When the media is deleted.")
    )
    media_removed_at = models.DateTimeField(verbose_name=_("video removed at"), null=True)

    failure_code = models.CharField(verbose_name=_("failure code"), max_length=30, default="")
    failure_message = models.TextField(
        verbose_name=_("failure message"), default="", help_text=_("Shown to the tenant.")
    )
    attention = models.TextField(
        verbose_name=_("attention"), default="", help_text=_("Why staff should look at it; otherwise empty.")
    )

    objects = TaskQuerySet.as_manager()

    class Meta:
        verbose_name = _("task")
        verbose_name_plural = _("tasks")
        constraints = CONSTRAINTS
        indexes = INDEXES

    def __str__(self) -> str:
        return self.public_id

    @property
    def public_id(self) -> str:
        return public_id(self.id)

    @cached_property
    def prompt(self) -> str | None:
        """Annotate `WITH_PROMPT` if the rest of the request is not needed."""
        prompt: str | None = self.request.get("prompt")
        return prompt

    @property
    def destination(self) -> Destination | None:
        """The folder in the tenant's bucket; None if upstream keeps the video until it is fetched."""
        if not self.store_bucket:
            return None
        return Destination(self.store_bucket, self.store_region, self.store_path)

    @property
    def has_copy(self) -> bool:
        """Whether the platform's store has the video."""
        is_kept = self.expires_at is not None and self.media_removed_at is None
        return self.state is Status.SUCCEEDED and is_kept

    @property
    def is_readable(self) -> bool:
        """Whether the video could be read where it is, here or in the tenant's bucket."""
        in_bucket = self.state is Status.SUCCEEDED and bool(self.bucket_key) and self.media_bytes is not None
        return self.has_copy or in_bucket

    @property
    def attention_label(self) -> str:
        """Why staff should look; empty if they need not."""
        return attention_label(self.attention) if self.attention else ""

    @property
    def charged(self) -> Decimal:
        """The price; 0 if the task failed or was cancelled."""
        return ZERO if self.state in LOST else self.price

    @property
    def state(self) -> Status:
        return Status(self.status)
