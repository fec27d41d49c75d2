"""All there is to know of a task, on one page."""

import json
from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from videos import decisions, estimates, links, representation, story
from videos.advice import advice_for
from videos.composer.pages import base_address, price_of
from videos.composer.preview import curl
from videos.display import STATUSES
from videos.models import Task, TaskEvent
from videos.states import FINAL


def live(task: Task, request: HttpRequest, now: datetime) -> dict[str, Any]:
    """What changes while a task is at work, and the tenant's view of it."""
    look, events, place = STATUSES[task.state], story.events_of(task), estimates.place_of(task, now)
    return {
        "task": task,
        "stage_label": look.label,
        "stage_chip": look.chip,
        "is_final": task.state in FINAL,
        "progress": representation.progress(task, now),
        "place": place,
        "done_at": estimates.done_at(task, now),
        "advice": advice_for(task.failure_code),
        "media": links.signed_path(task, now) if representation.has_media(task) else "",
        "poster": reverse("admin:videos_task_poster", args=[task.pk]) if task.has_poster else "",
        "events": events,
        "timeline": story.timeline(events),
        "show_details": True,
        "exchanges": story.exchanges(events),
        "money": story.money_of(task),
        "price": price_of(task),
        "seen_by_tenant": _json(representation.video(task, request, now, place)),
        "mark": decisions.mark_of(task),
        "actions": decisions.open_to(task),
    }


def request_of(task: Task, request: HttpRequest, events: list[TaskEvent]) -> dict[str, Any]:
    """The request, which stays as it is: as it came, as it was understood, as it was forwarded."""
    return {
        "sent": _json(_sent(events) or task.request),
        "normalised": _json(task.request),
        "forwarded": _json(task.payload),
        "curl": curl(task.request, base_address(request)),
        "body": _json(task.request),
    }


def _sent(events: list[TaskEvent]) -> Any:
    """The body as it came, where it read otherwise than the normalised one."""
    return next((event.detail.get("sent") for event in events if event.verb == "create"), None)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)
