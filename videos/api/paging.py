"""Pages of the tenant's videos: the query parameters, and the list object."""

from collections.abc import Sequence
from datetime import UTC, datetime

from config import proportion
from config.envelope import encode
from videos.api.parameters import Parameters
from videos.listing.order import STATUSES
from videos.models.task import parse_public_id
from videos.requests import InvalidRequestError, Violation
from videos.tasks.page import Page, PageRequest

DEFAULT_LIMIT, MOST = 20, 100
NEWEST_FIRST, OLDEST_FIRST = "desc", "asc"
UNKNOWN_TASK = "must be the id of one of your videos"


def page_asked_for(parameters: Parameters) -> PageRequest:
    """The page that the query string asks for. Raises `InvalidRequestError`.

    The filters are `status`, `model`, `created_after` (inclusive) and `created_before` (exclusive).
    """
    asked = PageRequest(
        after=parameters.read("after", parse_public_id, UNKNOWN_TASK),
        limit=parameters.number("limit", 1, MOST) or DEFAULT_LIMIT,
        newest_first=parameters.one_of("order", (OLDEST_FIRST, NEWEST_FIRST)) != OLDEST_FIRST,
        status=parameters.one_of("status", STATUSES),
        model=parameters.model(),
        made_from=_moment(parameters.second("created_after")),
        made_before=_moment(parameters.second("created_before")),
    )
    parameters.check()
    return asked


def unknown_cursor() -> InvalidRequestError:
    """The error of a page after a task that is not the tenant's."""
    return InvalidRequestError([Violation(f"after {UNKNOWN_TASK}", "after")])


def list_object(page: Page, videos: Sequence[bytes]) -> bytes:
    """OpenAI's list object, given the encoded videos; those that no longer fit follow on the next page."""
    fit = proportion.fitting(map(len, videos))
    ids = [task.public_id for task, _ in page.listed[:fit]]
    around = {
        "first_id": ids[0] if ids else None,
        "last_id": ids[-1] if ids else None,
        "has_more": page.has_more or fit < len(videos),
    }
    return b'{"object":"list","data":[' + b",".join(videos[:fit]) + b"]," + encode(around)[1:]


def _moment(second: int | None) -> datetime | None:
    return None if second is None else datetime.fromtimestamp(second, UTC)
