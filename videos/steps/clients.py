"""The open connections of this process to the accounts upstream."""

from django.conf import settings

from videos.models import UpstreamAccount
from videos.upstream import connect
from videos.upstream.base import Upstream

_open: dict[tuple[str, str, str], Upstream] = {}


def client_for(account: UpstreamAccount) -> Upstream:
    """The client for the account as it is now; changed credentials get a new one."""
    identity = (account.endpoint, account.secret_id, account.secret_key)
    if identity not in _open:
        _open[identity] = connect(
            *identity,
            create_timeout=settings.UPSTREAM_CREATE_TIMEOUT,
            describe_timeout=settings.UPSTREAM_DESCRIBE_TIMEOUT,
        )
    return _open[identity]


async def close_all() -> None:
    """Close every client."""
    while _open:
        _, client = _open.popitem()
        await client.aclose()
