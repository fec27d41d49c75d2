"""Keeps the search table of prompts: a worker adds new tasks within seconds, off the path of a create.

Tasks are added in the order of their creation, some seconds afterwards. One that was committed later than
that is added by a run that looks back further.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from config.ids import first_uuid7, made_at
from videos.models import PromptsIndexed, PromptText, Task

SETTLED = timedelta(seconds=2)
"""Age of a task when it is added: by then nearly all creates of its time are committed."""
BRIEF, LONG = timedelta(seconds=10), timedelta(minutes=5)
"""How far runs look back: every run, and one each minute. No create takes longer to be committed."""
LATE = timedelta(seconds=30)
"""The search says that it is behind if it is by more than this."""
BATCH = 5_000
"""Tasks added by one statement."""
BATCHES = 4
"""Statements of one run; the next run continues."""


def add_new(now: datetime, back: timedelta = BRIEF) -> bool:
    """Add tasks created since the last run, or missing since `back` before; returns whether it is done."""
    return any(_add_some(now, back) for _ in range(BATCHES))


def rebuild(now: datetime) -> None:
    """Write the table anew, from the first task; meanwhile the search says that it is behind."""
    with transaction.atomic():
        PromptsIndexed.locked(now)
        PromptText.objects.all().delete()
        PromptsIndexed.objects.update(until=Task.objects.begin(now))
    while not add_new(now):
        pass


def remove(tasks: Sequence[Task]) -> None:
    """Remove the texts of tasks that are pruned by this transaction; none is added again meanwhile."""
    PromptsIndexed.objects.select_for_update().first()
    PromptText.objects.filter(pk__in=[task.pk for task in tasks]).delete()


def lacking_since(now: datetime) -> datetime | None:
    """The time of creation from which tasks are missing in the table; None if it is up to date."""
    until = PromptsIndexed.reached() or Task.objects.begin(now)
    return until if until < now - LATE else None


def _add_some(now: datetime, back: timedelta) -> bool:
    with transaction.atomic():
        indexed = PromptsIndexed.locked(now)
        if indexed.until < now - LONG:  # no worker ran for a while
            back = LONG
        end = max(now - SETTLED, indexed.until)
        values = {"first": first_uuid7(indexed.until - back), "end": first_uuid7(end), "most": BATCH}
        added, last = _add(values)
        is_done = added < BATCH
        indexed.until = end if is_done else max(indexed.until, made_at(last))
        indexed.save(update_fields=["until"])
    return is_done


def _add(values: dict[str, Any]) -> tuple[int, Any]:
    """How many tasks were added, and the last of them."""
    with connection.cursor() as cursor:
        cursor.execute(_ADD, values)
        added: tuple[int, Any] = cursor.fetchone()
    return added


_ADD = """
WITH missing AS (
    SELECT id, tenant_id, videos_prompts(request) AS text FROM videos_task task
    WHERE id >= %(first)s AND id < %(end)s AND pruned_at IS NULL
        AND NOT EXISTS (SELECT FROM videos_prompttext known WHERE known.task_id = task.id)
    ORDER BY id LIMIT %(most)s
), added AS (
    INSERT INTO videos_prompttext (task_id, tenant_id, text) SELECT id, tenant_id, text FROM missing
)
SELECT (SELECT count(*) FROM missing), (SELECT id FROM missing ORDER BY id DESC LIMIT 1)
"""
