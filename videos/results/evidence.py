"""Evidence in a tenant's bucket: an object under a task's own prefix proves that upstream made its video."""

from dataclasses import dataclass
from typing import Protocol

from django.conf import settings
from django.utils.module_loading import import_string

from accounts.buckets import Destination
from videos.models import Task


@dataclass(frozen=True)
class FoundObject:
    """An object in a bucket, and a link to it that works for a while."""

    key: str
    link: str


class BucketReader(Protocol):
    """Reads the bucket of one tenant, with what the tenant allows."""

    def first(self, destination: Destination) -> FoundObject | None:
        """The first object under that prefix; None if there is none. Raises `OSError`."""


def reader_for(task: Task) -> BucketReader | None:
    """A reader of the bucket that the task's video goes to; None if it goes to none, or none can be read."""
    if task.destination is None or not settings.BUCKET_READER:
        return None
    reader: BucketReader | None = import_string(settings.BUCKET_READER)(task.tenant_id)
    return reader
