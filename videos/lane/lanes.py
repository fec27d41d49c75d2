"""The lanes: a thread for each kind of request that is hot."""

from collections.abc import Callable, Sequence
from functools import partial

from django.conf import settings
from django.db import OperationalError, connection

from config import database
from config.db import prepared
from config.edge.answers import Answer
from config.edge.application import API_SECONDS, LOST_AFTER_SECONDS
from config.edge.batches import Batches
from config.edge.head import Scope
from config.watchdog import Watchdog
from videos.lane import origin
from videos.lane.answers import Outcome, left_to_the_view
from videos.lane.asked import Asked, recognise
from videos.lane.creates import Creates
from videos.lane.lists import Lists
from videos.lane.reads import Reads
from videos.lane.routes import Kind

TIMEOUTS = {
    Kind.CREATE: {"lock_timeout": 40, "statement_timeout": 5_000},
    Kind.READ: {"statement_timeout": 1_000},
    Kind.LIST: {"statement_timeout": 1_000},
}
"""Milliseconds that a batch may wait for a lock, as on a tenant's totals, and that a statement may take.

What takes longer is left to the views, whose many threads it does not hold up.
"""
SHOWN = (b"x-reelay-lane", b"yes")
Serve = Callable[[Sequence[Asked]], Sequence[Outcome]]


class Lanes:
    """Serves requests that it recognises, in the threads of their kinds."""

    def __init__(self) -> None:
        origin.prepare()
        self._batches = {kind: _batches(kind, serve) for kind, serve in serving().items()}

    async def answer(self, scope: Scope, body: bytes, caller: bytes, seconds: float) -> Answer | None:
        """The response; None if Django is to serve the request.

        Raises `TimeoutError` after `seconds`, and the errors that the view is to answer.
        """
        asked = recognise(scope, body)
        batches = self._batches.get(asked.route.kind) if asked else None
        answer = await batches.run(caller, asked, seconds) if batches and asked else None
        if answer and settings.LANE_SHOWN:
            answer.headers.append(SHOWN)
        return answer


def serving() -> dict[Kind, Serve]:
    """What serves batches of each kind."""
    of_each: dict[Kind, Serve] = {
        Kind.CREATE: Creates().serve,
        Kind.READ: Reads().serve,
        Kind.LIST: Lists().serve,
    }
    return {kind: _renewing(serve) for kind, serve in of_each.items()}


def _batches(kind: Kind, serve: Serve) -> Batches[Asked, Answer | None]:
    watchdog = Watchdog(1, LOST_AFTER_SECONDS).start()
    begin = partial(database.limit_thread, **TIMEOUTS[kind])
    return Batches(f"lane-{kind.value}", serve, begin, API_SECONDS, watchdog).start()


def _renewing(serve: Serve) -> Serve:
    """Closes the thread's database connection beforehand if it failed or is old, as Django does.

    A batch that took too long is left to the views.
    """

    def renewed(asked: Sequence[Asked]) -> Sequence[Outcome]:
        if not connection.in_atomic_block:  # as in a test
            connection.close_if_unusable_or_obsolete()
        try:
            return serve(asked)
        except OperationalError as error:
            if prepared.is_lost(error):
                raise
            left_to_the_view(error)
            return [None] * len(asked)

    return renewed
