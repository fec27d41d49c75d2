"""All there is to know of a task, on one page."""

import json
from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from accounts.console.reasons import person
from videos.composer.pages import base_address, price_of
from videos.composer.preview import curl
from videos.labels import STATUSES
from videos.models import Task, TaskEvent
from videos.pages import timeline
from videos.pages.task_status import facts as live_facts
from videos.requests import InvalidRequestError
from videos.states import Verb
from videos.tasks import representation, staff_actions
from videos.tasks.submission import payload_of


def live(task: Task, request: HttpRequest, now: datetime) -> dict[str, Any]:
    """What changes while a task is at work, as staff see it, and the tenant's view of it."""
    look, events = STATUSES[task.state], timeline.events_of(task)
    facts = live_facts(task, events, now)
    return {
        **facts,
        "stage_label": look.label,
        "stage_chip": look.chip,
        "poster": reverse("admin:videos_task_poster", args=[task.pk]) if task.has_poster else "",
        "events": events,
        "timeline": timeline.timeline(events),
        "show_details": True,
        "exchanges": timeline.exchanges(events),
        "price": price_of(task),
        "seen_by_tenant": _json(representation.video(task, request, now, facts["place"])),
        "mark": staff_actions.mark_of(task),
        "actions": staff_actions.open_to(task, person(request)),
    }


def request_of(task: Task, request: HttpRequest, events: list[TaskEvent]) -> dict[str, Any]:
    """The request, which stays as it is: as it came, as it was understood, as it was forwarded."""
    return {
        "sent": _json(_sent(events) or task.request),
        "normalised": _json(task.request),
        "forwarded": _json(task.payload or _to_be_forwarded(task)),
        "curl": curl(task.request, base_address(request)),
        "body": _json(task.request),
    }


def _to_be_forwarded(task: Task) -> dict[str, Any]:
    """What upstream would be sent of a task that is not submitted yet; nothing of one that was pruned."""
    try:
        return {} if task.pruned_at else payload_of(task)
    except InvalidRequestError:  # the rules have changed since it was made
        return {}


def _sent(events: list[TaskEvent]) -> Any:
    """The body as it came, where it read otherwise than the normalised one."""
    return next((event.detail.get("sent") for event in events if event.verb == Verb.CREATE), None)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)
