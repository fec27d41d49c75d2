"""Programs that know the API only by its OpenAPI document: schemathesis, and a generated client."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from accounts.models import APIKey, Scope
from tests.conftest import Caller
from tests.support.fork_server import ForkServer
from tests.support.web_process import WebProcess
from videos.api.description import DOCUMENT
from videos.models import Task, UpstreamAccount

BIN = Path(sys.executable).parent
CHECKS = Path(__file__).with_name("schemathesis.toml")
EXAMPLES = os.environ.get("SCHEMATHESIS_EXAMPLES", "3")
"""Requests made up for each operation, besides those that break one rule each; more with `make test-long`."""


IMAGES = ("image/jpeg", "image/png", "image/webp")


@pytest.fixture
def web(transactional_db: None, fork_server: ForkServer, tmp_path: Path) -> Iterator[WebProcess]:
    process = WebProcess(fork_server, tmp_path / "web.log")
    try:
        process.wait()
        yield process
    finally:
        process.kill()
        print(process.log())  # noqa: T201 - pytest shows it if the test fails


def run(*command: str, folder: Path, **environment: str) -> str:
    """The output of a program, which must succeed."""
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.processes
def test_the_api_does_what_its_document_says(
    web: WebProcess, owner: Caller, account: UpstreamAccount, tmp_path: Path
) -> None:
    APIKey.objects.update(scopes=[*Scope])
    # One thread: Python 3.11 cannot parse source code in two at a time, which Hypothesis does.
    run(
        *(str(BIN / "schemathesis"), "--config-file", str(CHECKS), "run", str(DOCUMENT)),
        *("--url", web.url, "--max-examples", EXAMPLES, "--workers", "1", "--no-color"),
        folder=tmp_path,
        KEY=owner.text or "",
    )


CREATES_A_VIDEO = """
import json, os
from reelay_client import AuthenticatedClient
from reelay_client.api.videos import create_video, get_video
from reelay_client.models import CreateVideo, CreateVideoModel, Error, Metadata, Video

client = AuthenticatedClient(base_url=os.environ["REELAY_URL"], token=os.environ["KEY"])
metadata = Metadata.from_dict({"aspect_ratio": "16:9"})
body = CreateVideo(
    model=CreateVideoModel.KLING_3_0_OMNI_1080P, seconds=5, prompt="A girl dances", metadata=metadata
)
made = create_video.sync(client=client, body=body, idempotency_key="the-first")
assert isinstance(made, Video), made
read = get_video.sync(client=client, task_id=made.id)
assert isinstance(read, Video), read
too_short = CreateVideo(model=body.model, seconds=2, prompt="A girl dances")
refused = create_video.sync(client=client, body=too_short)
assert isinstance(refused, Error), refused
print(json.dumps([read.id, read.status, read.prompt, refused.code]))
"""


@pytest.mark.processes
def test_a_client_that_was_generated_from_the_document_creates_a_video(
    web: WebProcess, owner: Caller, account: UpstreamAccount, tmp_path: Path
) -> None:
    config = tmp_path / "config.json"
    media = dict.fromkeys(("video/mp4", "video/quicktime", *IMAGES), "application/octet-stream")
    config.write_text(json.dumps({"post_hooks": [], "content_type_overrides": media}))
    made = run(
        *(str(BIN / "openapi-python-client"), "generate", "--path", str(DOCUMENT), "--meta", "none"),
        *("--config", str(config), "--output-path", str(tmp_path / "reelay_client"), "--fail-on-warning"),
        folder=tmp_path,
    )
    assert "Warning" not in made, made
    output = run(
        sys.executable, "-c", CREATES_A_VIDEO, folder=tmp_path, REELAY_URL=web.url, KEY=owner.text or ""
    )
    identity, status, prompt, code = json.loads(output)
    assert (status, prompt, code) == ("queued", "A girl dances", "invalid_request")
    assert Task.objects.get().public_id == identity
