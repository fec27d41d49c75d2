"""A page of a tenant's videos, as the API lists them: a hot path, in one hand-written statement."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from psycopg.types.numeric import Int8

from config.db import instances, prepared
from config.db.columns import Columns, unnested
from config.db.prepared import Row
from config.ids import first_uuid7
from videos.estimates import queue_position
from videos.estimates.queue_position import QueuePosition
from videos.listing.order import STATUSES
from videos.models import Task
from videos.states import ACTIVE, PUBLIC_STATUS, Status
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

    def values(self) -> dict[str, Any]:
        """The values of `_TYPES` that apply, without the tenant; ids contain the time of creation."""
        values = {
            "most": Int8(self.limit + 1),
            "after": self.after,
            "model": self.model,
            "first_id": self.made_from and first_uuid7(self.made_from),
            "end_id": self.made_before and first_uuid7(self.made_before),
        }
        return {name: value for name, value in values.items() if value is not None}


@dataclass(frozen=True)
class Page:
    """The tasks of a page, and whether more follow."""

    listed: list[Listed]
    has_more: bool


def read(tenant_id: UUID, asked: PageRequest, now: datetime) -> Page:
    """The page, without deleted videos. Raises `UnknownTask`."""
    [page] = read_many([(tenant_id, asked)], now)
    if page is None:
        raise UnknownTask
    return page


def read_many(wanted: Sequence[tuple[UUID, PageRequest]], now: datetime) -> list[Page | None]:
    """The pages of several tenants; those with the same kinds of filters are read by one statement.

    None stands for a page after a task that is not the tenant's.
    """
    own = [{"tenant": tenant, **asked.values()} for tenant, asked in wanted]
    alike: dict[str, list[int]] = {}
    for nth, (_, asked) in enumerate(wanted):
        alike.setdefault(_statement(asked.status, asked.newest_first, frozenset(own[nth])), []).append(nth)
    pages: dict[int, Page | None] = {}
    for statement, places in alike.items():
        pages |= zip(places, _read_alike(statement, [own[nth] for nth in places], now), strict=True)
    return [pages[nth] for nth in range(len(wanted))]


def _read_alike(statement: str, own: Sequence[Mapping[str, Any]], now: datetime) -> Iterator[Page | None]:
    rows = prepared.fetch_all(statement, {name: [values[name] for values in own] for name in own[0]})
    found: dict[int, list[Mapping[str, Row]]] = {}
    for row in rows:
        found.setdefault(row[0], []).append(_COLUMNS.read(row[1:]))
    for nth, values in enumerate(own):
        [is_known] = found[nth][0]["is_known"]
        yield _page(found[nth], values["most"] - 1, now) if is_known else None


def _page(rows: Sequence[Mapping[str, Row]], limit: int, now: datetime) -> Page:
    """The page of up to `limit` + 1 rows; a single one without a task stands for none."""
    tasks = [row for row in rows if row["task"][0] is not None]
    return Page([listed(row, now) for row in tasks[:limit]], len(tasks) > limit)


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
    "model": "task.model = asked.model",
    "first_id": "task.id >= asked.first_id",
    "end_id": "task.id < asked.end_id",
}
_TYPES = {
    "tenant": "uuid",
    "most": "bigint",
    "after": "uuid",
    "model": "text",
    "first_id": "uuid",
    "end_id": "uuid",
}


@cache
def _statement(status: str | None, newest_first: bool, names: frozenset[str]) -> str:  # noqa: FBT001 - cached by value
    """The statement with the values of these names, by the tenant's index (see `config.db.any_of`)."""
    conditions = ["task.hidden_at IS NULL", *(text for name, text in _CONDITIONS.items() if name in names)]
    if status is not None:
        conditions.append(_of_status(status))
    direction, opposite, beyond = ("DESC", "ASC", "<") if newest_first else ("ASC", "DESC", ">")
    known = "true"
    if "after" in names:
        conditions.append(f"task.id {beyond} asked.after")
        known = "EXISTS (SELECT FROM videos_task WHERE id = asked.after AND tenant_id = asked.tenant)"
    asked = unnested({name: kind for name, kind in _TYPES.items() if name in names})
    text = f"""SELECT asked.nth, {_COLUMNS.sql} FROM {asked}
        CROSS JOIN LATERAL (SELECT {known} AS is_known) known CROSS JOIN LATERAL {queue_position.WAITING}
        LEFT JOIN LATERAL (SELECT {_OWN} FROM videos_task task
            WHERE tenant_id = ANY (ARRAY[asked.tenant]) AND {" AND ".join(conditions)}
            ORDER BY task.tenant_id {opposite}, task.id {direction} LIMIT asked.most
        ) task ON is_known ORDER BY asked.nth, task.id {direction}"""  # noqa: S608 - made of constants
    return " ".join(text.split())


def _of_status(word: str) -> str:
    """`listing.order.of_status` as SQL."""
    listed = f"task.status IN ({_quoted(STATUSES[word])})"
    if word == PUBLIC_STATUS[Status.QUEUED]:
        return f"{listed} AND task.accepted_at IS NULL"
    if word == PUBLIC_STATUS[Status.RUNNING]:
        return f"task.status IN ({_quoted(sorted(ACTIVE))}) AND ({listed} OR task.accepted_at IS NOT NULL)"
    return listed


def _quoted(words: Iterable[str]) -> str:
    return ", ".join(f"'{word}'" for word in words)


def listed(row: Mapping[str, Row], now: datetime) -> Listed:
    """A task from the groups of columns `task`, `prompt` and `queue`."""
    task = instances.loaded(Task, READ_COLUMNS, row["task"])
    [task.prompt] = row["prompt"]
    position, limit, usual = row["queue"]
    return task, QueuePosition.of(task.model, position, limit, usual, now)
