"""Lists of a tenant's tasks, in an order that an index serves at any depth.

A page begins after a given task, not after a number of tasks (keyset pagination), so none is skipped or
repeated while others are created. Ids sort by the time of creation.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from django.db.models import BigIntegerField, Model, Q, QuerySet, UUIDField

from config.db.any_of import is_any_of
from config.ids import first_uuid7
from videos.models import Task
from videos.states import ACTIVE, PUBLIC_STATUS, Status

STATUSES = {
    word: [status for status, public in PUBLIC_STATUS.items() if public == word]
    for word in dict.fromkeys(PUBLIC_STATUS.values())
}
"""Our statuses by the status that clients see, for tasks that upstream never accepted before."""
_Rows = TypeVar("_Rows", bound=Model)


def of_tenant(tenant_id: UUID) -> QuerySet[Task]:
    """All of the tenant's tasks, including deleted ones."""
    return Task.objects.filter(is_any_of("tenant", [tenant_id], UUIDField()))


def of_key(tenant_id: UUID, api_key_id: int) -> QuerySet[Task]:
    """All of the tenant's tasks created with the key, to be ordered by `api_key_id`."""
    return of_tenant(tenant_id).filter(is_any_of("api_key", [api_key_id], BigIntegerField()))


def of_status(word: str) -> Q:
    """Those that clients see in that status."""
    listed = Q(status__in=STATUSES[word])
    if word == PUBLIC_STATUS[Status.QUEUED]:
        return listed & Q(accepted_at=None)
    if word == PUBLIC_STATUS[Status.RUNNING]:  # also those that are to be submitted again
        return Q(status__in=sorted(ACTIVE)) & (listed | Q(accepted_at__isnull=False))
    return listed


def made_from(moment: datetime) -> Q:
    """Created at `moment` or later; ids contain the creation time."""
    return Q(id__gte=first_uuid7(moment))


def made_before(moment: datetime) -> Q:
    """Created before `moment`."""
    return Q(id__lt=first_uuid7(moment))


@dataclass(frozen=True)
class ListOrder:
    """Newest first or oldest first, beginning after the task with the id `place`, if it is set."""

    place: UUID | None
    newest_first: bool
    by: str = "tenant_id"
    """The column that all listed tasks share, with which the index begins; empty if there is none."""

    def of(self, tasks: QuerySet[Task]) -> QuerySet[Task]:
        sign = "" if self.newest_first else "-"
        shared = [f"{sign}{self.by}"] if self.by else []
        return self.beyond(tasks).order_by(*shared, "-id" if self.newest_first else "id")

    def beyond(self, tasks: QuerySet[_Rows]) -> QuerySet[_Rows]:
        """The tasks after `place`, unordered; also rows that have the primary keys of tasks."""
        if self.place is None:
            return tasks
        return tasks.filter(**{"pk__lt" if self.newest_first else "pk__gt": self.place})
