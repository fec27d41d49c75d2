"""Keeps uploaded files in the results' store, and deletes them.

Each object has a row, which is written before it and deleted after it: what an interruption leaves behind is
found by the sweep.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import IO
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Count, Q, QuerySet, Sum

from accounts.models import Tenant
from accounts.quotas import limits
from accounts.quotas.limits import LimitReached
from config import stores
from config.ids import made_at, uuid7
from config.stores.base import StoreError
from config.time_budget import within
from videos.errors import FileInUse, FileNotStored, NotAdmitted
from videos.models import File, FileState, FileUse
from videos.models.task import public_id
from videos.requests.files import FileKind
from videos.states import FINAL

INTERRUPTED_AFTER = timedelta(hours=1)
"""An upload that is not stored after this was interrupted; a request takes a minute at most."""
MOST_FILES = 100_000
"""Files of a tenant, however small: their bytes are summed up for each upload."""
BATCH = 200
"""Rows of one kind that one sweep handles."""
REMOVAL_SECONDS = 5.0
"""Of one sweep, for files of one kind: a store that hangs must not hold a thread of the database for long."""
log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Received:
    """A file that has arrived and was checked; its name is cleaned, its content in a temporary file."""

    name: str
    kind: FileKind
    size: int
    sha256: str
    content: IO[bytes]


def object_key(file: File) -> str:
    """The key of a file in the store."""
    return key_of(file.tenant_id, file.id)


def key_of(tenant_id: UUID, file_id: UUID) -> str:
    """The same by its id, which tells when it was uploaded."""
    return f"files/{tenant_id.hex}/{made_at(file_id):%Y/%m}/{file_id.hex}"


def keep(tenant_id: UUID, received: Received, now: datetime) -> File:
    """Store a file of the tenant's.

    Raises `NotAdmitted` if it has no room for it, and `FileNotStored` if the store fails.
    """
    file = _begin(tenant_id, received, now)
    try:
        _put(file, received)
    except BaseException:
        _remove(file)
        raise
    return file


def delete(tenant_id: UUID, public_file_id: str) -> None:
    """Delete a file of the tenant's. Raises `File.DoesNotExist`, and `FileInUse` while a task needs it."""
    with transaction.atomic():
        file = File.objects.visible_to(tenant_id).select_for_update().by_public_id(public_file_id)
        if task_id := _user_of(file):
            raise FileInUse(
                f"The file is used by {public_id(task_id)}; it can be deleted once that task has ended"
            )
        _mark_deleted(file)
    _remove(file)


def remove_unneeded(now: datetime) -> None:
    """Delete what has expired, and what an interrupted upload or deletion left behind; for the sweep."""
    for file in within(REMOVAL_SECONDS, unfinished(now)[:BATCH]):
        _remove(file)
    for file in within(REMOVAL_SECONDS, expired(now)[:BATCH]):
        if _expire(file):
            _remove(file)


def unfinished(now: datetime) -> QuerySet[File]:
    """Files whose upload or deletion was interrupted."""
    cut_off = Q(state=FileState.UPLOADING, created_at__lte=now - INTERRUPTED_AFTER)
    left = File.objects.exclude(state=FileState.STORED)
    return left.filter(cut_off | Q(state=FileState.DELETED)).order_by("created_at")


def expired(now: datetime) -> QuerySet[File]:
    """Files that were kept long enough, and that no unfinished task uses."""
    return File.objects.filter(state=FileState.STORED, expires_at__lte=now).unused().order_by("expires_at")


def limit() -> int:
    """The bytes that a tenant may keep."""
    allowed: int = settings.FILES_BYTES_PER_TENANT
    return allowed


def _begin(tenant_id: UUID, received: Received, now: datetime) -> File:
    """Write the row, under a lock, so that uploads at the same moment do not exceed the limit together."""
    with transaction.atomic():
        Tenant.objects.locked(tenant_id)
        _check_room(tenant_id, received.size)
        return File.objects.create(
            id=uuid7(now),
            tenant_id=tenant_id,
            state=FileState.UPLOADING,
            kind=received.kind,
            name=received.name,
            bytes=received.size,
            sha256=received.sha256,
            created_at=now,
            expires_at=now + timedelta(days=settings.FILES_RETENTION_DAYS),
        )


def _check_room(tenant_id: UUID, size: int) -> None:
    kept = File.objects.filter(tenant=tenant_id).aggregate(bytes=Sum("bytes", default=0), files=Count("id"))
    if kept["files"] >= MOST_FILES:
        raise _full("files", MOST_FILES, kept["files"], f"The limit of {MOST_FILES} files is reached")
    if kept["bytes"] + size > limit():
        message = f"The limit of {limit()} bytes of files does not allow this one: {kept['bytes']} used"
        raise _full("files_bytes", limit(), kept["bytes"], f"{message}, {size} sent")


def _full(name: str, most: int, used: int, message: str) -> NotAdmitted:
    return NotAdmitted([LimitReached(limits.Kind.QUOTA, name, most, used, message)])


def _put(file: File, received: Received) -> None:
    received.content.seek(0)
    try:
        saved = stores.results().put(object_key(file), received.content, file.what.content_type)
    except StoreError as error:
        log.exception("a file could not be stored", file=file.public_id)
        raise FileNotStored from error
    uploading = File.objects.filter(pk=file.pk, state=FileState.UPLOADING)
    if saved.sha256 != received.sha256 or not uploading.update(state=FileState.STORED):
        raise FileNotStored
    file.state = FileState.STORED


def _user_of(file: File) -> UUID | None:
    """An unfinished task that uses the file. Its row must be locked."""
    uses = FileUse.objects.filter(file=file).exclude(task__status__in=sorted(FINAL))
    return uses.values_list("task_id", flat=True).first()


def _expire(file: File) -> bool:
    """Mark it as deleted, unless a task has begun to use it or somebody else was faster."""
    with transaction.atomic():
        stored = File.objects.filter(pk=file.pk, state=FileState.STORED)
        if not stored.select_for_update().exists() or _user_of(file):
            return False
        _mark_deleted(file)
    return True


def _mark_deleted(file: File) -> None:
    File.objects.filter(pk=file.pk).update(state=FileState.DELETED)


def _remove(file: File) -> None:
    """Delete the object, then the row. If the store fails, the next sweep tries again."""
    try:
        stores.results().delete(object_key(file))
    except StoreError:
        log.exception("a file could not be removed", file=file.public_id)
        return
    File.objects.filter(pk=file.pk).delete()
