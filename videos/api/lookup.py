"""Tasks by the ids that clients use."""

from accounts.models import APIKey
from videos.errors import TaskNotExist
from videos.models import Task
from videos.models.task import AS_ASKED, TaskQuerySet


def of_tenant(key: APIKey, public_id: str) -> Task:
    """A task of the key's tenant that was not deleted. Raises `TaskNotExist` for any other id."""
    return _found(Task.objects.visible_to(key.tenant_id), public_id)


def linked(public_id: str) -> Task:
    """The task that a signed link names, with its tenant. Raises `TaskNotExist`."""
    return _found(Task.objects.kept().select_related("tenant"), public_id)


def _found(tasks: TaskQuerySet, public_id: str) -> Task:
    try:
        return tasks.defer(*AS_ASKED).by_public_id(public_id)
    except Task.DoesNotExist as error:
        raise TaskNotExist from error
