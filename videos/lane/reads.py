"""Status reads: all that wait, in one statement."""

from collections.abc import Sequence
from datetime import datetime

from django.utils import timezone

from accounts.api import throttles
from accounts.api.lookup import Found, Wanted
from config.edge.answers import Answer
from config.envelope import encode
from videos.api.videos import ReadVideo, read_headers, read_task
from videos.lane import answers, callers
from videos.lane.answers import Outcome, attempt
from videos.lane.asked import Asked
from videos.lane.callers import Keys
from videos.models.task import parse_public_id
from videos.tasks import representation, sql


class Reads:
    """Serves `GET /v1/videos/{id}` and its equivalents."""

    def __init__(self) -> None:
        self._keys = Keys()

    def serve(self, batch: Sequence[Asked]) -> list[Outcome]:
        """The responses; None for requests that the view is to serve."""
        now, tasks = timezone.now(), [parse_public_id(asked.public_id) for asked in batch]
        found = callers.find(batch, now, Wanted(sql.READ, {}, {"task": tasks}), self._keys)
        read = [one and attempt(_answer, asked, one, now) for asked, one in zip(batch, found, strict=True)]
        return [
            answer if one and answer and not throttles.take(one.key) else None
            for one, answer in zip(found, read, strict=True)
        ]


def _answer(asked: Asked, found: Found, now: datetime) -> Answer:
    task, place = read_task(found.beside, now)
    video = representation.video(task, asked.origin, now, place)
    assert issubclass(asked.route.view, ReadVideo)  # noqa: S101 - for the type checker
    body = encode(asked.route.view.shaped(video))
    return answers.ok(asked, body, read_headers(task, body, asked.accept_encoding))
