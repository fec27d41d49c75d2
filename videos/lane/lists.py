"""Lists: the keys of all that wait in one statement, then their pages."""

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
from videos.api.videos import page_body
from videos.lane import answers, callers
from videos.lane.answers import Outcome, attempt
from videos.lane.asked import Asked
from videos.lane.callers import Keys
from videos.tasks import page
from videos.tasks.page import Page, PageRequest


class Lists:
    """Serves `GET /v1/videos`."""

    def __init__(self) -> None:
        self._keys = Keys()

    def serve(self, batch: Sequence[Asked]) -> list[Outcome]:
        """The responses; None for requests that the view is to serve."""
        now = timezone.now()
        keys = [found and found.key for found in callers.find(batch, now, KEY_ALONE, self._keys)]
        wanted = {
            nth: (key.tenant_id, page_request)
            for nth, key in enumerate(keys)
            if key and (page_request := attempt(_page_request, batch[nth]))
        }
        pages = dict(zip(wanted, page.read_many([*wanted.values()], now), strict=True))
        outcomes: list[Outcome] = [None] * len(batch)
        for nth, found in pages.items():
            key = keys[nth]
            if key and found:
                outcomes[nth] = attempt(_answer, batch[nth], key, found, now)
        return outcomes


def _page_request(asked: Asked) -> PageRequest:
    return page_asked_for(Parameters(QueryDict(asked.query)))


def _answer(asked: Asked, key: APIKey, found: Page, now: datetime) -> Answer | None:
    answer = answers.ok(asked, page_body(found, asked.origin, now), {})
    return None if throttles.take(key) else answer
