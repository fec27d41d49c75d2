"""Django behind Granian, as a real process."""

import http.client
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from config.processes import Family, free_port
from tests.conftest import GOOD_BODY, Caller, MakeTask
from tests.worker_process import child_environment
from videos.models import Task, UpstreamAccount
from videos.states import Status

MEDIA = bytes(range(256)) * 256 * 1024
"""Larger than what the buffers of a connection swallow."""


@pytest.fixture
def server(transactional_db: None, results_folder: Path, tmp_path: Path) -> Iterator[str]:
    port = free_port(0)
    options = ["--interface", "rsgi", "--no-ws", "--host", "127.0.0.1", "--port", str(port)]
    environment = child_environment(API_THREADS="2", RESULTS_DIR=str(results_folder))
    with Family(tmp_path / "logs") as family:
        child = family.start("web", ["-m", "granian", *options, "config.rsgi:application"], environment)
        url = f"http://127.0.0.1:{port}"
        family.wait_until_answers(child, f"{url}/healthz")
        yield url


def _request(
    url: str, method: str, path: str, key: str | None = None, body: bytes | None = None, **headers: Any
) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
    authorization = {"Authorization": f"Bearer {key}"} if key else {}
    connection.request(method, path, body, {**authorization, **headers})
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}, content


@pytest.mark.processes
def test_the_server_speaks_http_as_clients_expect(
    server: str, owner: Caller, make_task: MakeTask, results_folder: Path
) -> None:
    results_folder.mkdir(parents=True)
    (results_folder / "video.mp4").write_bytes(MEDIA)
    task = make_task(Status.SUCCEEDED, media_name="video.mp4")
    path, key = f"/v1/videos/{task.public_id}/content", owner.text

    assert _request(server, "GET", path, key)[2] == MEDIA
    status, headers, content = _request(server, "GET", path, key, Range="bytes=5-9")
    assert (status, headers["content-range"], content) == (206, f"bytes 5-9/{len(MEDIA)}", MEDIA[5:10])
    status, headers, content = _request(server, "HEAD", path, key)
    assert (status, headers["content-length"], content) == (200, str(len(MEDIA)), b"")

    status, headers, content = _request(server, "GET", "/static/admin/css/base.css")
    assert (status, headers["content-type"].split(";")[0]) == (200, "text/css")
    assert int(headers["content-length"]) == len(content)

    too_large = b" " * (3 * 1024 * 1024)
    json = {"Content-Type": "application/json"}
    assert _request(server, "POST", "/v1/videos", key, too_large, **json)[0] == 413
    status, _, content = _request(server, "GET", "/v1/models/%E4%B8%AD", key)
    assert (status, "中".encode() in content) == (404, True)


@pytest.mark.processes
def test_slow_downloads_hold_up_nobody(
    server: str, owner: Caller, make_task: MakeTask, results_folder: Path
) -> None:
    results_folder.mkdir(parents=True)
    (results_folder / "video.mp4").write_bytes(MEDIA)
    task = make_task(Status.SUCCEEDED, media_name="video.mp4")
    request = (
        f"GET /v1/videos/{task.public_id}/content HTTP/1.1\r\nHost: localhost\r\n"
        f"Authorization: Bearer {owner.text}\r\n\r\n"
    ).encode()
    address = urlsplit(server)
    assert address.hostname
    assert address.port
    downloads = [socket.create_connection((address.hostname, address.port), timeout=10) for _ in range(8)]
    for download in downloads:
        download.sendall(request)
        assert download.recv(64).startswith(b"HTTP/1.1 200")  # begun, and then left waiting
    assert _request(server, "GET", f"/v1/videos/{task.public_id}", owner.text)[0] == 200
    for download in downloads:
        download.close()


@pytest.mark.processes
def test_a_header_that_cannot_be_read_is_not_taken_for_one_that_was_not_sent(
    server: str, owner: Caller, account: UpstreamAccount
) -> None:
    body, headers = json.dumps(GOOD_BODY).encode(), {"Content-Type": "application/json"}
    for key in ("订单-7".encode(), "käse".encode("latin-1")):
        status, _, content = _request(
            server, "POST", "/v1/videos", owner.text, body, **headers, **{"Idempotency-Key": key}
        )
        assert (status, b"Idempotency-Key" in content) == (400, True)
    assert not Task.objects.exists()
