"""Where sessions are kept, `SESSION_ENGINE`; and how those of a person are listed and ended."""

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
"""That a session was used is written at most this often."""
_ADDRESS, _BROWSER, _BEGUN, _SEEN = "address", "browser", "begun_at", "seen_at"
_LONGEST_BROWSER = 200


class SessionStore(db.SessionStore):
    """Django's, whose rows also say whose they are."""

    @classmethod
    def get_model_class(cls) -> type[Session]:
        """Ours."""
        return Session

    def create_model_instance(self, data: Mapping[str, Any]) -> Session:
        """The row, with what its data say of the person and the browser."""
        row: Session = super().create_model_instance(data)  # type: ignore[assignment, arg-type]  # of our class
        row.user_id = data.get(SESSION_KEY)
        row.address, row.browser = data.get(_ADDRESS, ""), data.get(_BROWSER, "")
        row.begun_at, row.seen_at = _moment(data, _BEGUN), _moment(data, _SEEN)
        return row


def describe(request: HttpRequest, now: datetime) -> None:
    """Note in a session that begins from where and with which browser it does."""
    agent = request.headers.get("user-agent", "").replace("\0", "")[:_LONGEST_BROWSER]
    described = {_ADDRESS: networks.shown(request), _BROWSER: agent}
    request.session.update({**described, _BEGUN: now.isoformat(), _SEEN: now.isoformat()})


def note_use(request: HttpRequest, now: datetime) -> None:
    """Note that a session is used, unless that was noted within `SEEN_PRECISION`."""
    seen = _moment(request.session, _SEEN)
    if seen is not None and now - seen >= SEEN_PRECISION:
        request.session[_SEEN] = now.isoformat()


def of(person: User) -> QuerySet[Session]:
    """The person's sessions, the one used last first."""
    alive = Session.objects.filter(user=person, expire_date__gt=timezone.now())
    return alive.order_by("-seen_at", "session_key")


def end(person: User, *, besides: str | None = None) -> int:
    """End the person's sessions, all but that with the key `besides`; returns how many were ended."""
    return Session.objects.filter(user=person).exclude(session_key=besides).delete()[0]


def _moment(data: Mapping[str, Any], name: str) -> datetime | None:
    written = data.get(name)
    return parse_datetime(written) if written else None
