"""What upstream is sent for a claimed task."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from videos.models import Task, UpstreamAccount
from videos.products import Product
from videos.tasks import submission
from videos.worker.threads import in_database


async def payload_of(task: Task, account: UpstreamAccount, now: datetime) -> Mapping[str, Any]:
    """The stored payload; links to files, which it names by their ids, are made now and never stored."""
    stored: Mapping[str, Any] = task.payload
    if not submission.names_files(task):
        return stored
    return await in_database(submission.with_links, task, Product(account.product), now)
