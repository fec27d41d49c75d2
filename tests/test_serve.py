"""The commands that run everything, as processes."""

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from config.postgres import running
from config.processes import free_port
from tests.worker_process import TOO_LONG, wait_until

ROOT = Path(__file__).resolve().parent.parent


def _environment(data: Path) -> dict[str, str]:
    return {**os.environ, "DATA_DIR": str(data), "PYTHONUNBUFFERED": "1"}


@contextmanager
def _serving(data: Path) -> Iterator[tuple["subprocess.Popen[bytes]", str]]:
    port = free_port(0)
    process = subprocess.Popen(
        [sys.executable, "manage.py", "serve", "--port", str(port)],
        cwd=ROOT,
        env=_environment(data),
        stdout=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until("an answer", lambda: _status(f"{url}/healthz") == 200)
        yield process, url
    finally:
        process.kill()
        process.wait()


def _status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=TOO_LONG) as answer:
            return int(answer.status)
    except (urllib.error.URLError, OSError):
        return 0


def _using(data: Path) -> list[str]:
    """The processes that run for this data folder."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("DATA_DIR") == str(data) or str(data) in " ".join(process.cmdline()):
                found.append(process.name())
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            continue
    return found


def _manage(data: Path, *arguments: str) -> str:
    command = [sys.executable, "manage.py", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=_environment(data), capture_output=True, check=True)
    return done.stdout.decode()


ACCOUNTS = """
from videos.models import UpstreamAccount
for name in ("sandbox", "real"):
    UpstreamAccount.objects.create(name=name, endpoint="http://127.0.0.1:9", secret_id="i", secret_key="k")
"""
ENABLED = """
from videos.models import UpstreamAccount
print(*UpstreamAccount.objects.filter(is_enabled=True).values_list("name", flat=True))
"""


@pytest.mark.processes
def test_the_sandbox_of_earlier_gets_no_task_once_a_real_account_is_set_up(tmp_path: Path) -> None:
    with running(tmp_path / "postgres"):  # held, so that the commands find the server up
        _manage(tmp_path, "migrate", "-v0")
        _manage(tmp_path, "shell", "-v0", "-c", ACCOUNTS)
        with _serving(tmp_path) as (process, _):
            assert _manage(tmp_path, "shell", "-v0", "-c", ENABLED).split() == ["real"]
            children = psutil.Process(process.pid).children(recursive=True)
            assert not any("videos.sandbox" in child.cmdline() for child in children)


@pytest.mark.processes
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_serve_serves_and_leaves_no_process_behind(tmp_path: Path, number: int) -> None:
    with _serving(tmp_path) as (process, url):
        assert _status(f"{url}/readyz") == 200
        key = json.loads(_manage(tmp_path, "createtenant", "Alice"))["key"]
        request = urllib.request.Request(f"{url}/v1/models", headers={"Authorization": f"Bearer {key}"})
        with urllib.request.urlopen(request, timeout=TOO_LONG) as answer:
            assert json.load(answer)["data"]
        process.send_signal(number)
        process.wait(timeout=TOO_LONG)
    wait_until("the end of all processes", lambda: not _using(tmp_path))
