"""Whether the server of a place is up: the keeper's own, ready, and not frozen or dying."""

import socket
import struct
from pathlib import Path

from config.postgres.place import ServerFiles

_REPLY_SECONDS = 1.0
_SSL_REQUEST = struct.pack("!ii", 8, 80877103)  # the one message a server answers before it knows who asks


def answers(place: ServerFiles) -> bool:
    """Whether this keeper's server takes connections; an earlier one may have left its files, or be dying."""
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
    """Whether a server replies there; a connection alone can be had from one that is frozen or dying."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(_REPLY_SECONDS)
        try:
            client.connect(str(address))
            client.sendall(_SSL_REQUEST)
            return client.recv(1) == b"N"  # no, not on a socket like this
        except OSError:
            return False
