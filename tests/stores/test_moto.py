"""The contract of stores against a server of S3 that others wrote: `MOTO=1 pytest tests/stores/test_moto.py`.

It needs `moto_server` on the path, which the extra `moto` installs.
"""

import os
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from uuid import uuid4

import pytest

from config import stores
from config.stores.base import Store
from tests.stores.test_contract import *  # noqa: F403 - every test of the contract
from tests.support.s3_server import BUCKET
from tests.support.worker_process import wait_until
from videos.local.processes import free_port

if "MOTO" not in os.environ:
    pytest.skip("MOTO is not set: it asks for a run against moto", allow_module_level=True)


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    """The address of a running moto."""
    command, port = shutil.which("moto_server"), free_port(0)
    assert command, "moto_server is not on the path: install the extra moto"
    address = f"http://127.0.0.1:{port}"
    output = subprocess.DEVNULL
    with subprocess.Popen(
        [command, "-H", "127.0.0.1", "-p", str(port)], stdout=output, stderr=output
    ) as server:
        wait_until("moto", lambda: _answers(address))
        yield address
        server.terminate()


@pytest.fixture
def store(moto: str) -> Store:
    """A new place in its bucket."""
    urllib.request.urlopen(urllib.request.Request(f"{moto}/{BUCKET}", method="PUT"), timeout=10).close()
    url = f"s3://{BUCKET}/kept/here/{uuid4()}?endpoint={moto}&addressing=path"
    return stores.open_store(url, stores.Credentials("any", "any"))


def _answers(address: str) -> bool | None:
    try:
        urllib.request.urlopen(address, timeout=5).close()
    except urllib.error.URLError:
        return None
    return True
