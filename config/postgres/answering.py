"""Checks whether the keeper's server is up: ready, and neither frozen nor dying."""

import socket
import struct
from pathlib import Path

from config.postgres.place import ServerFiles

_REPLY_SECONDS = 1.0
_SSL_REQUEST = struct.pack("!ii", 8, 80877103)  # the one message that is answered before authentication


def answers(place: ServerFiles) -> bool:
    """Whether this keeper's server takes connections; files of an earlier server do not count."""
    status = _lines(place.pid_file)
    return (
        len(status) > 7  # the last line written
        and status[7].strip() == "ready"
        and _lines(place.keeper) == [status[0]]
        and _replies(place.socket)
    )


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return []


def _replies(address: Path) -> bool:
    """Whether a server replies there; one that is frozen or dying may still accept a connection."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(_REPLY_SECONDS)
        try:
            client.connect(str(address))
            client.sendall(_SSL_REQUEST)
            return client.recv(1) == b"N"  # no TLS on a Unix socket
        except OSError:
            return False
