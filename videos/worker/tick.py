"""Tick: every second, queue jobs for due work, as the task rows say; so a lost job strands no task."""

from contextlib import suppress
from datetime import datetime
from typing import Any

from django.db import transaction
from procrastinate.exceptions import AlreadyEnqueued

from videos.models import Task, UpstreamAccount
from videos.queueing import Job, enqueue
from videos.routing.offers import Offers
from videos.states import Status
from videos.tasks import lifecycle
from videos.tasks.lifecycle import STORE_LEASE

MOST_STORES = 100
"""Store jobs that one tick queues."""


def start_due_work(now: datetime) -> None:
    """Queue a job for each account with tasks to submit or poll, and for each result to fetch."""
    due = Task.objects.filter(due_at__lte=now)
    offers = Offers.current()
    # Without the secrets: one that cannot be decrypted must not stop the other accounts.
    for account_id in UpstreamAccount.objects.values_list("pk", flat=True):
        if due.filter(model__in=offers.served_by(account_id), status=Status.QUEUED).exists():
            _once(Job.SUBMIT, account_id=account_id)
        if due.filter(account=account_id, status=Status.RUNNING).exists():
            _once(Job.POLL, account_id=account_id)
    _start_stores(now)


def _once(job: Job, **arguments: Any) -> None:
    """Queue the job unless an identical one waits already; they would pile up while the workers are busy."""
    with suppress(AlreadyEnqueued), transaction.atomic():
        enqueue(job, queueing_lock=f"{job}:{arguments}", **arguments)


def _start_stores(now: datetime) -> None:
    with transaction.atomic():
        overdue = Task.objects.filter(status=Status.STORING, due_at__lte=now).order_by("due_at")
        tasks = list(overdue.select_for_update(skip_locked=True, of=("self",))[:MOST_STORES])
        lifecycle.lease([task.pk for task in tasks], Status.STORING, now + STORE_LEASE)
        for task in tasks:
            _once(Job.STORE, task_id=str(task.pk))
