"""Removes client data that is no longer needed (`manage.py prune`).

A task that ended long ago, or that its tenant deleted, loses its request, payload, failure message and most
events. It keeps its price, times, use, ledger entries, and the decisions of people with name and reason.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Case, F, QuerySet, Value, When
from django.db.models.lookups import GreaterThanOrEqual

from config.ids import first_uuid7
from videos.listing import prompts
from videos.models import Task, TaskEvent
from videos.states import Verb
from videos.tasks import idempotency, staff_actions

BATCH = 200
"""Tasks per transaction, which locks their rows for some ten milliseconds."""
DECISION_VERBS = (Verb.ASKED, Verb.OPERATOR, Verb.REMOVED, *staff_actions.ACTIONS)
"""Events that record who decided what, and why. They contain nothing else, and are kept."""
FAILURE_REMOVED = "The task failed. What was said about it has been removed."


@dataclass(frozen=True)
class Pruned:
    """How many tasks were pruned, and how many of their events deleted."""

    tasks: int = 0
    events: int = 0

    def __add__(self, other: "Pruned") -> "Pruned":
        return Pruned(self.tasks + other.tasks, self.events + other.events)


def deleted() -> QuerySet[Task]:
    """Tasks that their tenants deleted; all of them have ended."""
    return Task.objects.filter(hidden_at__isnull=False, pruned_at=None).order_by("hidden_at")


def past_retention(now: datetime, days: int) -> QuerySet[Task]:
    """Tasks that ended more than `days` days ago; none if `days` is 0."""
    if days <= 0:
        return Task.objects.none()
    ended = Task.objects.filter(finished_at__lt=now - timedelta(days=days), pruned_at=None)
    return ended.order_by("finished_at")


def prune(tasks: QuerySet[Task], now: datetime) -> Iterator[Pruned]:
    """Prune the tasks in batches, yielding the counts of each; an interrupted run can simply be repeated.

    Rows locked by others, such as a concurrent run, are skipped; the next run finds them.
    """
    while (done := _prune_some(tasks, now)).tasks:
        yield done


def would_prune(tasks: QuerySet[Task]) -> Pruned:
    """What `prune` would remove."""
    return Pruned(tasks.count(), _ordinary_events(tasks.order_by()).count())


@transaction.atomic
def _prune_some(tasks: QuerySet[Task], now: datetime) -> Pruned:
    unlocked = tasks.select_for_update(skip_locked=True, no_key=True).only("id")
    batch = list(unlocked[:BATCH])
    if not batch:
        return Pruned()
    pruned = Task.objects.filter(pk__in=[task.pk for task in batch]).update(**_stub(now))
    prompts.remove(batch)
    return Pruned(pruned, _ordinary_events(batch).delete()[0])


def _stub(now: datetime) -> dict[str, Any]:
    """The new values of a pruned task's columns.

    The fingerprint is kept while an SDK's retry may still come; as a hash it reveals nothing.
    """
    may_be_retried = GreaterThanOrEqual(F("id"), first_uuid7(now - idempotency.RETRY_WINDOW))
    return {
        "request": {},
        "payload": {},
        "not_forwarded": [],
        "result_link": "",
        "failure_message": Case(When(failure_message="", then=Value("")), default=Value(FAILURE_REMOVED)),
        "fingerprint": Case(When(may_be_retried, then=F("fingerprint"))),
        "pruned_at": now,
    }


def _ordinary_events(tasks: Sequence[Task] | QuerySet[Task]) -> QuerySet[TaskEvent]:
    return TaskEvent.objects.filter(task__in=tasks).exclude(verb__in=DECISION_VERBS)


def total(done: Iterable[Pruned]) -> Pruned:
    """The sum of the batches."""
    return sum(done, Pruned())
