"""What a task is submitted with: made from its request and its destination when it is, not before."""

from typing import Any

from videos.models import Task
from videos.requests import parse
from videos.upstream import translate


def payload_of(task: Task) -> dict[str, Any]:
    """What upstream is sent. Raises `InvalidRequestError` where the rules have changed since it was made."""
    return translate(parse(task.request), task.destination).payload
