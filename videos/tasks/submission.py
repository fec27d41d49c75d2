"""The payload of a task: built from its request and destination at submission, not before."""

from typing import Any

from videos.models import Task
from videos.requests import parse
from videos.upstream import translate


def payload_of(task: Task) -> dict[str, Any]:
    """What upstream is sent. Raises `InvalidRequestError` if the rules changed since the task was created."""
    return translate(parse(task.request), task.destination).payload
