"""Asks upstream for a new link to a result, as links end before upstream forgets the result."""

from collections.abc import Callable
from datetime import datetime

import structlog

from videos.models import Task
from videos.routing import health, rate_limits
from videos.routing.clients import client_for, with_secrets
from videos.routing.rate_limits import UpstreamCall
from videos.tasks import lifecycle
from videos.upstream.base import UpstreamError
from videos.worker.pacing import PREPARATION, Gate, RateLimitSpent
from videos.worker.threads import in_database

log = structlog.get_logger(__name__)


async def renewed(task: Task, clock: Callable[[], datetime]) -> bool:
    """Ask once, within the account's rate limit; whether the task has another link now."""
    if task.account_id is None or not task.upstream_task_id:
        return False
    try:
        return await _asked(task, task.account_id, clock)
    except (UpstreamError, RateLimitSpent) as error:
        log.info("no new link to a result", task=task.public_id, error=type(error).__name__)
        return False


async def _asked(task: Task, account_id: int, clock: Callable[[], datetime]) -> bool:
    account = await in_database(with_secrets, account_id)
    if health.is_out(account.pk, clock()):
        return False
    client = await client_for(account)
    slots = await in_database(rate_limits.reserve, account, UpstreamCall.DESCRIBE, 1, lead=PREPARATION)
    if not slots:
        return False
    await Gate(account, UpstreamCall.DESCRIBE, slots[0]).opens()
    progress = await client.describe(task.upstream_task_id or "")
    if not progress.urls:
        return False
    return await in_database(lifecycle.new_link, task, progress.urls[0], clock())
