"""Tick: every second, start what is due. It begins at the rows, so no lost job can strand a task."""

from datetime import datetime

from django.db import transaction
from procrastinate.exceptions import AlreadyEnqueued

from videos.lifecycle import STORE_LEASE
from videos.models import Task, UpstreamAccount
from videos.queueing import Job, enqueue
from videos.states import Status

MOST_STORES = 100
"""Results one tick starts to fetch."""


def start_due_work(now: datetime) -> None:
    """Queue a job for each account with something to submit or to ask, and for each result to fetch."""
    due = Task.objects.filter(due_at__lte=now)
    for account in UpstreamAccount.objects.all():
        if due.filter(account=account, status=Status.QUEUED).exists():
            _once(Job.SUBMIT, account)
        if due.filter(account=account, status=Status.RUNNING).exists():
            _once(Job.POLL, account)
    _start_stores(now)


def _once(job: Job, account: UpstreamAccount) -> None:
    """Queue the job unless one like it waits already, or they would pile up while the fleet is busy."""
    try:
        with transaction.atomic():
            enqueue(job, queueing_lock=f"{job}:{account.pk}", account_id=account.pk)
    except AlreadyEnqueued:
        return


def _start_stores(now: datetime) -> None:
    with transaction.atomic():
        overdue = Task.objects.filter(status=Status.STORING, due_at__lte=now).order_by("due_at")
        tasks = list(overdue.select_for_update(skip_locked=True, of=("self",))[:MOST_STORES])
        Task.objects.filter(pk__in=[task.pk for task in tasks]).update(due_at=now + STORE_LEASE)
        for task in tasks:
            enqueue(Job.STORE, task_id=str(task.pk))
