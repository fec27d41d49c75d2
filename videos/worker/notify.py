"""Notify: once a day, tell tenants which of the platform's copies of their videos go soon.

Each copy is told of once, by an event of its task, whose transaction also makes a mail due: a tenant's owners
get one for all of them. It stays due until the mail server has taken it for an owner, and is tried less and
less often. A worker that is killed after that tells them again. Off unless `EXPIRY_NOTICE_DAYS` is set.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F

from videos.models import ExpiryMail, ExpiryNotices, Task
from videos.states import Status, Verb
from videos.tasks import lifecycle
from videos.worker.mailing import OwnersMail

log = structlog.get_logger(__name__)

BATCH = 500
"""Copies told of in one transaction."""
A_DAY = timedelta(days=1)
"""Between two runs: what goes before the next one is told of, too."""
AT_FIRST, AT_MOST = timedelta(minutes=1), timedelta(hours=6)
"""Until a mail is sent, so that all batches of a run are in it, and between two tries to send it."""


def notify(now: datetime) -> None:
    """Tell of all copies that go within `EXPIRY_NOTICE_DAYS`, and within the day after."""
    if not settings.EXPIRY_NOTICE_DAYS:
        return
    end = now + timedelta(days=settings.EXPIRY_NOTICE_DAYS) + A_DAY
    while _tell_of_batch(now, end):
        pass


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
        first = {"videos": 0, "until": end, "due_at": now + AT_FIRST}
        ExpiryMail.objects.get_or_create(tenant_id=tenant_id, defaults=first)
        ExpiryMail.objects.filter(tenant=tenant_id).update(videos=F("videos") + videos, until=end)
    return bool(tasks)


def due(now: datetime) -> Sequence[UUID]:
    """The tenants whose mail is due, the longest waiting first."""
    return list(ExpiryMail.objects.filter(due_at__lte=now).order_by("due_at").values_list("pk", flat=True))


@transaction.atomic
def claim(tenant_id: UUID, now: datetime) -> OwnersMail | None:
    """The mail, due again later unless it is settled; None if it is not due, or if the videos are gone."""
    rows = ExpiryMail.objects.select_for_update(of=["self"]).select_related("tenant")
    one = rows.filter(pk=tenant_id, due_at__lte=now).first()
    if one is None:
        return None
    if one.until <= now:
        log.warning("a mail about expiring videos was never sent", tenant=str(tenant_id), videos=one.videos)
        one.delete()
        return None
    one.tries += 1
    one.due_at = now + min(AT_MOST, AT_FIRST * 2**one.tries)
    one.save(update_fields=["tries", "due_at"])
    return OwnersMail.about(one.tenant, "expires_soon", mark=one.due_at, videos=one.videos, until=one.until)


@transaction.atomic
def settle(sent: OwnersMail, *, is_taken: bool) -> None:
    """What has become due meanwhile stays so."""
    if not is_taken:
        return
    videos = sent.context["videos"]
    ours = ExpiryMail.objects.filter(tenant=sent.tenant, due_at=sent.mark)
    ours.filter(videos=videos).delete()
    ours.update(videos=F("videos") - videos, tries=0)
