"""Connections to upstream accounts. Web processes do not import this: the HTTP clients take 10 MiB."""

from collections.abc import Callable

import httpx

from videos.products import Product
from videos.upstream.base import Connection, Upstream
from videos.upstream.tencent import mps, vod
from videos.upstream.tencent.client import TencentClient

_CLIENTS: dict[Product, tuple[Callable[..., Upstream], str, str]] = {
    Product.MPS: (mps.MpsUpstream, mps.SERVICE, mps.VERSION),
    Product.VOD: (vod.VodUpstream, vod.SERVICE, vod.VERSION),
}


def connect(
    connection: Connection,
    *,
    create_timeout: float,
    describe_timeout: float,
    transport: httpx.AsyncBaseTransport | None = None,
) -> Upstream:
    """A client of one upstream account. Timeouts are in seconds; close it with `aclose`.

    Tests pass a `transport`. Raises `ValueError` for an invalid proxy.
    """
    upstream, service, version = _CLIENTS[connection.product]
    client = TencentClient(connection, service=service, version=version, transport=transport)
    return upstream(client, create_timeout=create_timeout, describe_timeout=describe_timeout)
