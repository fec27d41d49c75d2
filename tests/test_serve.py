"""The commands that run everything, as processes."""

import fcntl
import json
import os
import shutil
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


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a migrated database, made once for all tests, to be copied."""
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "migrated"
    with (folder.parent / "migrated.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            begun = folder.with_suffix(".begun")
            with running(begun / "postgres"):
                _manage(begun, "migrate", "-v0")
            process_id = begun / "postgres" / "cluster" / "postmaster.pid"
            wait_until("the end of the server", lambda: not process_id.exists())
            begun.rename(folder)
    return folder


@pytest.fixture
def data(migrated: Path, tmp_path: Path) -> Path:
    """A data folder of the test's own, with a migrated database."""
    sockets = shutil.ignore_patterns(".s.PGSQL.*")
    return Path(shutil.copytree(migrated, tmp_path / "data", ignore=sockets))


@pytest.mark.processes
def test_the_sandbox_of_earlier_gets_no_task_once_a_real_account_is_set_up(data: Path) -> None:
    with running(data / "postgres"):  # held, so that the commands find the server up
        _manage(data, "shell", "-v0", "-c", ACCOUNTS)
        with _serving(data) as (process, _):
            assert _manage(data, "shell", "-v0", "-c", ENABLED).split() == ["real"]
            children = psutil.Process(process.pid).children(recursive=True)
            assert not any("videos.sandbox" in child.cmdline() for child in children)


@pytest.mark.processes
@pytest.mark.parametrize(
    ("number", "is_new"), [(signal.SIGINT, True), (signal.SIGTERM, False), (signal.SIGKILL, False)]
)
def test_serve_serves_and_leaves_no_process_behind(
    number: int, is_new: bool, data: Path, tmp_path: Path
) -> None:
    data = tmp_path / "new" if is_new else data
    with _serving(data) as (process, url):
        assert _status(f"{url}/readyz") == 200
        key = json.loads(_manage(data, "createtenant", "Alice"))["key"]
        request = urllib.request.Request(f"{url}/v1/models", headers={"Authorization": f"Bearer {key}"})
        with urllib.request.urlopen(request, timeout=TOO_LONG) as answer:
            assert json.load(answer)["data"]
        process.send_signal(number)
        process.wait(timeout=TOO_LONG)
    wait_until("the end of all processes", lambda: not _using(data))
