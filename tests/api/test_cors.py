"""CORS: only listed sites may call the API from a browser, and nothing else."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.conftest import Caller
from tests.support.fork_server import ForkServer
from tests.support.web_process import WebProcess

pytestmark = pytest.mark.processes

APP, STRANGER = "https://app.example", "https://stranger.example"
ALLOWED, EXPOSED = "access-control-allow-origin", "access-control-expose-headers"


@pytest.fixture
def url(transactional_db: None, fork_server: ForkServer, tmp_path: Path) -> Iterator[str]:
    """The URL of a server that one other site may call."""
    process = WebProcess(
        fork_server, tmp_path / "web.log", CORS_ALLOWED_ORIGINS=f"{APP},http://localhost:5173"
    )
    process.wait()
    yield process.url
    process.kill()


def preflight(url: str, path: str, origin: str, method: str = "POST", headers: str = "") -> httpx.Response:
    """Send the preflight request of a browser, without the key."""
    asked = {"origin": origin, "access-control-request-method": method}
    return httpx.options(url + path, headers=asked | {"access-control-request-headers": headers})


def test_only_listed_sites_may_call_the_api_from_a_browser(url: str, owner: Caller) -> None:
    headers = "authorization, content-type, idempotency-key, x-stainless-retry-count"
    asked = preflight(url, "/v1/videos", APP, headers=headers)
    assert (asked.status_code, asked.headers[ALLOWED]) == (200, APP)
    assert {"POST", "DELETE"} <= set(asked.headers["access-control-allow-methods"].split(", "))
    assert set(headers.split(", ")) <= set(asked.headers["access-control-allow-headers"].split(", "))
    assert "access-control-allow-credentials" not in asked.headers

    key = {"authorization": f"Bearer {owner.text}"}
    for path, status in ("/v1/models", 200), ("/v1/videos/x", 404), ("/v1/nothing", 404):
        answer = httpx.get(url + path, headers={"origin": APP, **key})
        assert (answer.status_code, answer.headers[ALLOWED]) == (status, APP)
        assert {"x-request-id", "retry-after", "etag"} <= set(answer.headers[EXPOSED].split(", "))
    refused = httpx.get(f"{url}/v1/models", headers={"origin": APP})
    assert (refused.status_code, refused.headers[ALLOWED]) == (401, APP)

    assert ALLOWED not in preflight(url, "/v1/videos", STRANGER).headers
    assert ALLOWED not in httpx.get(f"{url}/v1/models", headers={"origin": STRANGER, **key}).headers
    for page in ("/log-in/", "/admin/login/"):
        assert ALLOWED not in httpx.get(url + page, headers={"origin": APP}).headers


def test_by_default_no_other_site_may_call_the_api(owner: Caller) -> None:
    answer = owner.get("/v1/models", HTTP_ORIGIN=APP)
    assert answer.status_code == 200
    assert ALLOWED not in answer.headers
    asked = owner.request("OPTIONS", "/v1/videos", HTTP_ORIGIN=APP, HTTP_ACCESS_CONTROL_REQUEST_METHOD="POST")
    assert asked.status_code == 405
    assert ALLOWED not in asked.headers
