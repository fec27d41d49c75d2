"""Check: a signed call that costs nothing tells whether an account's connection works."""

from collections.abc import Callable
from datetime import datetime

from videos.queueing import enqueue_submit
from videos.routing import health
from videos.routing.clients import client_for, with_secrets
from videos.upstream.base import UpstreamError
from videos.worker.threads import in_database


async def check(account_id: int, clock: Callable[[], datetime]) -> None:
    """Check the account's connection, and note the result for staff and for the breaker."""
    error = await _error_of(account_id)
    await in_database(_record, account_id, error, clock())


async def _error_of(account_id: int) -> UpstreamError | None:
    try:
        client = await client_for(await in_database(with_secrets, account_id))
        await client.check()
    except UpstreamError as error:
        return error
    return None


def _record(account_id: int, error: UpstreamError | None, now: datetime) -> None:
    if health.record_check(account_id, error, now):
        enqueue_submit()
