"""What buckets need of a process: little memory, and no fork between two calls."""

import subprocess
import sys
from collections.abc import Callable

import pytest

from tests.support.s3_server import BUCKET, KEY_ID, REGION, SECRET, S3Server

pytestmark = pytest.mark.processes
OPENED = """
import os, sys
from config import stores
store = stores.open_store(sys.argv[1], stores.Credentials(*sys.argv[2:]))
"""
FORKED = """
list(store.list())
if os.fork() == 0:
    try:
        store.stat("a.mp4")
    except Exception as error:
        print(type(error).__name__, error, flush=True)
    os._exit(0)
os.wait()
"""
PEAK = """
class Content:
    left = 128 * 1024 * 1024
    def read(self, size):
        size = min(size, self.left)
        self.left -= size
        return bytes(size)

def memory(name):
    [line] = [line for line in open("/proc/self/status") if line.startswith(name)]
    return int(line.split()[1])

list(store.list())
before = memory("VmRSS")
store.put("large.mp4", Content(), "video/mp4")
print(memory("VmHWM") - before)
"""


def s3_url(server: S3Server) -> str:
    return f"s3://{BUCKET}/?endpoint={server.endpoint}&region={REGION}&addressing=path"


def cos_url(server: S3Server) -> str:
    return f"cos://{BUCKET}/?endpoint={server.cos_endpoint}&region={REGION}"


def printed(script: str, url: str) -> str:
    """What a new process prints that has opened the store."""
    command = [sys.executable, "-c", OPENED + script, url, KEY_ID, SECRET]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout


def test_a_forked_process_gets_an_error_instead_of_waiting(s3_server: S3Server) -> None:
    """The client's threads stay in the parent, so that a call of the child would never end."""
    assert "Misconfigured s3://videos-1250000000: buckets were used before" in printed(
        FORKED, s3_url(s3_server)
    )


@pytest.mark.parametrize("url_of", [s3_url, cos_url])
def test_a_large_upload_takes_little_memory(url_of: Callable[[S3Server], str], s3_server: S3Server) -> None:
    s3_server.forgetful = True
    assert int(printed(PEAK, url_of(s3_server))) < 32 * 1024  # KiB


def test_stores_load_no_clients_before_a_bucket_is_opened() -> None:
    script = "import sys, config.stores; print(*sys.modules, sep='\\n')"
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert not {"obstore", "httpx"} & set(done.stdout.split())
