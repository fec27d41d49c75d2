"""What became of a task, told from its events and entries: for its page in the console and in the portal."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext

from videos.labels import Label, attention_label, verb_label
from videos.models import EntryKind, LedgerEntry, Task, TaskEvent
from videos.models.ledger import CLOSINGS
from videos.states import Verb
from videos.tasks.staff_actions import PLACE as CONSOLE

FOR_TENANTS = (
    Verb.CREATE,
    Verb.ASKED,
    Verb.START,
    Verb.CLAIM,
    Verb.ACCEPTED,
    Verb.PRODUCED,
    Verb.SUCCEED,
    Verb.FAIL,
    Verb.CANCEL,
    Verb.REMOVE_MEDIA,
)
"""What tenants are told of; the rest is between staff and upstream."""
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
"""Events that a page shows; no task has so many but one that upstream throttles for hours."""


@dataclass(frozen=True)
class TimelineEntry:
    """One event, and how long after the one before it."""

    at: datetime
    verb: str
    label: Label
    look: str
    """The class of the style sheet; empty for what is neither good nor bad."""
    after: timedelta | None
    detail: dict[str, Any]

    is_for_tenant: bool = False

    @property
    def who(self) -> str:
        """The person it was done by, if any."""
        person = str(self.detail.get("by", ""))
        is_staff = str(self.detail.get("at", "")).startswith(CONSOLE)
        return gettext("the platform's staff") if person and is_staff and self.is_for_tenant else person

    @property
    def why(self) -> str:
        """What it says of itself, in a few words."""
        detail = self.detail
        if "reason" not in detail and detail.get("attention"):
            return attention_label(str(detail["attention"]))
        told = (detail.get(name) for name in ("reason", "message", "word", "error"))
        return next((str(one) for one in told if one), "")

    @property
    def as_json(self) -> str:
        """Everything that is known of it."""
        return json.dumps(self.detail, ensure_ascii=False, indent=2)


@dataclass(frozen=True)
class Exchange:
    """One call upstream that changed something, and its answer; redacted when it was kept."""

    at: datetime
    action: str
    seconds: float
    request_id: str
    answer: str
    """As JSON."""


def events_of(task: Task) -> list[TaskEvent]:
    """What happened to it, the first first. One query."""
    return list(TaskEvent.objects.filter(task=task).order_by("id")[:_MOST])


def timeline(events: Sequence[TaskEvent]) -> list[TimelineEntry]:
    """Every event, for staff."""
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
    """What tenants are told of; of the platform's staff they are told no names."""
    told = timeline([event for event in events if event.verb in FOR_TENANTS])
    return [replace(moment, is_for_tenant=True) for moment in told]


def exchanges(events: Sequence[TaskEvent]) -> list[Exchange]:
    """The calls upstream that the events tell of."""
    return [_exchange(event.at, told) for event in events for told in _told(event.detail)]


def money_of(task: Task) -> list[LedgerEntry]:
    """The hold of a task, and what closed it. One query."""
    # By kind, too: the indexes that find the entries of a task are those of its hold and its closing.
    entries = LedgerEntry.objects.filter(Q(kind=EntryKind.HOLD) | Q(kind__in=CLOSINGS), task=task)
    return list(entries.order_by("id"))


def _told(detail: dict[str, Any]) -> Iterator[dict[str, Any]]:
    upstream = detail.get("upstream")
    for candidate in (detail, upstream):
        if isinstance(candidate, dict) and "action" in candidate and "seconds" in candidate:
            yield candidate


def _exchange(at: datetime, told: dict[str, Any]) -> Exchange:
    answer = told.get("answer") or {
        name: told[name] for name in ("error", "code", "message") if told.get(name)
    }
    return Exchange(
        at=at,
        action=str(told["action"]),
        seconds=float(told["seconds"]),
        request_id=str(told.get("request_id", "")),
        answer=json.dumps(answer, ensure_ascii=False, indent=2),
    )
