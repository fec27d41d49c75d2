"""Removing what clients said, once it is not needed any more: what `manage.py prune` does.

Of a task that ended long ago, or that its tenant deleted, go its request, what upstream was sent and answered
(and all that is told of it). The task stays, as it counts: its price, its times, its use, its entries, and
what people decided about it, with their names and reasons.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Case, F, QuerySet, Value, When
from django.db.models.lookups import GreaterThanOrEqual

from config.ids import first_uuid7
from videos.models import Task, TaskEvent
from videos.states import Verb
from videos.tasks import idempotency, staff_actions

BATCH = 200
"""Tasks of one transaction: it holds their rows, and nobody else's, for some ten milliseconds."""
BY_PEOPLE = (Verb.ASKED, Verb.REMOVED, *staff_actions.ACTIONS)
"""Events that tell who decided what, and why; they hold nothing else, and stay."""
FAILURE_REMOVED = "The task failed. What was said about it has been removed."


@dataclass(frozen=True)
class Pruned:
    """How many tasks were pruned, and how many of their events deleted."""

    tasks: int = 0
    events: int = 0

    def __add__(self, other: "Pruned") -> "Pruned":
        return Pruned(self.tasks + other.tasks, self.events + other.events)


def deleted() -> QuerySet[Task]:
    """Tasks that their tenants deleted, which only those that ended can be."""
    return Task.objects.filter(hidden_at__isnull=False, pruned_at=None).order_by("hidden_at")


def outlived(now: datetime, days: int) -> QuerySet[Task]:
    """Tasks that ended longer than so many days ago; none where it is 0."""
    if days <= 0:
        return Task.objects.none()
    ended = Task.objects.filter(finished_at__lt=now - timedelta(days=days), pruned_at=None)
    return ended.order_by("finished_at")


def prune(tasks: QuerySet[Task], now: datetime) -> Iterator[Pruned]:
    """Prune them, a batch at a time: cut off in between, it goes on where it was.

    What others have locked, another such run among them, is passed over; the next run finds it.
    """
    while (done := _prune_some(tasks, now)).tasks:
        yield done


def would_prune(tasks: QuerySet[Task]) -> Pruned:
    """What pruning them would come to."""
    ordinary = TaskEvent.objects.filter(task__in=tasks.order_by()).exclude(verb__in=BY_PEOPLE)
    return Pruned(tasks.count(), ordinary.count())


@transaction.atomic
def _prune_some(tasks: QuerySet[Task], now: datetime) -> Pruned:
    unlocked = tasks.select_for_update(skip_locked=True, no_key=True).only("id")
    batch = list(unlocked[:BATCH])
    if not batch:
        return Pruned()
    pruned = Task.objects.filter(pk__in=[task.pk for task in batch]).update(**_stub(now))
    return Pruned(pruned, _delete_events(batch))


def _stub(now: datetime) -> dict[str, Any]:
    """What is left of a task's columns that say what was asked and answered.

    The fingerprint is needed as long as the retry of an SDK may come, and tells nobody what it is of.
    """
    may_be_retried = GreaterThanOrEqual(F("id"), first_uuid7(now - idempotency.RETRIED_WITHIN))
    return {
        "request": {},
        "payload": {},
        "not_forwarded": [],
        "result_link": "",
        "failure_message": Case(When(failure_message="", then=Value("")), default=Value(FAILURE_REMOVED)),
        "fingerprint": Case(When(may_be_retried, then=F("fingerprint"))),
        "pruned_at": now,
    }


def _delete_events(batch: Sequence[Task]) -> int:
    ordinary = TaskEvent.objects.filter(task__in=batch).exclude(verb__in=BY_PEOPLE)
    return ordinary.delete()[0]


def total(done: Iterable[Pruned]) -> Pruned:
    """All of it."""
    return sum(done, Pruned())
