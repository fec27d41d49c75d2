"""Compares the rows of finished videos with the objects in the store: what is missing, different or orphaned.

Both are read folder by folder, so that memory does not grow with the store.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from itertools import groupby
from pathlib import PurePosixPath
from uuid import UUID

from django.db.models import QuerySet
from django.db.models.functions import TruncMonth

from config import stores
from config.days import midnight, month_of
from config.ids import first_uuid7
from config.stores.base import Missing, StoredObject, StoreError
from videos.models import Task
from videos.results import bucket
from videos.results.files import media_name, poster_name, preview_name
from videos.states import FINAL, Status

SETTLED = timedelta(hours=1)
"""Younger objects may belong to a video that is being stored, so they are no orphans."""
OTHERS = ("files/",)
"""Folders of the store that hold something else than results."""


class Kind(StrEnum):
    """What does not agree."""

    MISSING = "missing"
    DIFFERENT = "different"
    ORPHANED = "orphaned"
    UNREADABLE = "unreadable"


@dataclass(frozen=True)
class Difference:
    """One thing that does not agree: the key of the object, and what is wrong."""

    kind: Kind
    key: str
    detail: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.key} ({self.detail})"


def differences(since: datetime | None, now: datetime) -> Iterator[Difference]:
    """All differences of videos created since, or of all, folder by folder. Raises `StoreError`."""
    seen = set()
    for folder, objects in groupby(_objects(), key=lambda found: str(PurePosixPath(found.key).parent)):
        seen.add(folder)
        yield from _compared(_rows_of(folder, since), list(objects), since, now)
    for folder in _folders_of_rows(since):
        if folder not in seen:
            yield from _compared(_rows_of(folder, since), [], since, now)


def in_buckets(since: datetime | None) -> Iterator[Difference]:
    """Videos that are not, or not the same, in their tenants' buckets, as far as those may be read."""
    kept = Task.objects.filter(status=Status.SUCCEEDED, media_bytes__isnull=False).exclude(bucket_key="")
    for task in _since(kept, since).order_by("id").iterator(1000):
        yield from _in_bucket(task)


def delete(orphans: Iterable[Difference]) -> int:
    """Delete orphaned objects; returns how many. Raises `StoreError`."""
    deleted = 0
    for orphan in orphans:
        if orphan.kind is Kind.ORPHANED:
            stores.results().delete(orphan.key)
            deleted += 1
    return deleted


def _objects() -> Iterator[StoredObject]:
    return (found for found in stores.results().list() if not found.key.startswith(OTHERS))


def _compared(
    tasks: Iterable[Task], objects: list[StoredObject], since: datetime | None, now: datetime
) -> Iterator[Difference]:
    known = {task.id: task for task in tasks}
    there = {found.key: found for found in objects}
    for task in known.values():
        if task.has_copy:
            yield from _of_row(task, there.get(task.media_name))
    for found in objects:
        if _is_settled(found, since, now):
            yield from _of_object(found, known.get(_id_in(found.key) or UUID(int=0)))


def _of_row(task: Task, found: StoredObject | None) -> Iterator[Difference]:
    if found is None:
        yield Difference(Kind.MISSING, task.media_name, f"the video of {task.public_id}")
    elif found.size != task.media_bytes:
        detail = f"{found.size} bytes instead of the {task.media_bytes} of {task.public_id}"
        yield Difference(Kind.DIFFERENT, task.media_name, detail)


def _of_object(found: StoredObject, task: Task | None) -> Iterator[Difference]:
    if task is None:
        yield Difference(Kind.ORPHANED, found.key, "no task has it")
    elif task.state in FINAL and found.key not in _names(task):
        yield Difference(Kind.ORPHANED, found.key, f"{task.public_id} does not have it, or no longer")


def _names(task: Task) -> set[str]:
    """The keys that a finished task may have."""
    names = {task.media_name or media_name(task)} if task.has_copy else set()
    names |= {poster_name(task)} if task.has_poster else set()
    return names | ({preview_name(task)} if task.has_preview else set())


def _is_settled(found: StoredObject, since: datetime | None, now: datetime) -> bool:
    return found.modified_at <= now - SETTLED and (since is None or found.modified_at >= since)


def _id_in(key: str) -> UUID | None:
    try:
        return UUID(hex=PurePosixPath(key).stem)
    except ValueError:
        return None


def _rows_of(folder: str, since: datetime | None) -> QuerySet[Task]:
    """The tasks whose videos belong into a folder, `tenant/year/month`; none for other folders."""
    try:
        tenant, year, month = folder.split("/")
        first, last = month_of(date(int(year), int(month), 1))
        owner = UUID(hex=tenant)
    except ValueError:
        return Task.objects.none()
    begin, end = midnight(first, UTC), midnight(last + timedelta(days=1), UTC)
    of_month = Task.objects.filter(tenant=owner, id__gte=first_uuid7(begin), id__lt=first_uuid7(end))
    return _since(of_month, since).only(
        *("status", "tenant_id", "created_at", "media_name", "media_bytes", "media_removed_at"),
        *("expires_at", "has_poster", "has_preview"),
    )


def _folders_of_rows(since: datetime | None) -> Iterator[str]:
    kept = Task.objects.filter(status=Status.SUCCEEDED, media_removed_at=None, expires_at__isnull=False)
    months = _since(kept, since).annotate(month=TruncMonth("created_at", tzinfo=UTC))
    for tenant_id, month in months.values_list("tenant_id", "month").distinct():
        yield f"{tenant_id.hex}/{month:%Y/%m}"


def _since(tasks: QuerySet[Task], since: datetime | None) -> QuerySet[Task]:
    return tasks if since is None else tasks.filter(id__gte=first_uuid7(since))


def _in_bucket(task: Task) -> Iterator[Difference]:
    name = f"{task.store_bucket}/{task.bucket_key}"
    try:
        store = bucket.store_of(task)
        if store is None:
            return
        size = store.stat(task.bucket_key).size
    except Missing:
        yield Difference(Kind.MISSING, name, f"the video of {task.public_id}")
    except StoreError as error:
        yield Difference(Kind.UNREADABLE, name, str(error))
    else:
        if size != task.media_bytes:
            detail = f"{size} bytes instead of the {task.media_bytes} of {task.public_id}"
            yield Difference(Kind.DIFFERENT, name, detail)
