"""The documentation as a site, built once for all processes of a test run."""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from config.locks import opened

ROOT = Path(__file__).resolve().parents[2]
_MOST_SECONDS = 120


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the site, as `make site` builds it."""
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "documentation"
    with opened(folder.with_suffix(".lock")) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            _build(folder)
    return folder


def _build(folder: Path) -> None:
    unfinished = folder.with_suffix(".unfinished")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(unfinished)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=_MOST_SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr
    unfinished.rename(folder)
