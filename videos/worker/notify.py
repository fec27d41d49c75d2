"""Notify: once a day, tell tenants which of the platform's copies of their videos go soon.

Each copy is told of once, by an event of its task; a tenant's owners get one mail for all of them. Off unless
`EXPIRY_NOTICE_DAYS` is set.
"""

from collections import Counter
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction

from accounts.members.owners import mail_owners
from accounts.models import Tenant
from videos.models import ExpiryNotices, Task
from videos.states import Status, Verb
from videos.tasks import lifecycle

BATCH = 500
"""Copies told of in one transaction."""
A_DAY = timedelta(days=1)
"""Between two runs: what goes before the next one is told of, too."""


def notify(now: datetime) -> None:
    """Tell of all copies that go within `EXPIRY_NOTICE_DAYS`, and within the day after."""
    if not settings.EXPIRY_NOTICE_DAYS:
        return
    end = now + timedelta(days=settings.EXPIRY_NOTICE_DAYS) + A_DAY
    told: Counter[UUID] = Counter()
    while batch := _told(now, end):
        told.update(batch)
    for tenant in Tenant.objects.filter(pk__in=told):
        mail_owners(tenant, "expires_soon", {"videos": told[tenant.pk], "until": end})


@transaction.atomic
def _told(now: datetime, end: datetime) -> list[UUID]:
    """Record the next copies as told of; returns the tenant of each."""
    notices = ExpiryNotices.locked(now)
    going = Task.objects.filter(status=Status.SUCCEEDED, media_removed_at=None, hidden_at=None)
    going = going.filter(expires_at__gt=notices.until, expires_at__lte=end).order_by("expires_at")
    tasks = list(going.only("status", "tenant_id", "expires_at")[:BATCH])
    if len(tasks) == BATCH:  # with those that go at the same moment as the last
        last = tasks[-1].expires_at
        tasks = list(going.filter(expires_at__lte=last).only("status", "tenant_id", "expires_at"))
    for task in tasks:
        lifecycle.record_event(task, Verb.EXPIRES_SOON, now, expires_at=f"{task.expires_at:%Y-%m-%d %H:%M}")
    notices.until = max((task.expires_at for task in tasks if task.expires_at), default=notices.until)
    notices.save(update_fields=["until"])
    return [task.tenant_id for task in tasks]
