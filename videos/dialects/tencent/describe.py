"""DescribeAigcVideoTask: the status of a video."""

from typing import Any

from videos.dialects.tencent.call import Call
from videos.models import Task
from videos.models.task import REQUEST_COLUMNS
from videos.results.links import signed_link
from videos.states import public_status

STATUSES = {"queued": "WAIT", "in_progress": "RUN", "completed": "DONE", "failed": "FAIL"}
"""Tencent's words by those of the generic API."""
_DONE = "ok"


def describe(call: Call) -> dict[str, Any]:
    """The task's status, and its link once it is done. Raises `Task.DoesNotExist`."""
    visible = Task.objects.visible_to(call.key.tenant_id).defer(*REQUEST_COLUMNS)
    task = visible.by_public_id(call.payload["TaskId"])
    status = STATUSES[public_status(task.state, was_accepted=task.accepted_at is not None)]
    return {
        "Status": status,
        "VideoUrls": [signed_link(task, call.request, call.now)] if task.is_readable else [],
        "Resolution": task.frame_size,
        "Message": task.failure_message or (_DONE if status == STATUSES["completed"] else ""),
    }
