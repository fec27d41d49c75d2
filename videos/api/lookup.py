"""Tasks by the ids that clients use."""

from django.db.models import QuerySet

from accounts.models import APIKey
from videos.errors import TaskNotExist
from videos.models import Task
from videos.models.task import AS_ASKED, parse_public_id


def of_tenant(key: APIKey, public_id: str) -> Task:
    """A task of the key's tenant that was not deleted. Raises `TaskNotExist` for any other id."""
    return _find(Task.objects.filter(tenant=key.tenant_id), public_id)


def linked(public_id: str) -> Task:
    """The task that a signed link names, with its tenant. Raises `TaskNotExist`."""
    return _find(Task.objects.select_related("tenant"), public_id)


def _find(tasks: QuerySet[Task], public_id: str) -> Task:
    task_id = parse_public_id(public_id)
    kept = tasks.filter(hidden_at=None).defer(*AS_ASKED)
    task = kept.filter(pk=task_id).first() if task_id else None
    if task is None:
        raise TaskNotExist
    return task
