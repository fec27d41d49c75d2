"""Processes of Reelay that start fast: forks of a process that has already imported everything.

Starting Python and Django takes most of a second of CPU, and the tests start about a hundred workers and web
processes. Each fork runs the real command; only the imports are shared.

Run as `python -m tests.support.fork_server SOCKET`, this is the forking process, which ends when its standard
input does. Each fork has its own parent, which reports its exit code to the test and ends with it.
"""

import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from videos.local.processes import die_with_parent

PROJECT = Path(__file__).resolve().parents[2]
_REQUEST = 65_536
"""Most bytes of a request, which is one datagram."""
_IMPORTED = (
    *("config.edge.application", "config.urls", "granian.cli", "granian.server.mp", "videos.lane.lanes"),
    *("videos.management.commands.worker", "videos.worker.jobs"),
)
"""What web processes and workers import."""


class Forked:
    """A forked process with the part of `subprocess.Popen` the tests use."""

    def __init__(self, watcher: socket.socket) -> None:
        """The watcher sends the process id and later the exit code."""
        self._watcher = watcher
        self.pid = int(watcher.recv(64))
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""
        with suppress(subprocess.TimeoutExpired):
            return self.wait(0)
        return None

    def wait(self, timeout: float | None = None) -> int:
        """Returns the exit code. Raises `subprocess.TimeoutExpired`."""
        if self.returncode is None:
            readable, _, _ = select.select([self._watcher], [], [], timeout)
            if not readable:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
            # A killed watcher sends nothing; its process dies with it.
            self.returncode = int(self._watcher.recv(64) or -signal.SIGKILL)
            self._watcher.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def kill_group(self) -> None:
        """Kill the process and its children, even if it has ended itself."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)


class ForkServer:
    """The forking process."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._address = str(folder / "forks")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.fork_server", self._address],
            cwd=PROJECT,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"ready\n"

    def start(self, arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> Forked:
        """Run `python` with these arguments in a new process group, with its output in the log."""
        watcher = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        watcher.connect(self._address)
        request = {"arguments": list(arguments), "environment": dict(environment), "log": str(log)}
        watcher.send(json.dumps(request).encode())
        return Forked(watcher)

    def close(self) -> None:
        """End it and all its forks."""
        self._process.communicate()


@pytest.fixture(scope="session")
def fork_server(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForkServer]:
    """One per session; its forks use the test database."""
    from tests.support.worker_process import child_environment

    server = ForkServer(tmp_path_factory.mktemp("fork-server"), child_environment())
    try:
        yield server
    finally:
        server.close()


# In the forking process


def _serve(address: str) -> dict[str, Any]:
    """Fork for each request; returns only in the forked processes, with the request."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the watchers
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(address)
        listener.listen()
        print("ready", flush=True)  # noqa: T201
        while True:
            readable, _, _ = select.select([listener, sys.stdin], [], [])
            if sys.stdin in readable:
                sys.exit()
            asker, _ = listener.accept()
            with asker:
                if os.fork() == 0:
                    listener.close()
                    return _watched(asker)


def _watched(asker: socket.socket) -> dict[str, Any]:
    """Fork again and report the exit code of that process; returns the request in it."""
    die_with_parent(signal.SIGKILL)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    request: dict[str, Any] = json.loads(asker.recv(_REQUEST))
    process_id = os.fork()
    if process_id == 0:
        die_with_parent(signal.SIGKILL)
        return request
    os.setpgid(process_id, process_id)  # before the test can kill the group
    with suppress(OSError):  # if the test has ended
        asker.send(str(process_id).encode())
        _, status = os.waitpid(process_id, 0)
        asker.send(str(os.waitstatus_to_exitcode(status)).encode())
    os._exit(0)


def _run_python(arguments: Sequence[str], environment: Mapping[str, str], log: str) -> None:
    """Run what `python` would run with these arguments."""
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    for number, source in ((0, os.open(os.devnull, os.O_RDONLY)), (1, output), (2, output)):
        os.dup2(source, number)
    _read_settings_again(environment)
    if arguments[0] == "-m":
        sys.argv = list(arguments[1:])
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = list(arguments)
        runpy.run_path(arguments[0], run_name="__main__")


def _read_settings_again(environment: Mapping[str, str]) -> None:
    """Apply the settings that differ in this environment, and send `setting_changed` for them."""
    from django.conf import settings
    from django.test.signals import setting_changed

    os.environ.clear()
    os.environ.update(environment)
    module = importlib.reload(sys.modules["config.settings"])
    for name in filter(str.isupper, dir(module)):
        value = getattr(module, name)
        if value != getattr(settings, name):
            setattr(settings, name, value)
            setting_changed.send(sender=None, setting=name, value=value, enter=True)


def _import_everything() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    for name in _IMPORTED:
        importlib.import_module(name)
    gc.freeze()


if __name__ == "__main__":
    _import_everything()
    _run_python(**_serve(sys.argv[1]))
