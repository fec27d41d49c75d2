"""`serve` and `demo` as real processes."""

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
from typing import Any

import psutil
import pytest

from tests.support.worker_process import TOO_LONG, wait_until
from videos.local.processes import free_port

ROOT = Path(__file__).resolve().parents[2]


def _environment(data: Path) -> dict[str, str]:
    return {**os.environ, "DATA_DIR": str(data), "PYTHONUNBUFFERED": "1"}


@contextmanager
def _serving(
    data: Path, *options: str, host: str = "127.0.0.1"
) -> Iterator[tuple["subprocess.Popen[bytes]", str]]:
    port = free_port(0)
    process = subprocess.Popen(
        [sys.executable, "manage.py", "serve", "--host", host, "--port", str(port), *options],
        cwd=ROOT,
        env=_environment(data),
        stdout=subprocess.DEVNULL,
    )
    url = f"http://{host}:{port}"
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
    """The processes that use this data folder."""
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


REAL_ACCOUNT = """
from videos.models import UpstreamAccount
UpstreamAccount.objects.create(name="real", endpoint="http://127.0.0.1:9", secret_id="i", secret_key="k")
"""
ENABLED = """
from videos.models import UpstreamAccount
print(*UpstreamAccount.objects.filter(is_enabled=True).values_list("name", flat=True))
"""


@pytest.mark.processes
def test_serve_works_leaves_no_process_behind_and_prefers_a_real_account(tmp_path: Path) -> None:
    """In every way it can end, with a new data folder and an existing one."""
    data = tmp_path / "data"
    with _serving(data, "--canned") as (process, url):
        assert _status(f"{url}/readyz") == 200
        key = json.loads(_manage(data, "createtenant", "Alice"))["key"]
        assert all(model["capabilities"]["price"] for model in _models(url, key))
        assert _has_sandbox(process.pid, "--canned")
        _end(process, signal.SIGINT, data)
    with _serving(data) as (process, url):
        assert _models(url, key)
        _kill_postgres(data)
        wait_until("the database to be back", lambda: _status(f"{url}/readyz") == 200)
        invited = json.loads(_manage(data, "createtenant", "Bob", "--owner", "bob@people.example"))
        assert invited["invitation"].startswith(f"{url}/")
        _manage(data, "shell", "-v0", "-c", REAL_ACCOUNT)
        _end(process, signal.SIGKILL, data)
    with _serving(data, host="127.0.0.2") as (process, url):
        assert _models(url, key)
        assert not _has_sandbox(process.pid)
        assert _manage(data, "shell", "-v0", "-c", ENABLED).split() == ["real"]
        _end(process, signal.SIGTERM, data)


def _kill_postgres(data: Path) -> None:
    number = int((data / "postgres" / "cluster" / "postmaster.pid").read_text().splitlines()[0])
    postmaster = psutil.Process(number)
    postmaster.kill()
    wait_until("the end of the server", lambda: not postmaster.is_running())


def _models(url: str, key: str) -> Any:
    request = urllib.request.Request(f"{url}/v1/models", headers={"Authorization": f"Bearer {key}"})
    with urllib.request.urlopen(request, timeout=TOO_LONG) as answer:
        return json.load(answer)["data"]


def _has_sandbox(process_id: int, *options: str) -> bool:
    children = psutil.Process(process_id).children(recursive=True)
    return any({"videos.sandbox", *options} <= {*child.cmdline()} for child in children)


def _end(process: "subprocess.Popen[bytes]", number: int, data: Path) -> None:
    process.send_signal(number)
    process.wait(timeout=TOO_LONG)
    wait_until("the end of all processes", lambda: not _using(data))
