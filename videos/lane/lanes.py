"""The lanes: a thread for each kind of request that is hot."""

from collections.abc import Callable, Sequence

from django.conf import settings
from django.db import connection

from config import database
from config.edge.answers import Answer
from config.edge.application import API_SECONDS, LOST_AFTER_SECONDS
from config.edge.batches import Batches
from config.edge.head import Scope
from config.watchdog import Watchdog
from videos.lane.answers import Outcome
from videos.lane.asked import Asked, recognise
from videos.lane.creates import LOCK_MILLISECONDS, Creates
from videos.lane.lists import Lists
from videos.lane.reads import Reads
from videos.lane.routes import Kind

SHOWN = (b"x-reelay-lane", b"yes")
Serve = Callable[[Sequence[Asked]], Sequence[Outcome]]


class Lanes:
    """Serves requests that it recognises, in the threads of their kinds."""

    def __init__(self) -> None:
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
    return {Kind.CREATE: Creates().serve, Kind.READ: Reads().serve, Kind.LIST: Lists().serve}


def _batches(kind: Kind, serve: Serve) -> Batches[Asked, Answer | None]:
    watchdog = Watchdog(1, LOST_AFTER_SECONDS).start()
    return Batches(f"lane-{kind.value}", _renewing(serve), _begin, API_SECONDS, watchdog).start()


def _renewing(serve: Serve) -> Serve:
    """Closes the thread's database connection beforehand if it failed or is old, as Django does."""

    def renewed(asked: Sequence[Asked]) -> Sequence[Outcome]:
        connection.close_if_unusable_or_obsolete()
        return serve(asked)

    return renewed


def _begin() -> None:
    database.limit_lock_waits(LOCK_MILLISECONDS)
