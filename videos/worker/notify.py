"""Notify: once a day, tell tenants which of the platform's copies of their videos go soon.

Each copy is told of once, by an event of its task, whose transaction also makes a mail due: a tenant's owners
get one for all copies. A mail stays due until the mail server has taken it, so owners may get one twice if a
worker is killed after that. Off unless `EXPIRY_NOTICE_DAYS` is set.
"""

from collections import Counter
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q

from accounts.members.owners import mail_owners
from videos.models import ExpiryMail, ExpiryNotices, Task
from videos.states import Status, Verb
from videos.tasks import lifecycle

BATCH = 500
"""Copies told of in one transaction."""
A_DAY = timedelta(days=1)
"""Between two runs: what goes before the next one is told of, too."""
SENDING = timedelta(minutes=5)
"""After which a mail that was not sent is tried again."""


def notify(now: datetime) -> None:
    """Tell of all copies that go within `EXPIRY_NOTICE_DAYS`, and within the day after."""
    if not settings.EXPIRY_NOTICE_DAYS:
        return
    end = now + timedelta(days=settings.EXPIRY_NOTICE_DAYS) + A_DAY
    while _tell_of_batch(now, end):
        pass
    send_due(now)


def send_due(now: datetime) -> None:
    """Send the mails that are due, and drop those whose videos are gone."""
    ExpiryMail.objects.filter(until__lte=now).delete()
    due = ExpiryMail.objects.filter(Q(claimed_at=None) | Q(claimed_at__lte=now - SENDING))
    for one in due.select_related("tenant"):
        is_ours = due.filter(pk=one.pk).update(claimed_at=now) == 1
        if is_ours and mail_owners(one.tenant, "expires_soon", {"videos": one.videos, "until": one.until}):
            _sent(one)


def _sent(one: ExpiryMail) -> None:
    """What has become due meanwhile stays so."""
    ExpiryMail.objects.filter(pk=one.pk).update(videos=F("videos") - one.videos, claimed_at=None)
    ExpiryMail.objects.filter(pk=one.pk, videos=0).delete()


@transaction.atomic
def _tell_of_batch(now: datetime, end: datetime) -> bool:
    """Record the next copies as told of, with the mails to their tenants; returns whether there were any."""
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
    for tenant_id, videos in Counter(task.tenant_id for task in tasks).items():
        ExpiryMail.objects.get_or_create(tenant_id=tenant_id, defaults={"videos": 0, "until": end})
        ExpiryMail.objects.filter(tenant=tenant_id).update(videos=F("videos") + videos, until=end)
    return bool(tasks)
