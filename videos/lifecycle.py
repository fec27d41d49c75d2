"""The verbs that move a task along the arrows of `states`. Nothing else writes its status.

Each verb is one transaction: the change, the event that tells of it, and the job that follows. Each is a
conditional update: where the task is no longer in the state that the caller saw, or no arrow starts there,
nothing is written, and the verb answers False.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Max, Min
from django.utils import timezone

from accounts.ids import uuid7
from accounts.models import APIKey
from videos import admission
from videos.errors import FailureCode
from videos.models import Task, TaskEvent, UpstreamAccount
from videos.queueing import Job, enqueue
from videos.requests import VideoRequest
from videos.states import Status, sources

STORE_LEASE = timedelta(seconds=30)
"""A worker that fetches a result renews this; when it runs out, the next tick starts another."""


@dataclass(frozen=True)
class Order:
    """What is to be made and where: a checked request, and what upstream will be sent for it."""

    request: VideoRequest
    account: UpstreamAccount
    payload: Mapping[str, Any]
    not_forwarded: list[str]


@dataclass(frozen=True)
class StoredMedia:
    """A result in our hands: its name in the storage and its size in bytes."""

    name: str
    size: int


def create(order: Order, key: APIKey) -> Task:
    """Admit and record a task, and queue its submission: all of it, or nothing.

    Raises what `admission.admit` raises.
    """
    with transaction.atomic():
        admission.admit(key.tenant)
        now = timezone.now()
        task = Task.objects.create(
            id=uuid7(now),
            tenant=key.tenant,
            api_key=key,
            account=order.account,
            status=Status.QUEUED,
            model=order.request.model.name,
            seconds=order.request.seconds,
            request=order.request.as_body(),
            payload=dict(order.payload),
            not_forwarded=order.not_forwarded,
            turn=_next_turn(order.account, key, now),
            created_at=now,
            due_at=now,
        )
        _record(task, "create", Status.QUEUED, now, {})
        enqueue(Job.SUBMIT, account_id=order.account.pk)
    return task


def _next_turn(account: UpstreamAccount, key: APIKey, now: datetime) -> int:
    """Tenants take turns: a tenant's next task comes a round after its last one that waits.

    A tenant with none waiting joins the round being served, whatever others have queued.
    """
    waiting = Task.objects.filter(account=account, status=Status.QUEUED)
    last = waiting.filter(tenant=key.tenant).aggregate(last=Max("turn"))["last"]
    if last is not None:
        return int(last) + 1
    return int(waiting.filter(due_at__lte=now).aggregate(first=Min("turn"))["first"] or 0)


def claim(account: UpstreamAccount, now: datetime) -> Task | None:
    """Take the next task in turn for submission; None where none is due."""
    with transaction.atomic():
        waiting = Task.objects.filter(account=account, status=Status.QUEUED, due_at__lte=now)
        task = waiting.select_for_update(skip_locked=True, of=("self",)).order_by("turn", "id").first()
        if task is None:
            return None
        changes = {
            "attempts": task.attempts + 1,
            "submitted_at": now,
            # Longer than the call may take: a submission still open then was cut off.
            "due_at": now + timedelta(seconds=2 * settings.UPSTREAM_CREATE_TIMEOUT),
        }
        _move(task, Status.SUBMITTING, "claim", now, {"attempt": task.attempts + 1}, **changes)
    return task


def accepted(
    task: Task,
    upstream_task_id: str,
    now: datetime,
    first_look: timedelta,
    expected_seconds: float | None = None,
    **detail: Any,
) -> bool:
    """Upstream has the task under this id; also settles a submission that was in doubt.

    `expected_seconds` is how long it should take; progress is estimated from it.
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
    return _move(task, Status.RUNNING, "accepted", now, detail, **changes)


def requeue(task: Task, reason: Mapping[str, Any], due_at: datetime, now: datetime) -> bool:
    """Upstream surely has nothing of it: let it wait until `due_at`, before whoever waits now."""
    waiting = Task.objects.filter(account=task.account_id, status=Status.QUEUED)
    first = waiting.aggregate(first=Min("turn"))["first"]
    turn = task.turn if first is None else min(task.turn, first)
    return _move(task, Status.QUEUED, "requeue", now, dict(reason), due_at=due_at, turn=turn)


def in_doubt(task: Task, reason: Mapping[str, Any], now: datetime) -> bool:
    """The submission was sent and its answer lost. It is never sent again by itself."""
    changes = {
        "due_at": now + timedelta(hours=settings.IN_DOUBT_RELEASE_HOURS),
        "attention": "in doubt: upstream may have accepted it; find out and decide",
    }
    return _move(task, Status.IN_DOUBT, "in_doubt", now, dict(reason), **changes)


def progressed(task: Task, word: str, now: datetime, *, is_known: bool) -> bool:
    """Upstream speaks of the running task with a word it had not used for it before."""
    attention = "" if is_known else f"upstream says {word!r}, which nobody has seen before"
    with transaction.atomic():
        running = Task.objects.filter(pk=task.pk, status=Status.RUNNING).exclude(upstream_status=word)
        changed = running.update(upstream_status=word, attention=attention) == 1
        if changed:
            _record(task, "progressed", Status.RUNNING, now, {"word": word})
    return changed


def done_without_link(task: Task, now: datetime) -> bool:
    """Upstream is done but does not say where the result is; it is asked again for a while."""
    with transaction.atomic():
        running = Task.objects.filter(pk=task.pk, status=Status.RUNNING, done_at=None)
        changed = running.update(done_at=now, attention="upstream is done but gives no link") == 1
        if changed:
            _record(task, "done_without_link", Status.RUNNING, now, {})
    return changed


def produced(task: Task, link: str, frame_size: str, now: datetime) -> bool:
    """Upstream is done and has a result; fetch it before its link dies."""
    changes = {
        "result_link": link,
        "frame_size": frame_size,
        "done_at": task.done_at or now,
        "due_at": now + STORE_LEASE,
        "attention": "",
    }
    with transaction.atomic():
        moved = _move(task, Status.STORING, "produced", now, {"frame_size": frame_size}, **changes)
        if moved:
            enqueue(Job.STORE, task_id=str(task.pk))
    return moved


def succeed(task: Task, media: StoredMedia, now: datetime) -> bool:
    """The result is in our hands."""
    changes = {
        "media_name": media.name,
        "media_bytes": media.size,
        "finished_at": now,
        "expires_at": now + timedelta(days=settings.RESULT_RETENTION_DAYS),
        "attention": "",
    }
    return _move(task, Status.SUCCEEDED, "succeed", now, {"bytes": media.size}, **changes)


def fail(task: Task, code: FailureCode, message: str, now: datetime, **detail: Any) -> bool:
    """It will never have a result. `message` is for the tenant, `detail` for staff."""
    changes = {"failure_code": code.value, "failure_message": message, "finished_at": now, "attention": ""}
    return _move(task, Status.FAILED, "fail", now, {"code": code.value, **detail}, **changes)


def cancel(task: Task, now: datetime) -> bool:
    """Withdraw a task that was not submitted yet."""
    changes = {
        "failure_code": FailureCode.CANCELLED.value,
        "failure_message": "The task was cancelled before it was submitted.",
        "finished_at": now,
        "attention": "",
    }
    return _move(task, Status.CANCELLED, "cancel", now, {}, **changes)


def flag(task: Task, attention: str, now: datetime, **detail: Any) -> None:
    """Show the task to staff; its state stays as it is."""
    with transaction.atomic():
        current = Task.objects.select_for_update(no_key=True).only("status", "attention").get(pk=task.pk)
        if current.attention != attention:
            Task.objects.filter(pk=task.pk).update(attention=attention)
            _record(task, "flag", current.state, now, {"attention": attention, **detail})


def remove_media(task: Task, now: datetime) -> bool:
    """The media's time has come, and the file is gone."""
    with transaction.atomic():
        kept = Task.objects.filter(pk=task.pk, status=Status.SUCCEEDED, media_removed_at=None)
        removed = kept.update(media_removed_at=now) == 1
        if removed:
            _record(task, "remove_media", Status.SUCCEEDED, now, {"name": task.media_name})
    return removed


_ALSO_HOLDS_IN = {Status.SUBMITTING: frozenset({Status.IN_DOUBT})}
"""A verb speaks of the state its caller saw; only an answer to a submission holds for one in doubt, too."""


def _move(
    task: Task, target: Status, verb: str, now: datetime, detail: dict[str, Any], **changes: Any
) -> bool:
    seen = _ALSO_HOLDS_IN.get(task.state, frozenset()) | {task.state}
    with transaction.atomic():
        # By its attempt, too: what is known of one attempt says nothing of the next.
        movable = Task.objects.filter(pk=task.pk, attempts=task.attempts, status__in=seen & sources(target))
        moved = movable.update(status=target, **changes) == 1
        if moved:
            _record(task, verb, target, now, detail)
    if moved:
        for name, value in {"status": target, **changes}.items():
            setattr(task, name, value)
    return moved


def _record(task: Task, verb: str, status: Status, now: datetime, detail: dict[str, Any]) -> None:
    TaskEvent.objects.create(task=task, at=now, verb=verb, status=status, detail=detail)
