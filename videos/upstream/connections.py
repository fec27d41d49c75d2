"""Connections to upstream accounts. Web processes do not import this: the HTTP clients take 10 MiB."""

from videos.upstream.base import Upstream
from videos.upstream.tencent import mps
from videos.upstream.tencent.client import TencentClient
from videos.upstream.tencent.signing import Credential


def connect(
    endpoint: str, secret_id: str, secret_key: str, *, create_timeout: float, describe_timeout: float
) -> Upstream:
    """A client of one upstream account. Timeouts are in seconds; close it with `aclose`."""
    client = TencentClient(
        endpoint, Credential(secret_id, secret_key), service=mps.SERVICE, version=mps.VERSION
    )
    return mps.MpsUpstream(client, create_timeout=create_timeout, describe_timeout=describe_timeout)
