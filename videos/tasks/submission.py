"""What upstream is sent for a task: built from its request and destination at submission, not before."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from videos.files.links import signed_link
from videos.models import Task
from videos.products import Product
from videos.requests import parse
from videos.requests.files import PREFIX, parse_file_id
from videos.routing.offers import Offers
from videos.tasks.turns import queue_of
from videos.upstream import Translation, translate
from videos.upstream.base import Submission


def translated(task: Task, product: Product | None = None, attempt: int | None = None) -> Translation:
    """The task in a product's format; by default the one that would make it now, with its last attempt.

    Raises `InvalidRequestError` if the rules changed since the task was created.
    """
    product = product or Offers.current().product_for(queue_of(task))
    session = session_of(task, task.attempts if attempt is None else attempt)
    return translate(parse(task.request), product, Submission(task.destination, session))


def names_files(task: Task) -> bool:
    """Whether its request may name uploaded files, so that its payload is not what upstream is to be sent."""
    return PREFIX in str(task.request)


def with_links(task: Task, product: Product, now: datetime) -> Mapping[str, Any]:
    """The payload for this attempt with a link in place of each id of a file. It must not be stored."""
    request = parse(task.request)
    keys = {file_id: parse_file_id(file_id) for file_id in request.files}
    links = {file_id: signed_link(task.tenant_id, key, now) for file_id, key in keys.items() if key}
    submission = Submission(task.destination, session_of(task, task.attempts))
    return translate(request.with_links(links), product, submission).payload


def session_of(task: Task, attempt: int) -> str:
    """Names one attempt to submit the task; upstream refuses the second submission of one name.

    Each attempt has its own, as it begins only if upstream surely does not work on the one before.
    """
    return task.public_id if attempt <= 1 else f"{task.public_id}-{attempt}"
