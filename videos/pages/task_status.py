"""The part of a task's page that changes while the task is open."""

from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _

from accounts.pages.key_states import key_name
from accounts.quotas.in_force import limits_of
from videos.estimates import completion, queue_position
from videos.models import Task
from videos.pages import money
from videos.pages.timeline import Events
from videos.results import links
from videos.states import FINAL, LOST, UNACCEPTED, Status
from videos.tasks import turns
from videos.tasks.failures import advice_for, upstream_message
from videos.tasks.representation import in_bucket

_FRESH = timedelta(minutes=2)


def facts(task: Task, events: Events, now: datetime) -> dict[str, Any]:
    """Template context shared by portal and console; each adds its own labels and chips."""
    place = queue_position.counted(task, limits_of(task.tenant_id).concurrent_tasks, now)
    start = turns.expected_start(task, now) if task.state is Status.QUEUED else None
    return {
        "task": task,
        "is_final": task.state in FINAL,
        "removed_after": _removed_after(task),
        "made_by": key_name(task.api_key) if task.api_key else "",
        "outlook": completion.outlook(task, start, now),
        "place": place,
        "is_at_provider": task.state is Status.RUNNING,
        "was_sent": _was_sent(task),
        "advice": advice_for(task.failure_code),
        "upstream_message": _upstream_message(task),
        "money": money.money_of(task),
        "price_note": _price_note(task),
        "media": links.signed_path(task, now) if task.is_readable else "",
        "in_bucket": in_bucket(task) if task.bucket_key else None,
        "has_earlier_events": events.has_earlier,
        "seen": _mark_of(task, events),
        "poll_seconds": 2 if now - task.created_at < _FRESH else 5,
    }


def _price_note(task: Task) -> str:
    """What became of the price."""
    if task.state in LOST:
        return _("not charged")
    return _("charged") if task.state in FINAL else _("held until it ends")


def _was_sent(task: Task) -> bool:
    """Whether upstream was sent the last submission of the task, though it may not have received it."""
    return task.submitted_at is not None and task.state not in {*UNACCEPTED, Status.CANCELLED}


def _removed_after(task: Task) -> int | None:
    """Days from the task's end to the removal of its request; None if it was not removed."""
    if task.pruned_at is None or task.finished_at is None:
        return None
    return (task.pruned_at - task.finished_at).days


def _upstream_message(task: Task) -> str:
    """What the provider said of a failure, unless it was removed with the request."""
    return "" if task.pruned_at else upstream_message(task.failure_code, task.failure_message)


def _mark_of(task: Task, events: Events) -> str:
    """Changes whenever the page would show something new; the page polls with it."""
    return f"{task.status}-{task.attempts}-{events.last}-{int(task.has_poster)}"
