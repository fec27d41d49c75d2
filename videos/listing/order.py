"""Lists of a tenant's tasks: whose, which of them, and in an order that an index gives at any depth.

A page of a list begins after a task, not after a number of them: so it neither skips nor repeats a task while
others are made. Ids sort by the time of creation.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import BigIntegerField, Q, QuerySet, UUIDField

from config.db.any_of import is_any_of
from config.ids import first_uuid7
from videos.models import Task
from videos.states import PUBLIC_STATUS

STATUSES = {
    word: [status for status, public in PUBLIC_STATUS.items() if public == word]
    for word in dict.fromkeys(PUBLIC_STATUS.values())
}
"""Our own states by what clients see of them."""


def of_tenant(tenant_id: UUID) -> QuerySet[Task]:
    """All of the tenant's tasks, those that it deleted, too."""
    return Task.objects.filter(is_any_of("tenant", [tenant_id], UUIDField()))


def of_key(tenant_id: UUID, api_key_id: int) -> QuerySet[Task]:
    """All of the tenant's tasks that were made with the key; to be listed by it."""
    return of_tenant(tenant_id).filter(is_any_of("api_key", [api_key_id], BigIntegerField()))


def made_from(moment: datetime) -> Q:
    """Made at that moment or later: ids say when they were made."""
    return Q(id__gte=first_uuid7(moment))


def made_before(moment: datetime) -> Q:
    """Made earlier than that."""
    return Q(id__lt=first_uuid7(moment))


@dataclass(frozen=True)
class ListOrder:
    """From the newest task to the oldest or the other way, beginning after the `place`, if there is one."""

    place: UUID | None
    newest_first: bool
    by: str = "tenant_id"
    """What the tasks share; the indexes begin with it. Empty where they share nothing."""

    def of(self, tasks: QuerySet[Task]) -> QuerySet[Task]:
        """The tasks in this order."""
        sign = "" if self.newest_first else "-"
        shared = [f"{sign}{self.by}"] if self.by else []
        return self.beyond(tasks).order_by(*shared, "-id" if self.newest_first else "id")

    def beyond(self, tasks: QuerySet[Task]) -> QuerySet[Task]:
        """Those after the place, in no order."""
        if self.place is None:
            return tasks
        return tasks.filter(**{"id__lt" if self.newest_first else "id__gt": self.place})
