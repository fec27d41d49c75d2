"""Where the local gateway listens: checks of `--host` and `--port`, and notes for the user."""

import socket
from argparse import ArgumentParser
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address

from django.conf import settings
from django.core.management.base import CommandError

from config.networks import is_loopback
from videos.local.processes import ProcessError, bound_port, free_port

LOOPBACK, PORT = "127.0.0.1", "8000"
_MAX_PORT = 65_535


@dataclass(frozen=True)
class Listening:
    """The IP address and port to listen on, and those that were requested."""

    host: str
    port: int
    wanted_host: str
    wanted_port: int

    @property
    def url(self) -> str:
        """The base URL on this machine."""
        address = ip_address(self.host)
        if address.is_unspecified:
            return f"http://{LOOPBACK if address.version == 4 else '[::1]'}:{self.port}"
        return f"http://{_in_url(self.host)}:{self.port}"

    @property
    def allowed_hosts(self) -> list[str]:
        """Accepted host names: any, if it listens on all addresses and the settings name only loopback."""
        if not ip_address(self.host).is_unspecified:
            return [*dict.fromkeys([*settings.ALLOWED_HOSTS, _in_url(self.host), _in_url(self.wanted_host)])]
        has_public_name = not all(map(is_loopback, settings.ALLOWED_HOSTS))
        return settings.ALLOWED_HOSTS if has_public_name else ["*"]

    @property
    def notes(self) -> Iterator[str]:
        """Differences from what was requested, and warnings."""
        if self.wanted_port not in (0, self.port):
            reason = _why_unavailable(self.host, self.wanted_port)
            yield f"Port {self.wanted_port} {reason}, so this is port {self.port}; PORT= names another."
        if not ip_address(self.host).is_loopback:
            names = ", ".join(self.allowed_hosts).replace("*", "any")
            yield (
                f"HOST={self.wanted_host} is plain HTTP that anybody in the network can reach, with keys and"
                " passwords unencrypted: for networks you trust."
                f" Host names it answers to (ALLOWED_HOSTS): {names}."
            )


def add_arguments(parser: ArgumentParser) -> None:
    """Add `--host` and `--port` to a command."""
    parser.add_argument(
        "--host", default=LOOPBACK, help="address to listen on, such as 0.0.0.0 for all (%(default)s)"
    )
    # A string, so that `choose` can explain an invalid port.
    parser.add_argument("--port", default=PORT, help="port to listen on (%(default)s)")


def choose(host: str, port: str | int) -> Listening:
    """Where to listen: at another port if that one is unavailable. Raises `CommandError`."""
    wanted = _port(str(port))
    address = _address(host)
    try:
        chosen = free_port(wanted, address)
    except ProcessError as error:
        raise CommandError(f"PORT is {port!r}: {error}.") from error
    return Listening(address, chosen, host, wanted)


def _port(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text) <= _MAX_PORT):
        raise CommandError(
            f"PORT is {text!r}: a whole number from 1 to {_MAX_PORT} is allowed, or 0 for a free one."
        )
    return int(text)


def _address(host: str) -> str:
    try:
        bound_port(host, 0)
        return str(socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM)[0][4][0])
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise CommandError(
            f"HOST is {host!r}: an address of this machine is allowed, such as 127.0.0.1, or 0.0.0.0 for all"
            f" of them; {reason}."
        ) from error


def _why_unavailable(host: str, port: int) -> str:
    try:
        bound_port(host, port)
    except PermissionError:
        return "needs more rights than you have"
    except OSError:
        return "is taken"
    return "was taken"


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host
