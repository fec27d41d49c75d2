"""Videos in a bucket, passed through a real web process: whole, in ranges, and without filling its memory."""

import io
import os
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from config import stores
from tests.conftest import Caller, MakeTask
from tests.stores.places import Place
from tests.support.fork_server import ForkServer
from tests.support.web_process import WebProcess
from videos.models import Task
from videos.states import Status

pytestmark = pytest.mark.processes
VIDEO = os.urandom(1024 * 1024) * 24
MIB = 1024 * 1024


@pytest.fixture
def web(
    transactional_db: None, fork_server: ForkServer, tmp_path: Path, s3_server: object
) -> Iterator[WebProcess]:
    place = Place("s3 by path", tmp_path, s3_server)  # type: ignore[arg-type]
    keys = {"RESULTS_KEY_ID": place.credentials.key_id, "RESULTS_SECRET_KEY": place.credentials.secret}
    process = WebProcess(
        fork_server, tmp_path / "web.log", RESULTS_URL=place.url, CONTENT_DELIVERY="proxy", **keys
    )
    try:
        process.wait()
        yield process
    finally:
        process.kill()


@pytest.fixture
def task(make_task: MakeTask, tmp_path: Path, s3_server: object) -> Task:
    place = Place("s3 by path", tmp_path, s3_server)  # type: ignore[arg-type]
    made = make_task(Status.SUCCEEDED)
    stores.open_store(place.url, place.credentials).put(made.media_name, io.BytesIO(VIDEO), "video/mp4")
    return made


def memory(web: WebProcess) -> int:
    """Bytes that the workers hold."""
    return sum(child.memory_info().rss for child in psutil.Process(web.pid).children(recursive=True))


def test_a_video_is_passed_through_at_the_clients_pace(web: WebProcess, owner: Caller, task: Task) -> None:
    def ask(byte_range: str = "") -> urllib.request.Request:
        headers = {"Authorization": f"Bearer {owner.text}"} | ({"Range": byte_range} if byte_range else {})
        return urllib.request.Request(f"{web.url}/v1/videos/{task.public_id}/content", headers=headers)

    with urllib.request.urlopen(ask("bytes=5-9"), timeout=20) as part:
        assert (part.status, part.read()) == (206, VIDEO[5:10])
    before = memory(web)
    with urllib.request.urlopen(ask(), timeout=20) as slow:
        assert slow.read(MIB) == VIDEO[:MIB]
        grown = memory(web) - before
        assert slow.read() == VIDEO[MIB:]
    assert grown < 16 * MIB
