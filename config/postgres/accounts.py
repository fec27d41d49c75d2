"""Whom the server runs as, and the processes of that account."""

import ctypes
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from config.postgres.place import ServerFiles

_NOBODY = 65534
_PR_SET_PDEATHSIG = 1  # from <sys/prctl.h>


@dataclass(frozen=True)
class SystemUser:
    """Whom the server can run as, which must not be root; `prefix` is the command that makes it so."""

    uid: int
    gid: int
    prefix: tuple[str, ...] = ()

    @property
    def is_another(self) -> bool:
        """Whether it is not our own, so that a process has to change to it."""
        return self.uid != os.geteuid()


def account_for(place: ServerFiles, binaries: Path) -> SystemUser:
    """Ourselves; for root, the first of the possible accounts that reaches both programs and data."""
    if os.geteuid() != 0:
        return SystemUser(os.geteuid(), os.getegid())
    for account in _accounts_for_root(place):
        if _reaches(account, place.root.parent, binaries):
            return account
    raise SystemExit(
        f"PostgreSQL does not run as root, and neither a user namespace nor the user {_NOBODY} can be used: "
        f"it would have to reach {place.root} and {binaries}."
    )


def _accounts_for_root(place: ServerFiles) -> Iterator[SystemUser]:
    with suppress(FileNotFoundError):
        owner = place.cluster.stat()
        if owner.st_uid != 0:
            yield SystemUser(owner.st_uid, owner.st_gid)
    # In a user namespace of its own the server takes itself for nobody, while its files stay root's.
    yield SystemUser(0, 0, ("unshare", "-U", f"--map-user={_NOBODY}", f"--map-group={_NOBODY}"))
    yield SystemUser(_NOBODY, _NOBODY)


def _reaches(account: SystemUser, folder: Path, binaries: Path) -> bool:
    test = 'test -x "$1" && cd "$2"'
    try:
        return ran(account, ["/bin/sh", "-c", test, "sh", str(binaries / "postgres"), str(folder)])
    except OSError:  # there is no `unshare`
        return False


def take_possession(place: ServerFiles, account: SystemUser) -> None:
    """Give the folders to the account; with user namespaces come or gone, another one may have had them."""
    _make_socket_folder(place.sockets, account)
    for folder in (place.root, place.cluster):
        if folder.exists() and folder.stat().st_uid != account.uid:
            _chown_tree(folder, account)


def _chown_tree(folder: Path, account: SystemUser) -> None:
    os.chown(folder, account.uid, account.gid)
    for path in folder.rglob("*"):
        os.chown(path, account.uid, account.gid, follow_symlinks=False)


def _make_socket_folder(folder: Path, account: SystemUser) -> None:
    """Make the folder, ours alone; where it lies in /tmp, another user may have been there before."""
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (os.geteuid(), account.uid):
        raise SystemExit(f"{folder}, the folder for the socket, belongs to someone else.")
    folder.chmod(0o700)
    os.chown(folder, account.uid, account.gid)


def ran(account: SystemUser, command: list[str], stdin: str = "") -> bool:
    """Run it to its end; whether it succeeded."""
    with spawn(account, command) as process:
        process.communicate(stdin.encode())
    return process.returncode == 0


def spawn(account: SystemUser, command: list[str]) -> subprocess.Popen[bytes]:
    """Start it; on Linux it does not outlive us."""
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
