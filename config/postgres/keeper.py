"""The keeper process. Its output, including every SystemExit message, goes to the server's log."""

import fcntl
import os
import signal
import subprocess
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO

from config.locks import opened
from config.postgres.accounts import account_for, spawn, take_possession
from config.postgres.cluster import clear_remnants, make_cluster
from config.postgres.place import PORT, ServerFiles

_STOP_SECONDS = 10.0

_SERVER_OPTIONS = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "max_parallel_workers_per_gather": "0",  # they need more of /dev/shm than the 64 MB a container has
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
}


def main(root: str, binaries: str, lock: str, *settings: str) -> None:
    """Detach from the process that started us, and become the keeper."""
    if os.fork():
        os._exit(0)
    os.umask(0o077)
    os.set_inheritable(int(lock), False)  # noqa: FBT003 - takes it by position only
    options = dict(setting.split("=", 1) for setting in settings)
    _keep(ServerFiles(Path(root)), Path(binaries), options, os.fdopen(int(lock), "r+"))


def _keep(place: ServerFiles, binaries: Path, options: Mapping[str, str], lock: IO[str]) -> None:
    """Start the server and wait until it has ended."""
    account = account_for(place, binaries)
    take_possession(place, account)
    if not place.cluster.exists():
        make_cluster(place, binaries, account)
    clear_remnants(place)
    server = spawn(account, _server_command(place, binaries, options))
    print(server.pid, end="", file=lock, flush=True)
    threading.Thread(target=_stop_when_unneeded, args=(place.holders, server), daemon=True).start()
    server.wait()
    with suppress(OSError):  # a killed server leaves its socket
        place.sockets.rmdir()


def _stop_when_unneeded(holders: Path, server: subprocess.Popen[bytes]) -> None:
    """Stop the server when the last holder is gone; new holders wait until it is down."""
    with opened(holders) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        server.send_signal(signal.SIGINT)  # "fast": sessions are ended, data is written
        try:
            server.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            server.send_signal(signal.SIGQUIT)  # "immediate": the next start recovers
            server.wait()


def _server_command(place: ServerFiles, binaries: Path, options: Mapping[str, str]) -> list[str]:
    settings = {"unix_socket_directories": str(place.sockets), **_SERVER_OPTIONS, **options}
    flags = [f"--{name}={value}" for name, value in settings.items()]
    return [str(binaries / "postgres"), "-D", str(place.cluster), *flags]
