"""How Granian is started: with bounds on what a connection may cost before a request has come over it.

What is no HTTP, an address of more than 65,534 bytes and more than a hundred header fields are refused by
its parser (hyper), with 400, 414 or 431 and no body, before any application is told. Granian has no setting
for the number of fields and no hook for those answers; `edge.head` refuses all that is smaller, in the
envelope.
"""

from collections.abc import Sequence

APPLICATION = "config.asgi:application"
HTTP_1 = ("--http", "1")
HTTP_2 = ("--http", "auto", "--http2-max-headers-size", "65536", "--http2-max-concurrent-streams", "32")
OPTIONS = (
    *("--interface", "asginl", "--no-ws"),
    # Milliseconds for a head to arrive, or for a connection to stay idle.
    *("--http1-header-read-timeout", "15000"),
    # Bytes of a head that are kept until it is whole.
    *("--http1-buffer-size", "65536"),
    # Connections waiting to be taken, and taken; `CONNECTIONS_PER_ADDRESS` of one address.
    *("--backlog", "4096", "--backpressure", "8192"),
)


def command(host: str, port: int, *more: str, http_2: bool = False) -> Sequence[str]:
    """The arguments of Python that start a web process there."""
    version = HTTP_2 if http_2 else HTTP_1
    return ["-m", "granian", *OPTIONS, *version, "--host", host, "--port", str(port), *more, APPLICATION]
