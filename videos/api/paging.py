"""Keyset pagination of the tenant's tasks."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from videos.api.parameters import Parameters
from videos.listing.order import ListOrder
from videos.models import Task
from videos.models.task import parse_public_id
from videos.requests import InvalidRequestError, Violation

DEFAULT_LIMIT, MOST = 20, 100
NEWEST_FIRST, OLDEST_FIRST = "desc", "asc"
UNKNOWN_TASK = "must be the id of one of your videos"


@dataclass(frozen=True)
class PageRequest:
    """The page that a client requests."""

    after: UUID | None
    limit: int
    order: str

    @classmethod
    def asked_for(cls, parameters: Parameters) -> "PageRequest":
        after = parameters.read("after", parse_public_id, UNKNOWN_TASK)
        limit = parameters.number("limit", 1, MOST)
        order = parameters.one_of("order", (OLDEST_FIRST, NEWEST_FIRST))
        return cls(after, limit or DEFAULT_LIMIT, order or NEWEST_FIRST)

    def of(self, listed: QuerySet[Task], owned: QuerySet[Task]) -> "Slice":
        """Cut this page out of `listed`, in one query.

        `owned` are all tasks that `after` may name, including deleted ones and those the filters exclude.
        Raises `InvalidRequestError` for any other task, such as another tenant's.
        """
        newest_first = self.order == NEWEST_FIRST
        rows = ListOrder(self.after, newest_first).of(listed)[: self.limit + 1]
        if self.after is None:
            return Slice.of([*rows], self.limit)
        found = [*owned.filter(pk=self.after).union(rows, all=True).order_by("-id" if newest_first else "id")]
        if not found or found[0].pk != self.after:
            raise InvalidRequestError([Violation(f"after {UNKNOWN_TASK}", "after")])
        return Slice.of(found[1:], self.limit)


@dataclass(frozen=True)
class Slice:
    """The tasks of a page, and whether more follow."""

    tasks: list[Task]
    has_more: bool

    @classmethod
    def of(cls, tasks: list[Task], limit: int) -> "Slice":
        """From up to `limit` + 1 tasks, of which the last one only shows that more follow."""
        return cls(tasks[:limit], len(tasks) > limit)

    def first(self, number: int) -> "Slice":
        """The first `number` tasks; the others follow on the next page."""
        return Slice(self.tasks[:number], self.has_more or number < len(self.tasks))

    def as_dict(self, data: list[dict[str, Any]]) -> dict[str, Any]:
        """OpenAI's list object; `data` are the rendered tasks."""
        ids = [task.public_id for task in self.tasks]
        return {
            "object": "list",
            "data": data,
            "first_id": ids[0] if ids else None,
            "last_id": ids[-1] if ids else None,
            "has_more": self.has_more,
        }
