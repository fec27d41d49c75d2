"""Search for words in prompts, of one tenant or of all, in bounded time among any number of tasks.

No single method is fast for all words. A scan in list order soon finds frequent ones. The trigram index of
`PromptText` finds rare and missing ones, but is unordered, needs three letters, and lacks the last seconds'
tasks. So a short scan comes first, then the index, then a longer scan if the index cannot help. Tasks beyond
are not searched: the result says where the search stopped, to continue there.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django.contrib.postgres.aggregates import ArrayAgg
from django.db import connection, transaction
from django.db.models import Count, Func, Max, Min, Q, QuerySet, TextField, Value
from django.db.models.functions import Cast, StrIndex, Upper
from django.db.models.lookups import GreaterThan

from videos.listing.order import ListOrder
from videos.models import PromptText, Task

NEAR, FAR = 2_000, 30_000
"""Tasks read by the short and the long scan."""
MOST_MATCHES = 2_000
"""Read from the index. Words with more matches, none of them near, are frequent further away."""
LONGEST_SEARCH = 100
"""Characters."""
PROMPTS = Func("request", function="videos_prompts", output_field=TextField())
"""The prompts of a task, also those of its shots, as in `PromptText`."""
_IN_INDEX = re.compile(r"[^\W_]{3}")


@dataclass(frozen=True)
class Matches:
    """The first matches, unordered, and the task at which the search stopped; None if it covered all."""

    ids: list[UUID]
    ended_at: UUID | None


@dataclass(frozen=True)
class Search:
    """The words, and the tasks to search."""

    words: str
    """All of them must be in the prompt, anywhere, in upper or lower case."""
    tenant_id: UUID | None
    """Set if the tasks are one tenant's."""
    tasks: QuerySet[Task]
    """Tasks that an index lists in `order`."""
    rest: Q
    """Further filters."""
    order: ListOrder

    def first(self, most: int) -> Matches:
        """At least `most` matches, or fewer if the search finds no more; not cut to `most`."""
        near = self.near()
        if near.ended_at is None or len(near.ids) >= most:
            return near
        with transaction.atomic():
            return self._from_index() or self._further(near)

    def near(self) -> Matches:
        """The matches among the first tasks, by one query."""
        return self._scan(self.order, NEAR)

    def _scan(self, order: ListOrder, tasks: int) -> Matches:
        """Read the next `tasks` tasks in order."""
        ordered = order.of(self.tasks.annotate(is_found=self.rest & self._has_words))
        last = Min if order.newest_first else Max
        seen: dict[str, Any] = ordered[:tasks].aggregate(
            ids=ArrayAgg("id", filter=Q(is_found=True)),
            tasks=Count("id"),
            last=last(Cast("id", TextField())),  # older PostgreSQL has no min(uuid)
        )
        return Matches(seen["ids"] or [], UUID(seen["last"]) if seen["tasks"] == tasks else None)

    def _from_index(self) -> Matches | None:
        """All matches; None if the index cannot help."""
        indexed = [word for word in self.words.split() if _IN_INDEX.search(word)]
        if not indexed:
            return None
        whose = Q() if self.tenant_id is None else Q(tenant=self.tenant_id)
        has_indexed = Q(*(Q(text__icontains=word) for word in indexed))
        matching = self.order.beyond(PromptText.objects.filter(whose, has_indexed))
        # The planner estimates the frequency of words badly. This leaves only the index.
        _avoid("seqscan", "indexscan")
        matches = [*matching.values_list("pk", flat=True)[: MOST_MATCHES + 1]]
        if len(matches) > MOST_MATCHES:
            return None
        passing = self.tasks.filter(self.rest, self._has_words, pk__in=matches)
        return Matches([*passing.values_list("pk", flat=True)], None)

    @property
    def _has_words(self) -> Q:
        # Not LIKE: the planner might use the index for it, which is slow for short words and not bounded.
        places = (StrIndex(Upper(PROMPTS), Upper(Value(word))) for word in self.words.split())
        return Q(*(Q(GreaterThan(place, 0)) for place in places))

    def _further(self, near: Matches) -> Matches:
        # Scan in index order: sorting would read all tasks first.
        _avoid("sort", "bitmapscan", but_not=("indexscan",))
        far = self._scan(replace(self.order, place=near.ended_at), FAR)
        return Matches([*near.ids, *far.ids], far.ended_at)


def _avoid(*methods: str, but_not: Iterable[str] = ()) -> None:
    """Switch these planner methods off (`but_not`: on) for the rest of the transaction."""
    switches = dict.fromkeys(methods, "off") | dict.fromkeys(but_not, "on")
    with connection.cursor() as cursor:
        cursor.execute("; ".join(f"SET LOCAL enable_{name} = {switch}" for name, switch in switches.items()))
