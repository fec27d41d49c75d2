"""Lists: the keys of all that wait in one statement, then each page in its own."""

from collections.abc import Sequence
from datetime import datetime

from django.http import QueryDict
from django.utils import timezone

from accounts.api import throttles
from accounts.api.lookup import KEY_ALONE
from accounts.models import APIKey
from config.edge.answers import Answer
from videos.api.paging import page_asked_for
from videos.api.parameters import Parameters
from videos.api.videos import read_page
from videos.lane import answers, callers
from videos.lane.answers import Outcome, attempt
from videos.lane.asked import Asked
from videos.lane.callers import Keys


class Lists:
    """Serves `GET /v1/videos`."""

    def __init__(self) -> None:
        self._keys = Keys()

    def serve(self, batch: Sequence[Asked]) -> list[Outcome]:
        """The responses; None for requests that the view is to serve."""
        now = timezone.now()
        found = callers.find(batch, now, KEY_ALONE, self._keys)
        return [
            one and attempt(_answer, asked, one.key, now) for asked, one in zip(batch, found, strict=True)
        ]


def _answer(asked: Asked, key: APIKey, now: datetime) -> Answer | None:
    wanted = page_asked_for(Parameters(QueryDict(asked.query)))
    answer = answers.ok(asked, read_page(key.tenant_id, wanted, asked.origin, now), {})
    return None if throttles.take(key) else answer
