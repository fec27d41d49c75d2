"""A form that is sent twice with its pictures: each time they are stored anew, under other ids."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from videos.files import storing
from videos.models import File, IdempotencyKey, Task
from videos.requests.files import parse_file_id
from videos.tasks.idempotency import hash_of
from videos.tasks.orders import Checked


def task_of_the_form(checked: Checked) -> Task | None:
    """The task that the form made before, if it asked for the same with the same pictures.

    What this sending stored is deleted then, as nothing needs it.
    """
    caller = checked.caller
    tenant_id, key = caller.key.tenant_id, caller.fingerprint.idempotency_key
    made = Task.objects.visible_to(tenant_id).filter(
        pk__in=IdempotencyKey.objects.filter(tenant=tenant_id, key=key).values("task")
    )
    task, asked = made.first(), checked.request.as_stored()
    if task is None or _by_content(tenant_id, task.request) != _by_content(tenant_id, asked):
        return None
    for file in _files_in(tenant_id, asked).filter(created_at=caller.now):
        storing.delete(tenant_id, file.public_id)
    return task


def _by_content(tenant_id: UUID, request: Mapping[str, Any]) -> bytes:
    """Identifies what is asked for, whatever the ids of its pictures are."""
    contents = {file.public_id: file.sha256 for file in _files_in(tenant_id, request)}
    images = [contents.get(image, image) for image in request.get("images", ())]
    return hash_of({**request, "images": images})


def _files_in(tenant_id: UUID, request: Mapping[str, Any]) -> QuerySet[File]:
    keys = [key for image in request.get("images", ()) if (key := parse_file_id(image))]
    return File.objects.visible_to(tenant_id).filter(pk__in=keys)
