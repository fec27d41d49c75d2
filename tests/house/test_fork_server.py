"""Forked processes end when told to, with the right exit code."""

import signal
import subprocess
from pathlib import Path

import psutil
import pytest

from tests.support.fork_server import ForkServer
from tests.support.worker_process import TOO_LONG, child_environment, wait_until

pytestmark = pytest.mark.processes

WAITS = ["manage.py", "shell", "--no-imports", "-c", "import time; time.sleep(600)"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_group_can_be_ended_right_after_its_start(
    number: signal.Signals, fork_server: ForkServer, tmp_path: Path
) -> None:
    for _ in range(20):
        process = fork_server.start(WAITS, child_environment(), tmp_path / "log")
        if number is signal.SIGKILL:
            process.kill_group()
        else:
            process.send_signal(number)
        assert process.wait(TOO_LONG) == -number


def test_a_program_runs_to_its_end_with_its_own_settings(fork_server: ForkServer, tmp_path: Path) -> None:
    code = "import sys; from django.conf import settings; print('has', settings.WORKER_THREADS); sys.exit(3)"
    command = ["manage.py", "shell", "--no-imports", "-c", code]
    process = fork_server.start(command, child_environment(WORKER_THREADS="7"), tmp_path / "log")
    assert process.wait(TOO_LONG) == 3
    assert (tmp_path / "log").read_text().splitlines()[-1] == "has 7"


def test_a_running_process_has_no_exit_code(fork_server: ForkServer, tmp_path: Path) -> None:
    process = fork_server.start(WAITS, child_environment(), tmp_path / "log")
    assert process.poll() is None
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0)
    process.kill()
    assert process.wait(TOO_LONG) == process.poll() == -signal.SIGKILL


@pytest.mark.usefixtures("transactional_db")
def test_forked_processes_end_with_their_server(tmp_path: Path) -> None:
    server = ForkServer(tmp_path, child_environment())
    process = server.start(WAITS, child_environment(), tmp_path / "log")
    server.close()
    assert process.wait(TOO_LONG) == -signal.SIGKILL
    wait_until("its end", lambda: not psutil.pid_exists(process.pid))
