"""The session store (`SESSION_ENGINE`), and functions to list and end a person's sessions."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends import db
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from accounts import networks
from accounts.models import Session, User

SEEN_PRECISION = timedelta(minutes=10)
"""The last use of a session is written at most this often."""
_ADDRESS, _BROWSER, _BEGUN, _SEEN = "address", "browser", "begun_at", "seen_at"
_LONGEST_BROWSER = 200


class SessionStore(db.SessionStore):
    """Django's database sessions, with the person, address and browser in columns."""

    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    def create_model_instance(self, data: Mapping[str, Any]) -> Session:
        row: Session = super().create_model_instance(data)  # type: ignore[assignment, arg-type]  # of our class
        row.user_id = data.get(SESSION_KEY)
        row.address, row.browser = data.get(_ADDRESS, ""), data.get(_BROWSER, "")
        row.begun_at, row.seen_at = _moment(data, _BEGUN), _moment(data, _SEEN)
        return row


def describe(request: HttpRequest, now: datetime) -> None:
    """Store the client's address and browser in a new session."""
    agent = request.headers.get("user-agent", "").replace("\0", "")[:_LONGEST_BROWSER]
    described = {_ADDRESS: networks.shown(request), _BROWSER: agent}
    request.session.update({**described, _BEGUN: now.isoformat(), _SEEN: now.isoformat()})


def note_use(request: HttpRequest, now: datetime) -> None:
    """Store the time of use in the session, at most once per `SEEN_PRECISION`."""
    seen = _moment(request.session, _SEEN)
    if seen is not None and now - seen >= SEEN_PRECISION:
        request.session[_SEEN] = now.isoformat()


def of(person: User) -> QuerySet[Session]:
    """The person's unexpired sessions, the most recently used first."""
    alive = Session.objects.filter(user=person, expire_date__gt=timezone.now())
    return alive.order_by("-seen_at", "session_key")


def end(person: User, *, besides: str | None = None) -> int:
    """End the person's sessions except the one with the key `besides`; returns how many."""
    return Session.objects.filter(user=person).exclude(session_key=besides).delete()[0]


def _moment(data: Mapping[str, Any], name: str) -> datetime | None:
    written = data.get(name)
    return parse_datetime(written) if written else None
