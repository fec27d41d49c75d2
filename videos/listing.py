"""Lists of a tenant's tasks: whose, which of them, and in an order that an index gives at any depth.

A page of a list begins after a task, not after a number of them: so it neither skips nor repeats a task while
others are made. Ids sort by the time of creation.
"""

from datetime import datetime
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db.models import BooleanField, F, Func, Q, QuerySet, UUIDField, Value

from accounts.ids import first_uuid7
from videos.models import Task
from videos.states import PUBLIC_STATUS

STATUSES = {
    word: [status for status, public in PUBLIC_STATUS.items() if public == word]
    for word in dict.fromkeys(PUBLIC_STATUS.values())
}
"""Our own states by what clients see of them."""


class _IsAnyOf(Func):
    template, arg_joiner = "%(expressions)s)", " = ANY("
    output_field = BooleanField()


def of_tenant(tenant_id: UUID) -> QuerySet[Task]:
    """All of the tenant's tasks, those that it deleted, too."""
    # Not `=`: from that, PostgreSQL infers that the order of ids is enough, and for a tenant that has much
    # of the table it walks everybody's newest tasks in search of its own, a long way if it was idle lately.
    tenants = Value([tenant_id], output_field=ArrayField(UUIDField()))
    return Task.objects.filter(_IsAnyOf(F("tenant"), tenants))


def made_from(moment: datetime) -> Q:
    """Made at that moment or later: ids say when they were made."""
    return Q(id__gte=first_uuid7(moment))


def made_before(moment: datetime) -> Q:
    """Made earlier than that."""
    return Q(id__lt=first_uuid7(moment))


def beyond(tasks: QuerySet[Task], place: UUID | None, *, newest_first: bool) -> QuerySet[Task]:
    """In that order, from the task after the `place` on; without one from the beginning."""
    if place is not None:
        tasks = tasks.filter(**{"id__lt" if newest_first else "id__gt": place})
    # By tenant, too, which they share: the order of the indexes that begin with it.
    return tasks.order_by(*(("tenant_id", "-id") if newest_first else ("-tenant_id", "id")))
