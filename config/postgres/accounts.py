"""The system account that the server runs as, and running commands as it."""

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
    """An account for the server, which must not be root; `prefix` is a command that switches to it."""

    uid: int
    gid: int
    prefix: tuple[str, ...] = ()

    @property
    def is_another(self) -> bool:
        """Whether it is not our own, so that a process has to switch to it."""
        return self.uid != os.geteuid()


def account_for(place: ServerFiles, binaries: Path) -> SystemUser:
    """Our own account; for root, the first candidate that can access both the programs and the data."""
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
    # In a user namespace the server runs as nobody, while its files stay root's.
    yield SystemUser(0, 0, ("unshare", "-U", f"--map-user={_NOBODY}", f"--map-group={_NOBODY}"))
    yield SystemUser(_NOBODY, _NOBODY)


def _reaches(account: SystemUser, folder: Path, binaries: Path) -> bool:
    test = 'test -x "$1" && cd "$2"'
    try:
        return ran(account, ["/bin/sh", "-c", test, "sh", str(binaries / "postgres"), str(folder)])
    except OSError:  # `unshare` is missing
        return False


def take_possession(place: ServerFiles, account: SystemUser) -> None:
    """Make the account the owner of the folders; an earlier server may have run as another one."""
    _make_socket_folder(place.sockets, account)
    for folder in (place.root, place.cluster):
        if folder.exists() and folder.stat().st_uid != account.uid:
            _chown_tree(folder, account)


def _chown_tree(folder: Path, account: SystemUser) -> None:
    os.chown(folder, account.uid, account.gid)
    for path in folder.rglob("*"):
        os.chown(path, account.uid, account.gid, follow_symlinks=False)


def _make_socket_folder(folder: Path, account: SystemUser) -> None:
    """Create the folder with mode 0700; in /tmp, another user may have created it before."""
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (os.geteuid(), account.uid):
        raise SystemExit(f"{folder}, the folder for the socket, belongs to someone else.")
    folder.chmod(0o700)
    os.chown(folder, account.uid, account.gid)


def ran(account: SystemUser, command: list[str], stdin: str = "") -> bool:
    """Run the command to its end; returns whether it succeeded."""
    with spawn(account, command) as process:
        process.communicate(stdin.encode())
    return process.returncode == 0


def spawn(account: SystemUser, command: list[str]) -> subprocess.Popen[bytes]:
    """Start the command; on Linux it ends when this process does."""
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
    """Our environment without the PG* variables, which would change the server's defaults."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return {**plain, "LC_ALL": "C"}


def _end_with_parent() -> Callable[[], None] | None:
    """A `preexec_fn` that lets the kernel stop the server ("fast") if the keeper is killed."""
    if sys.platform != "linux":
        return None
    prctl, keeper = ctypes.CDLL(None).prctl, os.getpid()

    def prepare() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGINT)
        if os.getppid() != keeper:  # the keeper was killed before the call took effect
            os._exit(1)

    return prepare
