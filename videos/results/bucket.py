"""Videos in tenants' own buckets, under a folder for each task."""

from urllib.parse import quote, unquote, urlsplit
from uuid import UUID

from accounts import bucket_access, buckets
from accounts.buckets import Destination
from accounts.models import CosBucket
from config.stores.base import Store, StoredObject
from videos.models import Task
from videos.states import Status

ENDING = ".mp4"
LATEST = 1000
"""How many finished videos are searched for one that is in a bucket."""


def store_of(task: Task) -> Store | None:
    """The bucket that the task's video goes to; None if it goes to none, or it may not be read.

    Raises `StoreError`.
    """
    return opened(task, bucket_access.settings_of(task.tenant_id))


def opened(task: Task, own: CosBucket | None) -> Store | None:
    """The same with the tenant's settings, which were read before."""
    if task.destination is None:
        return None
    return bucket_access.opened(own, task.destination.bucket, task.destination.region)


def is_open(task: Task) -> bool:
    """Whether the task's video goes to a bucket that the tenant lets us read, as far as the settings say."""
    return task.destination is not None and bucket_access.is_allowed(task.tenant_id)


def find(store: Store, destination: Destination, key: str = "") -> StoredObject | None:
    """The video in the task's folder: the object of that key, else the largest; None if there is none.

    Raises `StoreError`.
    """
    there = [found for found in store.list(f"{destination.path}/") if found.key.lower().endswith(ENDING)]
    named = [found for found in there if found.key == key]
    return max(named or there, key=lambda found: found.size, default=None)


def has_video(tenant_id: UUID, bucket: str, region: str) -> bool:
    """Whether one of the tenant's `LATEST` finished videos is in that bucket, put there by upstream."""
    finished = Task.objects.visible_to(tenant_id).filter(status=Status.SUCCEEDED)
    latest = finished.order_by("-id").values("pk")[:LATEST]
    there = Task.objects.filter(pk__in=latest, store_bucket=bucket, store_region=region)
    return there.exclude(bucket_key="").exists()


def bare_link(task: Task, key: str) -> str:
    """The object's URL as upstream writes it: without a signature, so of no use if the bucket is private."""
    return f"https://{buckets.host(task.store_bucket, task.store_region)}/{quote(key)}"


def key_of(task: Task) -> str:
    """The key that upstream's link names; without such a link, the task's folder."""
    destination = task.destination
    if destination is None:
        return ""
    path = unquote(urlsplit(task.result_link).path).lstrip("/")
    begin = path.find(f"{destination.path}/")
    return path[begin:] if begin >= 0 else f"{destination.path}/"
