"""Template context of a task's page in the staff console."""

import json
from datetime import datetime
from typing import Any
from uuid import uuid4

from django.http import HttpRequest
from django.urls import reverse

from accounts.console.reasons import LONGEST_REASON, person
from videos.composer.summary import asked_for
from videos.labels import STATUSES
from videos.models import Task, TaskEvent
from videos.pages import timeline
from videos.pages.commands import curl
from videos.pages.task_status import facts as live_facts
from videos.requests import InvalidRequestError
from videos.states import Verb
from videos.tasks import representation, staff_actions
from videos.tasks.submission import translated


def live(task: Task, request: HttpRequest, now: datetime) -> dict[str, Any]:
    """The part of the context that changes while the task is open, including the tenant's view."""
    look, events = STATUSES[task.state], timeline.events_of(task)
    facts = live_facts(task, events, now)
    return {
        **facts,
        "stage_label": look.label,
        "stage_chip": look.chip,
        "poster": reverse("admin:videos_task_poster", args=[task.pk]) if task.has_poster else "",
        "preview": reverse("admin:videos_task_preview", args=[task.pk]) if task.has_preview else "",
        "timeline": timeline.timeline(events.rows),
        "for_staff": True,
        "exchanges": timeline.exchanges(events.rows),
        "seen_by_tenant": _json(representation.video(task, request, now, facts["place"])),
        "actions": staff_actions.available_actions(task, person(request)),
        **decision_on(task),
    }


def decision_on(task: Task) -> dict[str, Any]:
    """What the forms of all staff actions have in common."""
    return {
        "mark": staff_actions.state_token(task),
        "form_id": uuid4(),
        "longest_reason": LONGEST_REASON,
    }


def request_of(task: Task, request: HttpRequest) -> dict[str, Any]:
    """The request, which does not change: as received, as normalised, as forwarded, and as curl."""
    return {
        **asked_for(task.request),
        "sent": _json(_sent(task) or task.request),
        "normalised": _json(task.request),
        "forwarded": _json(task.payload or _to_be_forwarded(task)),
        "curl": curl(task.request, request),
        "body": _json(task.request),
    }


def _to_be_forwarded(task: Task) -> dict[str, Any]:
    """The payload that would be sent upstream; empty if the task was pruned or its request became invalid."""
    try:
        return {} if task.pruned_at else translated(task).payload
    except InvalidRequestError:  # the model's rules have changed since the task was created
        return {}


def _sent(task: Task) -> Any:
    """The body as received; None if it equals the normalised request."""
    created = TaskEvent.objects.filter(task=task, verb=Verb.CREATE)
    return created.values_list("detail__sent", flat=True).first()


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)
