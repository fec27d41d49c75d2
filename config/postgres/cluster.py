"""The cluster, which is the server's data: creating it, and cleaning up after a killed server."""

import os
import shutil
import signal
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from config.postgres.accounts import SystemUser, ran
from config.postgres.place import NAME, ServerFiles

_SURVIVAL_SECONDS = 2.0
_POLL_SECONDS = 0.005


def make_cluster(place: ServerFiles, binaries: Path, account: SystemUser) -> None:
    """Create cluster and database under a temporary name, so that an incomplete one is never used."""
    for half_made in place.root.glob("new-*"):
        shutil.rmtree(half_made, ignore_errors=True)
    new = Path(tempfile.mkdtemp(prefix="new-", dir=place.root))
    os.chown(new, account.uid, account.gid)
    # Sorting and ILIKE use the built-in locale; lc-ctype is for the rest, and not every system has C.UTF-8.
    if not (_init(new, binaries, account, "C.UTF-8") or _init(new, binaries, account, "C")):
        raise SystemExit("initdb failed.")
    _create_database(new, binaries, account)
    new.rename(place.cluster)


def _init(cluster: Path, binaries: Path, account: SystemUser, ctype: str) -> bool:
    locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", f"--lc-ctype={ctype}"]
    command = [str(binaries / "initdb"), "-D", str(cluster), "--encoding=UTF8", *locale]
    return ran(account, [*command, "-N", "-U", NAME, "--auth=trust", "--no-instructions"])


def _create_database(cluster: Path, binaries: Path, account: SystemUser) -> None:
    single_user = [str(binaries / "postgres"), "--single", "-D", str(cluster)]
    command = [*single_user, "-c", "exit_on_error=on", "-c", "fsync=off", "postgres"]
    if not ran(account, command, stdin=f"CREATE DATABASE {NAME}\n"):
        raise SystemExit(f"The database {NAME} could not be created.")


def clear_remnants(place: ServerFiles) -> None:
    """Remove a killed server's files: PostgreSQL would not start if another process has its old pid."""
    if sys.platform == "linux" and place.pid_file.exists():
        _end_survivors(place.cluster)
        place.pid_file.unlink(missing_ok=True)
    for remnant in place.sockets.iterdir():
        remnant.unlink()


def _end_survivors(cluster: Path) -> None:
    """End a server whose keeper is gone: by SIGQUIT, after `_SURVIVAL_SECONDS` by SIGKILL."""
    deadline = time.monotonic() + _SURVIVAL_SECONDS
    _signal(_server_processes(cluster), signal.SIGQUIT)
    while survivors := _server_processes(cluster):
        if time.monotonic() > deadline:
            _signal(survivors, signal.SIGKILL)
        time.sleep(_POLL_SECONDS)


def _signal(processes: list[int], number: signal.Signals) -> None:
    for process in processes:
        with suppress(ProcessLookupError):
            os.kill(process, number)


def _server_processes(cluster: Path) -> list[int]:
    return [int(entry.name) for entry in Path("/proc").glob("[0-9]*") if _serves(entry, cluster)]


def _serves(process: Path, cluster: Path) -> bool:
    """Whether it is a PostgreSQL process of this cluster, which is its working directory."""
    try:
        return (process / "cwd").readlink() == cluster and (process / "comm").read_text() == "postgres\n"
    except OSError:
        return False
