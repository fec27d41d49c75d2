"""Words in prompts, found among any number of tasks in a bounded time: of one tenant's, or of everybody's.

No single way is fast for all words. Frequent ones are soon met on a walk through the tasks in their order.
Rare ones, and those that are not there, are told by the index `task_prompt`, which has no order, and nothing
of less than three letters. So a short walk comes first, then the index, and where that cannot help, a longer
walk. What lies beyond that is not looked at: whoever asked is told where the search ended, to go on there.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django.contrib.postgres.aggregates import ArrayAgg
from django.db import connection, transaction
from django.db.models import Count, Max, Min, Q, QuerySet, TextField, Value
from django.db.models.functions import Cast, StrIndex, Upper
from django.db.models.lookups import GreaterThan

from videos.listing.order import ListOrder
from videos.models import Task
from videos.models.task import WITH_PROMPT
from videos.models.task_indexes import PROMPT

NEAR, FAR = 2_000, 30_000
"""Tasks looked at on the two walks."""
MOST_MATCHES = 2_000
"""Taken from the index. Words that have more, and yet were not met nearby, are frequent far away."""
LONGEST_SEARCH = 100
"""Characters."""
_IN_INDEX = re.compile(r"[^\W_]{3}")


@dataclass(frozen=True)
class Matches:
    """The first tasks that were found, in no order, and the task that the search ended at.

    That is None if it saw all there are.
    """

    ids: list[UUID]
    ended_at: UUID | None


@dataclass(frozen=True)
class Search:
    """What is searched for, and among which tasks."""

    words: str
    """All of them must be in the prompt, anywhere, in upper or lower case."""
    tenant_id: UUID | None
    """Whose tasks they are, if they are one tenant's."""
    tasks: QuerySet[Task]
    """Those that an index lists in the `order`."""
    rest: Q
    """What else is asked of them."""
    order: ListOrder

    def first(self, most: int) -> Matches:
        """So many tasks, or all there are."""
        near = self._walk(self.order, NEAR)
        if near.ended_at is None or len(near.ids) >= most:
            return near
        with transaction.atomic():
            return self._told_by_index() or self._further(near)

    def _walk(self, order: ListOrder, tasks: int) -> Matches:
        """Look at so many tasks, one after the other."""
        way = order.of(self.tasks.annotate(is_found=self.rest & self._has_words))
        last = Min if order.newest_first else Max
        seen: dict[str, Any] = way[:tasks].aggregate(
            ids=ArrayAgg("id", filter=Q(is_found=True)),
            tasks=Count("id"),
            last=last(Cast("id", TextField())),  # not every PostgreSQL compares ids there
        )
        return Matches(seen["ids"] or [], UUID(seen["last"]) if seen["tasks"] == tasks else None)

    def _told_by_index(self) -> Matches | None:
        """All there are; None where the index cannot tell."""
        indexed = [word for word in self.words.split() if _IN_INDEX.search(word)]
        if not indexed:
            return None
        whose = Q() if self.tenant_id is None else Q(tenant=self.tenant_id)
        has_indexed = Q(*(Q(prompt__icontains=word) for word in indexed))
        matching = self.order.beyond(Task.objects.alias(**WITH_PROMPT).filter(whose, has_indexed))
        # The planner knows little of how often words occur. This leaves it the index alone.
        _avoid("seqscan", "indexscan")
        matches = [*matching.values_list("pk", flat=True)[: MOST_MATCHES + 1]]
        if len(matches) > MOST_MATCHES:
            return None
        passing = self.tasks.filter(self.rest, self._has_words, pk__in=matches)
        return Matches([*passing.values_list("pk", flat=True)], None)

    @property
    def _has_words(self) -> Q:
        # Not LIKE, which the planner would take to the index: a bad way for short words, and no bound.
        places = (StrIndex(Upper(PROMPT), Upper(Value(word))) for word in self.words.split())
        return Q(*(Q(GreaterThan(place, 0)) for place in places))

    def _further(self, near: Matches) -> Matches:
        # In order, and no further: sorting would begin with all there are.
        _avoid("sort", "bitmapscan", but_not=("indexscan",))
        far = self._walk(replace(self.order, place=near.ended_at), FAR)
        return Matches([*near.ids, *far.ids], far.ended_at)


def _avoid(*ways: str, but_not: Iterable[str] = ()) -> None:
    """Let the planner avoid these ways for the rest of the transaction."""
    wanted = dict.fromkeys(ways, "off") | dict.fromkeys(but_not, "on")
    with connection.cursor() as cursor:
        cursor.execute("; ".join(f"SET LOCAL enable_{way} = {switch}" for way, switch in wanted.items()))
