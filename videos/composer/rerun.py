"""Fills in the form from a task: "Edit and rerun"."""

from typing import Any

from videos.models import Task, TaskEvent
from videos.states import Verb


def body_again(task: Task) -> dict[str, Any]:
    """The body that asks for the task's video again; the model alone if the request was removed.

    The most that the video may cost is no part of the stored request: it is in the event of its
    creation, with the body as it was sent.
    """
    if not task.request:
        return {"model": task.model}
    created = TaskEvent.objects.filter(task=task, verb=Verb.CREATE)
    most = created.values_list("detail__sent__max_cost", flat=True).first()
    return dict(task.request) | ({} if most is None else {"max_cost": most})
