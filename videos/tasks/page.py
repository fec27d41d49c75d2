"""A page of a tenant's videos, as the API lists them: a hot path, in one hand-written statement."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from config.db import prepared
from config.db.columns import Columns
from config.db.prepared import Row
from config.ids import first_uuid7
from videos.estimates import queue_position
from videos.estimates.queue_position import QueuePosition
from videos.listing.order import STATUSES
from videos.models import Task
from videos.tasks.sql import READ_COLUMNS

Listed = tuple[Task, QueuePosition | None]
"""A task, and its position in the tenant's queue if it waits."""


class UnknownTask(Exception):
    """`after` is not the id of one of the tenant's tasks."""


@dataclass(frozen=True)
class PageRequest:
    """Which of a tenant's videos a page shows; a filter that is None does not apply."""

    limit: int
    newest_first: bool = True
    after: UUID | None = None
    """The task that the page begins after: any of the tenant's, also a deleted one or one filtered out."""
    status: str | None = None
    """As clients see it."""
    model: str | None = None
    made_from: datetime | None = None
    made_before: datetime | None = None
    """Exclusive."""


@dataclass(frozen=True)
class Page:
    """The tasks of a page, and whether more follow."""

    listed: list[Listed]
    has_more: bool


def read(tenant_id: UUID, asked: PageRequest, now: datetime) -> Page:
    """The page, without deleted videos. Raises `UnknownTask`."""
    values = _values(asked)
    statement = _statement(asked.status, asked.newest_first, frozenset(values))
    found = prepared.fetch_all(statement, {**values, "tenant": tenant_id, "limit": asked.limit + 1})
    if not found[0][0]:
        raise UnknownTask
    rows = [_COLUMNS.read(row) for row in found if row[1] is not None]
    return Page([_listed(row, now) for row in rows[: asked.limit]], len(rows) > asked.limit)


_COLUMNS = Columns(
    {
        "is_known": ["is_known"],
        "task": [f"task.{name}" for name in READ_COLUMNS],
        "prompt": ["task.prompt"],
        "queue": [f"task.{name}" for name in queue_position.OF_LISTED],
    }
)
_OWN = ", ".join(
    (
        *(f"task.{name}" for name in READ_COLUMNS),
        "task.request ->> 'prompt' AS prompt",
        *(f"{column} AS {name}" for name, column in queue_position.OF_LISTED.items()),
    )
)
_CONDITIONS = {
    "model": "task.model = %(model)s::text",
    "first": "task.id >= %(first)s::uuid",
    "end": "task.id < %(end)s::uuid",
}


def _values(asked: PageRequest) -> dict[str, Any]:
    """The values of the conditions that apply, by name; ids contain the time of creation."""
    values = {
        "after": asked.after,
        "model": asked.model,
        "first": asked.made_from and first_uuid7(asked.made_from),
        "end": asked.made_before and first_uuid7(asked.made_before),
    }
    return {name: value for name, value in values.items() if value is not None}


@cache
def _statement(status: str | None, newest_first: bool, names: frozenset[str]) -> str:  # noqa: FBT001 - cached by value
    """The statement with these conditions, of the tenant's index (see `config.db.any_of`)."""
    conditions = [text for name, text in _CONDITIONS.items() if name in names]
    if status is not None:
        statuses = ", ".join(f"'{one}'" for one in STATUSES[status])
        conditions.append(f"task.status IN ({statuses})")
    direction, opposite, beyond = ("DESC", "ASC", "<") if newest_first else ("ASC", "DESC", ">")
    known = "true"
    if "after" in names:
        conditions.append(f"task.id {beyond} %(after)s::uuid")
        known = "EXISTS (SELECT FROM videos_task WHERE id = %(after)s::uuid AND tenant_id = %(tenant)s::uuid)"
    text = f"""SELECT {_COLUMNS.sql} FROM (SELECT {known} AS is_known) known LEFT JOIN LATERAL (
        SELECT {_OWN} FROM videos_task task WHERE tenant_id = ANY (ARRAY[%(tenant)s::uuid])
            AND {" AND ".join(["task.hidden_at IS NULL", *conditions])}
        ORDER BY task.tenant_id {opposite}, task.id {direction} LIMIT %(limit)s::bigint
        ) task ON is_known ORDER BY task.id {direction}"""  # noqa: S608 - made of constants
    return " ".join(text.split())


def _listed(row: Mapping[str, Row], now: datetime) -> Listed:
    task = Task.from_db("default", READ_COLUMNS, row["task"])
    [task.prompt] = row["prompt"]
    position, limit, usual = row["queue"]
    return task, QueuePosition.of(task.model, position, limit, usual, now)
