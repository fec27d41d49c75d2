"""Tick: every second, queue jobs for due work, as the task rows say; so a lost job strands no task."""

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from procrastinate.exceptions import AlreadyEnqueued

from videos.models import AccountState, Task, UpstreamAccount
from videos.queueing import Job, enqueue
from videos.routing.breaker import LATEST_CHECK
from videos.states import Status
from videos.tasks import lifecycle
from videos.tasks.lifecycle import STORE_LEASE

MOST_SETTLED = 5
"""Tasks in doubt that one tick has looked for."""
SETTLE_LEASE = timedelta(seconds=30)
MOST_STORES = 100
"""Store jobs that one tick queues."""


def start_due_work(now: datetime) -> None:
    """Queue jobs for tasks to submit, poll, settle and store, and for accounts to check."""
    due = Task.objects.filter(due_at__lte=now)
    queued = due.filter(status=Status.QUEUED)
    # Each kind has its own index.
    if queued.filter(on_own_account=False).exists() or queued.filter(on_own_account=True).exists():
        _once(Job.SUBMIT)
    # Without the secrets: one that cannot be decrypted must not stop the other accounts.
    for account_id in UpstreamAccount.objects.values_list("pk", flat=True):
        if due.filter(account=account_id, status=Status.RUNNING).exists():
            _once(Job.POLL, account_id=account_id)
    _start_checks(now)
    _start_settling(now)
    _start_stores(now)


def _once(job: Job, **arguments: Any) -> None:
    """Queue the job unless an identical one waits already; they would pile up while the workers are busy."""
    with suppress(AlreadyEnqueued), transaction.atomic():
        enqueue(job, queueing_lock=f"{job}:{arguments}", **arguments)


def _start_checks(now: datetime) -> None:
    out = AccountState.objects.filter(condition=AccountState.Condition.OPEN, retry_at__lte=now)
    for account_id in list(out.values_list("pk", flat=True)):
        out.filter(pk=account_id).update(retry_at=now + LATEST_CHECK)  # a check sets its own
        _once(Job.CHECK, account_id=account_id)


def _start_settling(now: datetime) -> None:
    """Of the tasks in doubt, those to be given up by now are left to the sweep."""
    begun_after = now - lifecycle.doubt_lasts()
    doubtful = Task.objects.filter(status=Status.IN_DOUBT, due_at__lte=now, looked_at__gt=begun_after)
    for task_id in list(doubtful.values_list("pk", flat=True)[:MOST_SETTLED]):
        lifecycle.lease([task_id], Status.IN_DOUBT, now + SETTLE_LEASE)
        _once(Job.SETTLE, task_id=str(task_id))


def _start_stores(now: datetime) -> None:
    with transaction.atomic():
        overdue = Task.objects.filter(status=Status.STORING, due_at__lte=now).order_by("due_at")
        tasks = list(overdue.select_for_update(skip_locked=True, of=("self",))[:MOST_STORES])
        lifecycle.lease([task.pk for task in tasks], Status.STORING, now + STORE_LEASE)
        for task in tasks:
            _once(Job.STORE, task_id=str(task.pk))
