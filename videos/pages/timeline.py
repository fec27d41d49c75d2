"""The timeline of a task, from its events, for its page in console and portal."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext

from videos.labels import Label, attention_label, verb_label, verb_label_for_tenant
from videos.models import Task, TaskEvent
from videos.states import Verb
from videos.tasks.failures import label_for
from videos.tasks.staff_actions import PLACE as CONSOLE

FOR_TENANTS = (
    Verb.CREATE,
    Verb.ASKED,
    Verb.OPERATOR,
    Verb.START,
    Verb.CLAIM,
    Verb.ACCEPTED,
    Verb.PRODUCED,
    Verb.SUCCEED,
    Verb.FAIL,
    Verb.CANCEL,
    Verb.REMOVE_MEDIA,
)
"""Verbs that tenants see; the others are internal."""
_LOOKS: dict[str, str] = {
    Verb.SUCCEED: "good",
    Verb.FAIL: "bad",
    Verb.IN_DOUBT: "warn",
    Verb.FLAG: "warn",
    Verb.REQUEUE: "warn",
    Verb.ACCEPTED: "busy",
    Verb.PRODUCED: "busy",
}
_MOST = 500
"""The latest events shown on a page; only a task that upstream throttles for hours has more."""


IN_WORDS: dict[str, Callable[[str], Label]] = {
    "reason": str,
    "attention": attention_label,
    "message": str,
    "word": str,
    "error": str,
    "code": label_for,
}
"""What says in an event's detail why it happened, the best first, and its words."""


def why(detail: Mapping[str, Any]) -> str:
    """A short reason or message from an event's detail; may be empty."""
    told = (str(in_words(str(detail[name]))) for name, in_words in IN_WORDS.items() if detail.get(name))
    return next(told, "")


@dataclass(frozen=True)
class TimelineEntry:
    """One event, and the time since the previous one."""

    at: datetime
    verb: str
    label: Label
    look: str
    """CSS class; empty for a neutral event."""
    after: timedelta | None
    detail: dict[str, Any]
    is_for_tenant: bool = False

    @property
    def who(self) -> str:
        """The person who did it, or "". Tenants do not see names of staff."""
        person = str(self.detail.get("by", ""))
        is_staff = str(self.detail.get("at", "")).startswith(CONSOLE)
        return gettext("the platform's staff") if person and is_staff and self.is_for_tenant else person

    @property
    def why(self) -> str:
        """A short reason or message; may be empty."""
        return why(self.detail)

    @property
    def as_json(self) -> str:
        return json.dumps(self.detail, ensure_ascii=False, indent=2)


@dataclass(frozen=True)
class Exchange:
    """An upstream call that changed the task, and its response, redacted when it was stored."""

    at: datetime
    action: str
    seconds: float
    request_id: str
    answer: str
    """As JSON."""


@dataclass(frozen=True)
class Events:
    """The latest events of a task, oldest first."""

    rows: Sequence[TaskEvent]
    has_earlier: bool
    """Whether there are more, before these."""

    @property
    def last(self) -> int:
        """The id of the latest event; 0 without any."""
        return self.rows[-1].pk if self.rows else 0


def events_of(task: Task) -> Events:
    """The latest of all events of the task, for staff. One query."""
    return _latest(TaskEvent.objects.filter(task=task))


def events_for_tenant(task: Task) -> Events:
    """The latest of the task's events that tenants see. One query."""
    return _latest(TaskEvent.objects.filter(task=task, verb__in=FOR_TENANTS))


def _latest(events: QuerySet[TaskEvent]) -> Events:
    found = list(events.order_by("-id")[: _MOST + 1])
    return Events(found[:_MOST][::-1], has_earlier=len(found) > _MOST)


def timeline(events: Sequence[TaskEvent]) -> list[TimelineEntry]:
    """All events, for staff."""
    before = [None, *(event.at for event in events)]
    return [
        TimelineEntry(
            at=event.at,
            verb=event.verb,
            label=verb_label(event.verb),
            look=_LOOKS.get(event.verb, ""),
            after=None if earlier is None else event.at - earlier,
            detail=event.detail,
        )
        for event, earlier in zip(events, before, strict=False)
    ]


def timeline_for_tenant(events: Sequence[TaskEvent]) -> list[TimelineEntry]:
    """The same for its tenant, without names of staff."""
    entries = timeline(events)
    return [replace(entry, is_for_tenant=True, label=verb_label_for_tenant(entry.verb)) for entry in entries]


def exchanges(events: Sequence[TaskEvent]) -> list[Exchange]:
    """The upstream calls recorded in the events."""
    return [_exchange(event.at, call) for event in events for call in _calls_in(event.detail)]


def _calls_in(detail: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for candidate in (detail, detail.get("upstream")):
        if isinstance(candidate, dict) and "action" in candidate and "seconds" in candidate:
            yield candidate


def _exchange(at: datetime, call: dict[str, Any]) -> Exchange:
    answer = call.get("answer") or {
        name: call[name] for name in ("error", "code", "message") if call.get(name)
    }
    return Exchange(
        at=at,
        action=str(call["action"]),
        seconds=float(call["seconds"]),
        request_id=str(call.get("request_id", "")),
        answer=json.dumps(answer, ensure_ascii=False, indent=2),
    )
