"""How Granian is started, with limits on what a connection may cost before its first request.

Its parser (hyper) refuses invalid HTTP, a URL of more than 65,534 bytes and more than 100 header fields with
400, 414 or 431 and no body, before the application runs. Granian has no setting for the number of fields and
no hook for those responses; `edge.head` has lower limits and refuses with the error envelope.
"""

from collections.abc import Sequence

APPLICATION = "config.asgi:application"
HTTP_1 = ("--http", "1")
HTTP_2 = ("--http", "auto", "--http2-max-headers-size", "65536", "--http2-max-concurrent-streams", "32")
OPTIONS = (
    *("--interface", "asginl", "--no-ws"),
    # Milliseconds for a head to arrive, or for a connection to stay idle.
    *("--http1-header-read-timeout", "15000"),
    # Bytes of an incomplete head that are buffered.
    *("--http1-buffer-size", "65536"),
    # Connections waiting to be accepted, and accepted; `CONNECTIONS_PER_ADDRESS` of one address.
    *("--backlog", "4096", "--backpressure", "8192"),
)


def command(host: str, port: int, *more: str, http_2: bool = False) -> Sequence[str]:
    """The arguments for Python that start a web process on that host and port."""
    version = HTTP_2 if http_2 else HTTP_1
    return ["-m", "granian", *OPTIONS, *version, "--host", host, "--port", str(port), *more, APPLICATION]
