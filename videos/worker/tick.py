"""Tick: every second, start what is due. It begins at the rows, so no lost job can strand a task."""

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
"""Results one tick starts to fetch."""


def start_due_work(now: datetime) -> None:
    """Queue a job for each account with something to submit or to ask, and for each result to fetch."""
    due = Task.objects.filter(due_at__lte=now)
    offers = Offers.current()
    # No secrets: an account whose secret cannot be decrypted must not stop the others.
    for account_id in UpstreamAccount.objects.values_list("pk", flat=True):
        if due.filter(model__in=offers.served_by(account_id), status=Status.QUEUED).exists():
            _once(Job.SUBMIT, account_id=account_id)
        if due.filter(account=account_id, status=Status.RUNNING).exists():
            _once(Job.POLL, account_id=account_id)
    _start_stores(now)


def _once(job: Job, **arguments: Any) -> None:
    """Queue the job unless one like it waits already, or they would pile up while the fleet is busy."""
    try:
        with transaction.atomic():
            enqueue(job, queueing_lock=f"{job}:{arguments}", **arguments)
    except AlreadyEnqueued:
        return


def _start_stores(now: datetime) -> None:
    with transaction.atomic():
        overdue = Task.objects.filter(status=Status.STORING, due_at__lte=now).order_by("due_at")
        tasks = list(overdue.select_for_update(skip_locked=True, of=("self",))[:MOST_STORES])
        lifecycle.lease([task.pk for task in tasks], Status.STORING, now + STORE_LEASE)
        for task in tasks:
            _once(Job.STORE, task_id=str(task.pk))
