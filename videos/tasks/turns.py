"""The order of submission: tenants take turns over all queued tasks that wait for the same accounts."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from uuid import UUID

from config.db import prepared
from config.db.prepared import as_array
from videos.catalogue import MODELS
from videos.models import Task
from videos.products import Product
from videos.routing.choice import Queue
from videos.routing.offers import Offers
from videos.states import Status
from videos.tasks import sql

MOST_AHEAD = 2000
"""Tasks that are counted at most; behind more of them, the estimate is a minimum."""
_DUE = "due_at <= %(now)s::timestamptz"
_QUEUES = (
    "unnest(%(models)s::text[], %(prefers)s::text[], %(owners)s::uuid[]) AS queue (model, prefers, owner)"
)
_SHARED = f"""FROM videos_task WHERE queue.owner IS NULL AND {sql.SHARED} AND prefers = queue.prefers
    AND model = queue.model AND {_DUE}"""
_OWN = f"""FROM videos_task WHERE tenant_id = queue.owner AND {sql.OWN} AND prefers = queue.prefers
    AND model = queue.model AND {_DUE}"""
_FIRST_UNLOCKED = "LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED"
NEXT = f"""
SELECT id FROM {_QUEUES} CROSS JOIN LATERAL (
    SELECT * FROM (SELECT id, turn {_SHARED} ORDER BY turn, id {_FIRST_UNLOCKED}) AS shared
    UNION ALL SELECT * FROM (SELECT id, turn {_OWN} ORDER BY id {_FIRST_UNLOCKED}) AS own
) AS next ORDER BY turn, id LIMIT 1
"""  # noqa: S608 - made of constants
"""The first unlocked task of each queue, and of those the first. Each queue has its own place in the indexes,
so tasks that wait for other accounts are not scanned.
"""
_OWNERS = f"""(SELECT NULL::uuid AS owner UNION ALL SELECT owner FROM unnest(%(owners)s::uuid[]) AS owner
    WHERE EXISTS (SELECT FROM videos_task WHERE tenant_id = owner AND {sql.OWN}))"""  # noqa: S608 - likewise
WAITING = f"""
SELECT queue.model, queue.prefers, queue.owner, waiting.tasks FROM (
    SELECT model, prefers, owner FROM {_OWNERS} AS owners
    CROSS JOIN unnest(%(models)s::text[]) AS model CROSS JOIN unnest(%(prefers)s::text[]) AS prefers
) AS queue CROSS JOIN LATERAL (
    SELECT count(*) AS tasks FROM (
        (SELECT {_SHARED} LIMIT %(most)s::int) UNION ALL (SELECT {_OWN} LIMIT %(most)s::int)
    ) AS task
) AS waiting WHERE waiting.tasks > 0
"""  # noqa: S608 - likewise
NEW_TURN, FIRST = f"SELECT {sql.NEXT_TURN}", f"SELECT {sql.FIRST_TURN}"


def next_in_turn(queues: Collection[Queue], now: datetime) -> Task | None:
    """The next task to submit of those queues, locked; None if none is due."""
    row = prepared.fetch(NEXT, {**_columns(queues), "now": now})
    return Task.objects.get(pk=row[0]) if row else None


def waiting(owners: Collection[UUID], most: int, now: datetime) -> dict[Queue, int]:
    """How many tasks of each queue are due, at most `most` of each; `owners` have accounts of their own."""
    values = {"models": as_array(spec.name for spec in MODELS), "prefers": ["", *Product]}
    rows = prepared.fetch_all(WAITING, {**values, "owners": list(owners), "now": now, "most": most})
    return {Queue(model, prefers, owner): tasks for model, prefers, owner, tasks in rows}


def _columns(queues: Collection[Queue]) -> dict[str, object]:
    return {
        "models": as_array([queue.model for queue in queues]),
        "prefers": [queue.prefers for queue in queues],
        "owners": [queue.owner for queue in queues],
    }


def new_turn(task: Task, now: datetime) -> int:
    """The turn of a task that enters the queue; those on a tenant's own account go by age."""
    if task.on_own_account:
        return 0
    models = Offers.current().competing(task.model)
    row = prepared.fetch(NEW_TURN, {"tenant": task.tenant_id, "models": as_array(models), "now": now})
    return int(row[0]) if row else 0


def requeue_turn(task: Task) -> int:
    """The turn of a task that enters the queue again: no later than all that waits there."""
    if task.on_own_account:
        return 0
    models = Offers.current().competing(task.model)
    row = prepared.fetch(FIRST, {"models": as_array(models), "now": datetime.max.replace(tzinfo=UTC)})
    return task.turn if row is None or row[0] is None else min(task.turn, row[0])


def queue_of(task: Task) -> Queue:
    """The queue that the task waits in, or would."""
    return Queue(task.model, task.prefers, task.tenant_id if task.on_own_account else None)


def expected_start(task: Task, now: datetime) -> datetime | None:
    """When a queued task should be submitted, by the tasks ahead of it and the rates of working accounts.

    None if no account works.
    """
    offers = Offers.current()
    rate = sum(account.creates_per_second for account in offers.working(queue_of(task)))
    if not rate:
        return None
    ahead = Task.objects.filter(status=Status.QUEUED, on_own_account=task.on_own_account)
    if task.on_own_account:
        ahead = ahead.filter(tenant=task.tenant_id, pk__lt=task.pk)
    else:
        ahead = ahead.filter(model__in=offers.competing(task.model), turn__lt=task.turn)
    return now + timedelta(seconds=ahead[:MOST_AHEAD].count() / rate)
