"""The verbs that move a task along the arrows of `states`. Nothing else writes its status.

Each verb is one transaction: the change, its event, the effect on the tenant's money and use, and the next
job. Each is a conditional update: if the task is no longer in the state that the caller saw, or no arrow
starts there, it writes nothing and returns False. The first verb, create, is in `creation`.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Least

from accounts.models import Tenant
from accounts.quotas import standing
from accounts.quotas.in_force import limits_of
from accounts.quotas.totals import Totals
from config.db import prepared
from videos.billing import ledger
from videos.models import Task, TaskEvent, UpstreamAccount
from videos.models.task import REQUEST_COLUMNS
from videos.queueing import Job, enqueue, enqueue_submit
from videos.states import FINAL, Attention, Status, Verb, sources
from videos.tasks import turns
from videos.tasks.failures import FailureCode
from videos.upstream import Translation

STORE_LEASE = timedelta(seconds=30)
"""A worker that fetches a result renews this lease; once it expires, the next tick queues a new job."""
_LOOKED_AT = """
UPDATE videos_task SET looked_at = %(now)s::timestamptz, due_at = next.due_at
FROM unnest(%(ids)s::uuid[], %(dues)s::timestamptz[]) AS next (id, due_at)
WHERE videos_task.id = next.id RETURNING 1
"""
MOST_STARTS = 100
"""Waiting tasks that start in one transaction, which locks the tenant's totals; the sweep starts the rest."""


@dataclass(frozen=True)
class StoredMedia:
    """Where a result is, and what was read of it."""

    name: str = ""
    """Its key in the platform's store; empty if it is only in the tenant's bucket."""
    size: int | None = None
    """In bytes; None if it could not be read in the bucket."""
    sha256: str = ""
    bucket_key: str = ""
    """Its key in the tenant's bucket; empty if it is only in the platform's store."""


def claim(task: Task, account: UpstreamAccount, translation: Translation, now: datetime) -> bool:
    """Begin to submit the task to that account; the translation is what is sent."""
    changes = {
        "account_id": account.pk,
        "payload": translation.payload,
        "not_forwarded": translation.not_forwarded,
        "attempts": task.attempts + 1,
        "submitted_at": now,
        # Longer than the call may take: a submission still open then was interrupted.
        "due_at": now + timedelta(seconds=2 * settings.UPSTREAM_CREATE_TIMEOUT),
    }
    detail = {"attempt": task.attempts + 1, "account": account.name, "sent_to": place_of(account)}
    return _move(task, Status.SUBMITTING, Verb.CLAIM, now, detail, **changes)


def place_of(account: UpstreamAccount) -> str:
    """Identifies what an account's tasks belong to upstream, without telling it."""
    place = (account.product, account.endpoint, account.secret_id, account.sub_app_id)
    return hashlib.sha256(repr(place).encode()).hexdigest()[:16]


def accepted(
    task: Task,
    upstream_task_id: str,
    now: datetime,
    first_look: timedelta,
    expected_seconds: float | None = None,
    **detail: Any,
) -> bool:
    """Upstream accepted the task under this id; also resolves a submission in doubt.

    `first_look` is the time until the first poll; progress is estimated from `expected_seconds`.
    """
    changes = {
        "upstream_task_id": upstream_task_id,
        "accepted_at": now,
        "expected_seconds": expected_seconds,
        "looked_at": now,
        "due_at": now + first_look,
        "attention": "",
    }
    detail = {"upstream_task_id": upstream_task_id, **detail}
    return _move(task, Status.RUNNING, Verb.ACCEPTED, now, detail, **changes)


def corrected(task: Task, upstream_task_id: str, now: datetime, first_look: timedelta) -> bool:
    """A running task was accepted under another id than the one it was tracked by; it is polled anew."""
    before = task.upstream_task_id
    with transaction.atomic():
        running = Task.objects.filter(pk=task.pk, status=Status.RUNNING, upstream_task_id=before)
        changed = running.update(
            upstream_task_id=upstream_task_id,
            upstream_status="",
            done_at=None,
            looked_at=now,
            due_at=now + first_look,
            attention="",
        )
        if changed:
            told = {"upstream_task_id": upstream_task_id, "instead_of": before}
            _record(task, Verb.CORRECTED, Status.RUNNING, now, told)
            task.upstream_task_id = upstream_task_id
    return changed == 1


def requeue(task: Task, reason: Mapping[str, Any], due_at: datetime, now: datetime) -> bool:
    """Upstream surely did not act on it: queue it until `due_at`, ahead of all tasks that are queued now."""
    if task.state is not Status.SUBMITTING:  # a waiting task may be queued, too, but by `start_waiting`
        return False
    return _queue_again(task, Verb.REQUEUE, now, dict(reason), due_at=due_at)


def never_ran(task: Task, due_at: datetime, now: datetime, **detail: Any) -> bool:
    """Upstream accepted it but never ran it, as the account was full: queue it again, unpaid.

    It keeps `accepted_at`: clients have seen it in progress, and see no step back.
    """
    if task.state is not Status.RUNNING:
        return False
    gone = {"upstream_task_id": None, "upstream_status": "", "done_at": None, "attention": ""}
    detail = {"upstream_task_id": task.upstream_task_id, **detail}
    return _queue_again(task, Verb.NEVER_RAN, now, detail, due_at=due_at, **gone)


def _queue_again(task: Task, verb: Verb, now: datetime, detail: dict[str, Any], **changes: Any) -> bool:
    chosen_again: dict[str, Any] = {"account_id": None, "payload": {}, "turn": turns.requeue_turn(task)}
    return _move(task, Status.QUEUED, verb, now, detail, **changes, **chosen_again)


def in_doubt(task: Task, reason: Mapping[str, Any], now: datetime, look_at: datetime | None = None) -> bool:
    """The submission was sent and its answer was lost: only evidence settles it, or the release by time.

    `look_at` is when to look for evidence; None if upstream gives none.
    """
    release = now + doubt_lasts()
    changes = {
        "looked_at": now,
        "due_at": min(look_at or release, release),
        "attention": Attention.IN_DOUBT,
    }
    return _move(task, Status.IN_DOUBT, Verb.IN_DOUBT, now, dict(reason), **changes)


def release_at(task: Task) -> datetime:
    """When a task in doubt is given up, unless evidence or a person decides before."""
    return (task.looked_at or task.submitted_at or task.created_at) + doubt_lasts()


def doubt_lasts() -> timedelta:
    """How long a task stays in doubt without evidence; its doubt began at `looked_at`."""
    return timedelta(hours=settings.IN_DOUBT_RELEASE_HOURS)


def looked_for(task: Task, next_look: datetime, now: datetime, **detail: Any) -> None:
    """Evidence for a task in doubt was looked for in vain; look again at `next_look`."""
    with transaction.atomic():
        doubtful = Task.objects.filter(pk=task.pk, status=Status.IN_DOUBT, attempts=task.attempts)
        if doubtful.update(due_at=min(next_look, release_at(task))):
            _record(task, Verb.LOOKED_FOR, Status.IN_DOUBT, now, detail)


def progressed(task: Task, word: str, now: datetime, *, is_known: bool, **detail: Any) -> bool:
    """Upstream reports a new status word for the running task."""
    attention = "" if is_known else Attention.UNKNOWN_WORD.about(word)
    with transaction.atomic():
        running = Task.objects.filter(pk=task.pk, status=Status.RUNNING).exclude(upstream_status=word)
        changed = running.update(upstream_status=word, attention=attention) == 1
        if changed:
            _record(task, Verb.PROGRESSED, Status.RUNNING, now, {"word": word, **detail})
    return changed


def done_without_link(task: Task, now: datetime, **detail: Any) -> bool:
    """Upstream is done but sent no link to the result; polling goes on for a while."""
    with transaction.atomic():
        running = Task.objects.filter(pk=task.pk, status=Status.RUNNING, done_at=None)
        changed = running.update(done_at=now, attention=Attention.NO_LINK) == 1
        if changed:
            _record(task, Verb.DONE_WITHOUT_LINK, Status.RUNNING, now, detail)
    return changed


def produced(task: Task, link: str, frame_size: str, now: datetime, **detail: Any) -> bool:
    """Upstream is done and has a result; queue the job that fetches it before the link expires."""
    changes = {
        "result_link": link,
        "frame_size": frame_size,
        "done_at": task.done_at or now,
        "due_at": now + STORE_LEASE,
        "attention": "",
    }
    with _all_or_nothing(task):
        detail = {"frame_size": frame_size, **detail}
        moved = _move(task, Status.STORING, Verb.PRODUCED, now, detail, **changes)
        if moved:
            enqueue(Job.STORE, task_id=str(task.pk))
    return moved


def succeed(task: Task, media: StoredMedia, now: datetime, *, attention: str = "", **detail: Any) -> bool:
    """The result is where it is to stay."""
    changes = {
        "media_name": media.name,
        "media_bytes": media.size,
        "media_sha256": media.sha256,
        "bucket_key": media.bucket_key,
        "finished_at": now,
        "expires_at": now + retention(task.tenant_id) if media.name else None,
        "attention": attention,
    }
    told = {"bytes": media.size, "bucket_key": media.bucket_key}
    detail = {name: value for name, value in told.items() if value} | detail
    with _all_or_nothing(task):
        closed = _close(task, Status.SUCCEEDED, Verb.SUCCEED, now, detail, **changes)
        if closed and media.size is not None:
            enqueue(Job.POSTER, task_id=str(task.pk))
    return closed


def retention(tenant_id: UUID) -> timedelta:
    """How long the platform keeps a new video of the tenant."""
    own = Tenant.objects.values_list("retention_days", flat=True).get(pk=tenant_id)
    return timedelta(days=own or settings.RESULT_RETENTION_DAYS)


def new_link(task: Task, link: str, now: datetime, **detail: Any) -> bool:
    """Upstream gave another link to the result."""
    with transaction.atomic():
        storing = Task.objects.filter(pk=task.pk, status=Status.STORING).exclude(result_link=link)
        changed = storing.update(result_link=link) == 1
        if changed:
            task.result_link = link
            _record(task, Verb.NEW_LINK, Status.STORING, now, detail)
    return changed


def fail(
    task: Task, code: FailureCode, message: str, now: datetime, *, attention: str = "", **detail: Any
) -> bool:
    """The task ends without a result. `message` is for the tenant, `attention` and `detail` for staff."""
    changes = {
        "failure_code": code.value,
        "failure_message": message,
        "finished_at": now,
        "attention": attention,
    }
    return _close(task, Status.FAILED, Verb.FAIL, now, {"code": code.value, **detail}, **changes)


def cancel(task: Task, now: datetime) -> bool:
    """Cancel a task that was not submitted yet."""
    changes = {
        "failure_code": FailureCode.CANCELLED.value,
        "failure_message": "The task was cancelled before it was submitted.",
        "finished_at": now,
        "attention": "",
    }
    return _close(task, Status.CANCELLED, Verb.CANCEL, now, {}, **changes)


def hide(task: Task, now: datetime) -> bool:
    """The tenant deleted a task that has ended: its media expire now, its use and ledger entries stay."""
    with transaction.atomic():
        ended = Task.objects.filter(pk=task.pk, status__in=sorted(FINAL), hidden_at=None)
        hidden = ended.update(hidden_at=now, expires_at=Least("expires_at", now)) == 1
        if hidden:
            task.hidden_at = now
            _record(task, Verb.HIDE, task.state, now, {})
    return hidden


def start_waiting(tenant_id: UUID, now: datetime) -> int:
    """Move tasks out of the tenant's own queue, as many as its limit allows; returns how many."""
    with transaction.atomic():
        totals = standing.lock(tenant_id)
        after = _start_waiting(tenant_id, totals, now)
        if after is not totals:
            standing.save(tenant_id, after)
    return totals.waiting_tasks - after.waiting_tasks


def flag(task: Task, attention: str, now: datetime, **detail: Any) -> None:
    """Flag the task for staff; its state does not change."""
    with transaction.atomic():
        current = Task.objects.select_for_update(no_key=True).only("status", "attention").get(pk=task.pk)
        if current.attention != attention:
            Task.objects.filter(pk=task.pk).update(attention=attention)
            _record(task, Verb.FLAG, current.state, now, {"attention": attention, **detail})


def record_event(task: Task, verb: Verb, now: datetime, **detail: Any) -> None:
    """Record an event that changes no state, such as a person's action."""
    _record(task, verb, task.state, now, detail)


def lease(task_ids: Sequence[UUID], status: Status, until: datetime) -> int:
    """Make the tasks in that state due at `until`, when the next tick handles them; returns how many."""
    return Task.objects.filter(pk__in=task_ids, status=status).update(due_at=until)


def looked_at(next_looks: Mapping[Task, datetime], now: datetime) -> None:
    """Record that the tasks are polled now, and when each is to be polled next."""
    if not next_looks:
        return
    for task, due_at in next_looks.items():
        task.looked_at, task.due_at = now, due_at
    # Django would write a condition for each task, which takes a seventh of the CPU time of polling.
    prepared.fetch_all(
        _LOOKED_AT,
        {"now": now, "ids": [task.pk for task in next_looks], "dues": list(next_looks.values())},
    )


def make_due(task: Task, now: datetime) -> bool:
    """Make a running or storing task due now; False if it is due already or in another state."""
    moving = Task.objects.filter(pk=task.pk, status__in=[Status.RUNNING, Status.STORING], due_at__gt=now)
    return moving.update(due_at=now) == 1


def unflag(task: Task) -> bool:
    """Clear the flag for staff; False if it was not set."""
    return Task.objects.filter(pk=task.pk).exclude(attention="").update(attention="") == 1


def remove_media(task: Task, now: datetime) -> bool:
    """Record that the video and its pictures are deleted; False if pictures were added meanwhile."""
    with transaction.atomic():
        kept = Task.objects.filter(pk=task.pk, status=Status.SUCCEEDED, media_removed_at=None)
        seen = kept.filter(has_poster=task.has_poster, has_preview=task.has_preview)
        removed = seen.update(media_removed_at=now, has_poster=False, has_preview=False) == 1
        if removed:
            _record(task, Verb.REMOVE_MEDIA, Status.SUCCEEDED, now, {"name": task.media_name})
    return removed


def _close(
    task: Task, target: Status, verb: Verb, now: datetime, detail: dict[str, Any], **changes: Any
) -> bool:
    """Move a task to a final state, capture or release its hold, and start the tenant's next waiting task."""
    waited = task.state is Status.WAITING
    with _all_or_nothing(task):
        totals = standing.lock(task.tenant_id)
        moved = _move(task, target, verb, now, detail, **changes)
        if moved:
            if target is Status.SUCCEEDED:
                totals = ledger.capture(task, totals, now)
            else:
                totals = ledger.release(task, totals, now, waited=waited)
            standing.save(task.tenant_id, _start_waiting(task.tenant_id, totals, now))
    return moved


@contextmanager
def _all_or_nothing(task: Task) -> Iterator[None]:
    """A transaction that, if it fails, leaves the object as it was, too, so that the verb can be retried."""
    before = dict(vars(task))
    try:
        with transaction.atomic():
            yield
    except BaseException:
        vars(task).update(before)
        raise


def _start_waiting(tenant_id: UUID, totals: Totals, now: datetime) -> Totals:
    """Must run under the lock of the totals; returns the new totals."""
    if not totals.waiting_tasks:
        return totals
    limits = limits_of(tenant_id)
    waiting = (
        Task.objects.filter(tenant=tenant_id, status=Status.WAITING).defer(*REQUEST_COLUMNS).order_by("id")
    )
    room = limits.room(totals.open_tasks, most=min(totals.waiting_tasks, MOST_STARTS))
    started = 0
    for task in waiting.order_by("id")[:room]:
        turn = turns.new_turn(task, now)
        if _move(task, Status.QUEUED, Verb.START, now, {}, due_at=now, turn=turn):
            started += 1
            totals = totals.with_start()
    if started:
        enqueue_submit()
    return totals


_ALSO_APPLIES_IN = {Status.SUBMITTING: frozenset({Status.IN_DOUBT})}
"""A verb applies only in the state its caller saw; an answer to a submission also settles one in doubt."""


def _move(
    task: Task, target: Status, verb: Verb, now: datetime, detail: dict[str, Any], **changes: Any
) -> bool:
    seen = _ALSO_APPLIES_IN.get(task.state, frozenset()) | {task.state}
    with transaction.atomic():
        # Matches the attempt, too: the outcome of one attempt must not be applied to the next.
        movable = Task.objects.filter(pk=task.pk, attempts=task.attempts, status__in=seen & sources(target))
        moved = movable.update(status=target, **changes) == 1
        if moved:
            _record(task, verb, target, now, detail)
    if moved:
        for name, value in {"status": target, **changes}.items():
            setattr(task, name, value)
    return moved


def _record(task: Task, verb: Verb, status: Status, now: datetime, detail: dict[str, Any]) -> None:
    TaskEvent.objects.create(task=task, at=now, verb=verb, status=status, detail=detail)
