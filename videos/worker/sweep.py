"""Sweep: moves on, fails or flags the tasks that are stuck. Like the tick, it starts from the task rows."""

from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db.models import F, Q

from accounts import once
from accounts.models import Standing
from accounts.quotas.in_force import default_limits
from config.time_budget import within
from videos.files import storing
from videos.models import Task
from videos.products import Product
from videos.states import Attention, Status
from videos.tasks import deletion, failures, idempotency, lifecycle
from videos.tasks.failures import FailureCode
from videos.worker import settle

log = structlog.get_logger(__name__)
BATCH = 200
"""Rows of one kind that one sweep handles."""


def sweep(now: datetime) -> None:
    """Handle every kind of stuck task; an error in one part does not stop the others."""
    for part in (
        _cut_off_submissions,
        _release_doubts,
        _start_waiting,
        _show_overdue,
        idempotency.delete_expired,
        once.remove_expired,
        _remove_expired_media,
        storing.remove_unneeded,
    ):
        try:
            part(now)
        except Exception:
            log.exception("a part of the sweep broke", part=part.__name__)


def _cut_off_submissions(now: datetime) -> None:
    """The worker died during the call or before it; whether it was sent is unknown."""
    cut_off = Task.objects.filter(status=Status.SUBMITTING, due_at__lte=now).select_related("account")
    for task in cut_off.defer("account__secret_key", "account__proxy_url")[:BATCH]:
        if not task.payload:  # nothing could be sent: its request breaks the rules of today
            lifecycle.fail(task, FailureCode.UPSTREAM_REJECTED, failures.REFUSED, now)
            continue
        look_at = settle.first_look(task, Product(task.account.product), now) if task.account else None
        lifecycle.in_doubt(task, {"error": "the worker was cut off during the submission"}, now, look_at)


def _release_doubts(now: datetime) -> None:
    """Fail tasks in doubt that were neither answered nor decided within `IN_DOUBT_RELEASE_HOURS`."""
    doubtful = Task.objects.filter(status=Status.IN_DOUBT, due_at__lte=now)
    for task in doubtful.exclude(looked_at__gt=now - lifecycle.doubt_lasts())[:BATCH]:
        lifecycle.fail(task, FailureCode.SUBMISSION_UNKNOWN, failures.UNCONFIRMED, now, released="by time")


def _start_waiting(now: datetime) -> None:
    """Needed after a limit was raised; a task that ends starts the next one itself."""
    default = default_limits().concurrent_tasks
    by_default = Q() if default is None else Q(open_tasks__lt=default)
    has_room = (
        Q(tenant__quota__isnull=True) & by_default
        | Q(tenant__quota__isnull=False, tenant__quota__concurrent_tasks=None)
        | Q(open_tasks__lt=F("tenant__quota__concurrent_tasks"))
    )
    for standing in Standing.objects.filter(has_room, waiting_tasks__gt=0)[:BATCH]:
        lifecycle.start_waiting(standing.tenant_id, now)


def _show_overdue(now: datetime) -> None:
    """Only flag them: they stay open until upstream reports an end or a person decides.

    Time in the tenant's own queue does not count.
    """
    limit = now - timedelta(hours=settings.TASK_DEADLINE_HOURS)
    unfinished = Task.objects.filter(status__in=[Status.QUEUED, Status.RUNNING], attention="")
    never_sent, sent_back = Q(attempts=0, due_at__lte=limit), Q(attempts__gt=0, status=Status.QUEUED)
    began = never_sent | sent_back | Q(accepted_at__lte=limit)
    for task in unfinished.filter(began, created_at__lte=limit)[:BATCH]:
        lifecycle.flag(task, Attention.OVERDUE.about(f"{settings.TASK_DEADLINE_HOURS:g}"), now)


def _remove_expired_media(now: datetime) -> None:
    kept = Task.objects.filter(status=Status.SUCCEEDED, media_removed_at=None)
    for task in within(storing.REMOVAL_SECONDS, kept.filter(expires_at__lte=now)[:BATCH]):
        deletion.delete_media(task, now)
