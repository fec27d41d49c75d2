"""Uploaded files, and which tasks use them."""

from uuid import UUID

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Tenant
from videos.models.task import Task
from videos.requests.files import FileKind, parse_file_id, public_file_id
from videos.states import FINAL


class FileState(models.TextChoices):
    """The life of a file: only a stored one exists for its tenant."""

    UPLOADING = "uploading", _("uploading")
    STORED = "stored", _("stored")
    DELETED = "deleted", _("deleted")


class FileQuerySet(models.QuerySet["File"]):
    """Files by visibility, use and public id."""

    def visible_to(self, tenant_id: UUID) -> "FileQuerySet":
        """The tenant's stored files."""
        return self.filter(tenant=tenant_id, state=FileState.STORED)

    def unused(self) -> "FileQuerySet":
        """Files that no unfinished task uses."""
        open_uses = FileUse.objects.filter(file=models.OuterRef("pk")).exclude(task__status__in=sorted(FINAL))
        return self.exclude(models.Exists(open_uses))

    def by_public_id(self, text: str) -> "File":
        """Raises `File.DoesNotExist`, also if the text is not a public id."""
        file_id = parse_file_id(text)
        if file_id is None:
            raise self.model.DoesNotExist
        return self.get(pk=file_id)


class File(models.Model):
    """An uploaded picture or video, for use in requests.

    The row is written before its object and deleted after it, so that every object has a row.
    """

    id = models.UUIDField(verbose_name=_("ID"), primary_key=True, editable=False)
    tenant = models.ForeignKey(
        Tenant, verbose_name=_("tenant"), on_delete=models.PROTECT, related_name="+", db_index=False
    )
    state = models.CharField(verbose_name=_("state"), max_length=10, choices=FileState.choices)
    kind = models.CharField(
        verbose_name=_("kind"), max_length=10, choices=[(kind.value, kind.label) for kind in FileKind]
    )
    name = models.CharField(verbose_name=_("file name"), max_length=200)
    bytes = models.BigIntegerField(verbose_name=_("bytes"))
    sha256 = models.CharField(verbose_name=_("SHA-256"), max_length=64)
    created_at = models.DateTimeField(verbose_name=_("created at"))
    expires_at = models.DateTimeField(
        verbose_name=_("kept until"),
        help_text=_("When it is deleted, unless a task that has not ended uses it."),
    )

    objects = FileQuerySet.as_manager()

    class Meta:
        verbose_name = _("uploaded file")
        verbose_name_plural = _("uploaded files")
        constraints = [
            models.CheckConstraint(condition=Q(state__in=FileState.values), name="file_state_known"),
            models.CheckConstraint(condition=Q(kind__in=[*FileKind]), name="file_kind_known"),
            # No file is empty: each counts against the tenant's bytes.
            models.CheckConstraint(condition=Q(bytes__gt=0), name="file_has_bytes"),
            # A file is kept for some time.
            models.CheckConstraint(condition=Q(expires_at__gt=F("created_at")), name="file_is_kept"),
        ]
        indexes = [
            # api/files.py: a page of the tenant's files; files/storing.py: the sum of its bytes.
            models.Index(fields=["tenant", "id"], include=["bytes", "state"], name="file_of_tenant"),
            # files/storing.py, remove_unneeded: expired files.
            models.Index(fields=["expires_at"], condition=Q(state="stored"), name="file_expiry"),
            # files/storing.py, remove_unneeded: interrupted uploads and deletions.
            models.Index(fields=["created_at"], condition=~Q(state="stored"), name="file_unfinished"),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def public_id(self) -> str:
        return public_file_id(self.id)

    @property
    def what(self) -> FileKind:
        return FileKind(self.kind)


class FileUse(models.Model):
    """A task that uses a file, which is kept until the task has ended."""

    file = models.ForeignKey(
        File, verbose_name=_("uploaded file"), on_delete=models.CASCADE, related_name="uses", db_index=False
    )
    task = models.ForeignKey(
        Task, verbose_name=_("task"), on_delete=models.CASCADE, related_name="+", db_index=False
    )

    class Meta:
        verbose_name = _("use of a file")
        verbose_name_plural = _("uses of files")
        constraints = [
            # A task uses a file once. Its index finds the tasks of a file.
            models.UniqueConstraint(fields=["file", "task"], name="file_use_once"),
        ]
        indexes = [
            # Deleting a task: its uses.
            models.Index(fields=["task"], name="file_use_of_task"),
        ]

    def __str__(self) -> str:
        return f"{public_file_id(self.file_id)} in {self.task_id}"
