"""Creates: all that wait are looked up, decided one after another, and written with one commit."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
from django.db import DatabaseError
from django.utils import timezone

from accounts.api import throttles
from accounts.api.lookup import Found
from accounts.models import APIKey
from config.db import prepared
from config.envelope import encode
from videos import inputs
from videos.api import rate_limits
from videos.api.bodies import parse_object
from videos.lane import answers, callers
from videos.lane.answers import Outcome, attempt
from videos.lane.asked import Asked
from videos.lane.callers import Keys
from videos.requests import check_bounds
from videos.requests.files import PREFIX
from videos.tasks import admission, batch, idempotency, orders, representation
from videos.tasks.admission import Caller
from videos.tasks.batch import Created, create_many
from videos.tasks.idempotency import Fingerprint
from videos.tasks.orders import Order

LEFT_ALONE = timedelta(seconds=1)
"""How long a tenant stays out of the lane that could not be written because of it."""
_OF_FILES = PREFIX.encode()
_LOCKED = (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected)


class Creates:
    """Serves `POST /v1/videos` and its equivalents."""

    def __init__(self) -> None:
        self._keys = Keys()
        self._left_alone: dict[UUID, datetime] = {}
        """Tenants that stay out of the lane, and until when."""

    def serve(self, asked: Sequence[Asked]) -> list[Outcome]:
        """The responses; None for requests that the view is to serve.

        Raises `OperationalError` or `InterfaceError` if the connection is lost; whether the tasks were
        created may then be unknown.
        """
        now = timezone.now()
        idempotency_keys = [idempotency.key_from_headers(one.headers) for one in asked]
        found = callers.find(asked, now, admission.snapshot_lookup(now, idempotency_keys), self._keys)
        ordered = self._orders(asked, found, now)
        created = dict(zip(ordered, self._create([*ordered.values()], now), strict=True))
        return [_answer(one, created.get(nth), now) for nth, one in enumerate(asked)]

    def _orders(
        self, asked: Sequence[Asked], found: Sequence[Found | None], now: datetime
    ) -> dict[int, Order]:
        """The orders of the requests that can be served, by their place in the batch."""
        begun = {
            nth: (*wish, one)
            for nth, one in enumerate(found)
            if one and self._is_served(one.key, now) and (wish := attempt(_wish, asked[nth], one.key, now))
        }
        seen = admission.seen([(caller, one.beside) for caller, _, one in begun.values()])
        ordered = {
            nth: attempt(_order, caller, body)
            for (nth, (_, body, _)), caller in zip(begun.items(), seen, strict=True)
        }
        return {nth: order for nth, order in ordered.items() if order}

    def _create(self, ordered: Sequence[Order], now: datetime) -> Sequence[batch.Outcome | None]:
        try:
            return create_many(ordered)
        except DatabaseError as error:
            _check_undone(error)
            if not isinstance(error.__cause__, _LOCKED):  # perhaps because of a single request
                answers.left_to_the_view(error)
                return [None] * len(ordered)
        return self._create_unlocked(ordered, now)

    def _create_unlocked(self, ordered: Sequence[Order], now: datetime) -> Sequence[batch.Outcome | None]:
        """Create the tasks of tenants whose totals nobody has locked; keep the others out for a while."""
        try:
            outcomes = create_many(ordered, waits=False)
        except DatabaseError as error:  # something else is locked
            _check_undone(error)
            return [None] * len(ordered)
        self._left_alone = {tenant: until for tenant, until in self._left_alone.items() if until > now}
        for order, outcome in zip(ordered, outcomes, strict=True):
            if outcome is None:
                self._left_alone[order.checked.caller.key.tenant_id] = timezone.now() + LEFT_ALONE
        return outcomes

    def _is_served(self, key: APIKey, now: datetime) -> bool:
        if throttles.take(key):
            return False
        throttles.forgive(key)  # a create is not counted, and the view counts by itself
        until = self._left_alone.get(key.tenant_id)
        return until is None or until <= now


def _check_undone(error: DatabaseError) -> None:
    """Raise the error unless the server reported that the statement failed, so that nothing is written."""
    if prepared.is_lost(error):
        raise error


def _wish(asked: Asked, key: APIKey, now: datetime) -> tuple[Caller, Mapping[str, Any]] | None:
    """Who asks for a task, and the body; raises the errors that refuse a malformed request.

    None for a body that may name uploaded files, as they have to be locked.
    """
    if _OF_FILES in asked.body:
        return None
    body = parse_object(asked.body)
    check_bounds(body)  # before any other use
    return Caller.of(key, now, Fingerprint.of(asked.headers, body)), body


def _order(caller: Caller, body: Mapping[str, Any]) -> Order | None:
    """The order; None for a repeated request, or one whose files have to be locked or looked at.

    Raises the errors of `orders.check` and `orders.order`.
    """
    snapshot = admission.snapshot_in(caller)
    if snapshot.earlier.asked is not None or snapshot.earlier.only_twin() is not None:
        return None
    order = orders.order_for(body, caller, snapshot)
    request = order.checked.request
    return None if request.files or inputs.is_due(request) else order


def _answer(asked: Asked, created: batch.Outcome | None, now: datetime) -> Outcome:
    if not isinstance(created, Created):
        return None
    try:
        body = encode(representation.video(created.task, asked.origin, now, created.place))
        return answers.ok(asked, body, rate_limits.headers(created.allowance, now))
    except Exception as error:  # the task exists: the view must not create another
        return error
