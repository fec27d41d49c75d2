"""The order of submission: tenants take turns over all queued tasks that the same account would serve."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from config.db import prepared
from config.db.prepared import as_array
from videos.models import Task
from videos.routing.offers import Offers
from videos.states import Status
from videos.tasks import sql

MOST_AHEAD = 2000
"""Tasks that are counted at most; behind more of them, the estimate is a minimum."""
NEXT = f"""
SELECT next.* FROM unnest(%(models)s::text[]) AS served (model) CROSS JOIN LATERAL (
    SELECT id, turn FROM videos_task WHERE model = served.model AND status = '{Status.QUEUED}'
        AND due_at <= %(now)s::timestamptz ORDER BY turn, id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
) AS next ORDER BY turn, id LIMIT 1
"""  # noqa: S608 - made of the constants above
"""The first unlocked task of each model, and of those the first. Each model has its own queue in the index,
so tasks that wait for another account are not scanned.
"""
NEW_TURN, FIRST = f"SELECT {sql.NEXT_TURN}", f"SELECT {sql.FIRST_TURN}"


def next_in_turn(models: Sequence[str], now: datetime) -> Task | None:
    """The next task to submit among those models, locked; None if none is due."""
    row = prepared.fetch(NEXT, {"models": as_array(models), "now": now})
    return Task.objects.get(pk=row[0]) if row else None


def new_turn(task: Task, now: datetime) -> int:
    """The turn of a task that enters the queue."""
    models = Offers.current().competing(task.model)
    row = prepared.fetch(NEW_TURN, {"tenant": task.tenant_id, "models": as_array(models), "now": now})
    return int(row[0]) if row else 0


def requeue_turn(task: Task) -> int:
    """The turn of a task that enters the queue again: no later than all that waits there."""
    models = Offers.current().competing(task.model)
    row = prepared.fetch(FIRST, {"models": as_array(models), "now": datetime.max.replace(tzinfo=UTC)})
    return task.turn if row is None or row[0] is None else min(task.turn, row[0])


def expected_start(task: Task, now: datetime) -> datetime | None:
    """When a task should be submitted, by the tasks ahead of it and its account's rate; None without one."""
    offers = Offers.current()
    account = offers.server_of(task.model)
    if account is None:
        return None
    models = offers.served_by(account.pk)
    before = Task.objects.filter(model__in=models, status=Status.QUEUED, turn__lt=task.turn)
    ahead = before[:MOST_AHEAD].count() if task.state is Status.QUEUED else 0
    return now + timedelta(seconds=ahead / account.creates_per_second)
