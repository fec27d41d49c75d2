"""A tenant's history: its tasks, newest first, filtered and paged, without those it deleted."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from itertools import repeat
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from accounts.models import Tenant
from config.days import midnight
from config.ids import made_at
from videos.listing import order
from videos.listing.order import ListOrder
from videos.listing.search import PROMPTS, Search
from videos.models import Task
from videos.states import ACTIVE, Status

SHOWN = (
    "tenant_id",
    "status",
    "model",
    "seconds",
    "price",
    "created_at",
    "accepted_at",
    "finished_at",
    "has_poster",
    "expires_at",
    "has_preview",
    "media_removed_at",
    "media_bytes",
    "bucket_key",
    "failure_code",
    "pruned_at",
    "api_key__prefix",
    "api_key__name",
    "api_key__purpose",
)
"""Columns that the page and the CSV file show, besides the prompts; no others are loaded."""
_WITH_PROMPTS: dict[str, Any] = {"prompt": PROMPTS}
"""Annotation that fills `Task.prompt` with the prompt and those of the shots."""
PAGE = 20
"""Tasks on a page."""
BATCH = 1000
"""Tasks per query when all are read."""
MOST_SEARCHES = 20
"""Batches of one CSV file with a search; each scans at most some ten thousands of tasks."""
AT_WORK = "at_work"
STATUSES: dict[str, list[Status]] = {AT_WORK: sorted(ACTIVE), **order.STATUSES}
"""Status filters: the statuses that clients see, and all that are not final."""


@dataclass(frozen=True)
class Filters:
    """Which tasks are wanted; empty filters do not apply."""

    zone: tzinfo
    """Time zone of the dates."""
    status: str = ""
    """One of `STATUSES`."""
    model: str = ""
    api_key_id: int | None = None
    created_from: date | None = None
    created_to: date | None = None
    """The last day, included."""
    words: str = ""
    """All must be in the prompt, in upper or lower case."""

    def tasks(self, tenant: Tenant) -> QuerySet[Task]:
        """The tasks, filtered by as much as one index can serve."""
        if self._is_by_key and self.api_key_id is not None:
            return order.of_key(tenant.pk, self.api_key_id).filter(self._when)
        return order.of_tenant(tenant.pk).filter(self._when, self._model or self._status)

    @property
    def rest(self) -> Q:
        """The filters that `tasks` does not apply, except the words."""
        if self._is_by_key:
            return self._status
        key = Q() if self.api_key_id is None else Q(api_key=self.api_key_id)
        return key & self._status if self.model else Q()

    @property
    def by(self) -> str:
        """The first column of the index that serves the list."""
        return "api_key_id" if self._is_by_key else "tenant_id"

    @property
    def _is_by_key(self) -> bool:
        return self.api_key_id is not None and not self.model

    @property
    def _status(self) -> Q:
        if self.status == AT_WORK:
            return Q(status__in=STATUSES[AT_WORK])
        return order.of_status(self.status) if self.status else Q()

    @property
    def _model(self) -> Q:
        return Q(model=self.model) if self.model else Q()

    @property
    def _when(self) -> Q:
        when = Q(hidden_at=None)
        if self.created_from is not None:
            when &= order.made_from(midnight(self.created_from, self.zone))
        if self.created_to is not None:
            when &= order.made_before(midnight(self.created_to + timedelta(days=1), self.zone))
        return when


@dataclass(frozen=True)
class PageCursor:
    """The wanted page: tasks older or newer than `place`; the newest ones if it is not set."""

    place: UUID | None = None
    is_older: bool = True


@dataclass(frozen=True)
class TaskPage:
    """A page of the history, newest first, with the cursor places of the pages beside it."""

    tasks: list[Task]
    older: UUID | None
    newer: UUID | None
    searched_to: datetime | None
    """Creation time of the last task searched, if the search stopped before the page was full."""


def page(tenant: Tenant, filters: Filters, cursor: PageCursor) -> TaskPage:
    """One page of the tenant's history."""
    tasks, ended_at = _tasks(tenant, filters, cursor, PAGE + 1)
    if not cursor.is_older and not tasks and ended_at is None:
        return page(tenant, filters, PageCursor())  # nothing is newer
    further = tasks[PAGE - 1].pk if len(tasks) > PAGE else ended_at
    searched_to = made_at(ended_at) if ended_at is not None and len(tasks) <= PAGE else None
    if cursor.is_older:
        shown = tasks[:PAGE]
        return TaskPage(shown, further, _newer(shown, cursor.place), searched_to)
    shown = tasks[:PAGE][::-1]
    return TaskPage(shown, shown[-1].pk if shown else further, further, searched_to)


def latest(tenant: Tenant, most: int) -> list[Task]:
    """The tenant's newest tasks."""
    tasks, _ended_at = _tasks(tenant, Filters(UTC), PageCursor(), most)
    return tasks


def _newer(shown: list[Task], place: UUID | None) -> UUID | None:
    """The place that the newer page begins after; if this page is empty, the newer one includes `place`."""
    if place is None:
        return None
    return shown[0].pk if shown else UUID(int=max(place.int - 1, 0))


@dataclass
class Reading:
    """All tasks, newest first, read in batches; a search for words ends after `MOST_SEARCHES` of them."""

    tenant: Tenant
    filters: Filters
    searched_to: datetime | None = None
    """Creation time of the last task searched, if the search stopped early."""

    def __iter__(self) -> Iterator[Task]:
        searches = repeat(None, MOST_SEARCHES) if self.filters.words else repeat(None)
        place: UUID | None = None
        for _ in searches:
            tasks, ended_at = _tasks(self.tenant, self.filters, PageCursor(place), BATCH)
            yield from tasks
            place = tasks[-1].pk if len(tasks) == BATCH else ended_at
            if place is None:
                return
        self.searched_to = None if place is None else made_at(place)


def _tasks(tenant: Tenant, filters: Filters, cursor: PageCursor, most: int) -> tuple[list[Task], UUID | None]:
    """The next tasks, and the task at which the search stopped, if not at the end of the list."""
    listed, ended_at = filters.tasks(tenant), None
    in_order = ListOrder(cursor.place, cursor.is_older, filters.by)
    if filters.words:
        found = Search(filters.words, tenant.pk, listed, filters.rest, in_order).first(most)
        listed, ended_at = listed.filter(pk__in=found.ids), found.ended_at
    shown = listed.filter(filters.rest).select_related("api_key").only(*SHOWN).annotate(**_WITH_PROMPTS)
    return [*in_order.of(shown)[:most]], ended_at
