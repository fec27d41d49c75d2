"""What upstream is sent for a task: built from its request and destination at submission, not before."""

from videos.models import Task
from videos.products import Product
from videos.requests import parse
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


def session_of(task: Task, attempt: int) -> str:
    """Names one attempt to submit the task; upstream refuses the second submission of one name.

    Each attempt has its own, as it begins only if upstream surely does not work on the one before.
    """
    return task.public_id if attempt <= 1 else f"{task.public_id}-{attempt}"
