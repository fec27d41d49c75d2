"""The people and things the tests are about."""

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client

from accounts.ids import uuid7
from accounts.models import APIKey, Tenant
from config.processes import free_port
from videos import worker
from videos.models import Task, UpstreamAccount
from videos.states import FINAL, Status

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
"""When the tests take place, where the time is passed in."""
GOOD_BODY: dict[str, Any] = {"model": "Kling-3.0-1080p", "seconds": "5", "prompt": "a cat runs"}
UPSTREAM_PAYLOAD: dict[str, Any] = {
    "ModelName": "Kling",
    "ModelVersion": "3.0",
    "Prompt": "a cat runs",
    "Duration": 5,
    "ExtraParameters": {"Resolution": "720P"},
}


class Caller:
    """A program with an API key, or without one."""

    def __init__(self, text: str | None, key: APIKey | None = None) -> None:
        self.text = text
        self.key = key
        self._client = Client(raise_request_exception=False)

    @property
    def tenant(self) -> Tenant:
        assert self.key is not None
        return self.key.tenant

    def get(self, path: str, **extra: Any) -> Any:
        return self._client.get(path, **self._headers(), **extra)

    def head(self, path: str, **extra: Any) -> Any:
        return self._client.head(path, **self._headers(), **extra)

    def post(self, path: str, body: Any = None, **extra: Any) -> Any:
        """Post JSON, or with `data` and `content_type` anything."""
        sent = {"data": json.dumps(body), "content_type": "application/json"} | extra
        return self._client.post(path, **self._headers(), **sent)

    def request(self, method: str, path: str, **extra: Any) -> Any:
        return self._client.generic(method, path, **self._headers(), **extra)

    def _headers(self) -> dict[str, Any]:
        return {"headers": {"authorization": f"Bearer {self.text}"}} if self.text else {}


def make_caller(tenant: Tenant, name: str = "a key", scopes: tuple[str, ...] = ()) -> Caller:
    """A program of the tenant with a key of its own."""
    key, text = APIKey.objects.mint(tenant, name, scopes)
    return Caller(text, key)


@pytest.fixture
def account(db: None) -> UpstreamAccount:
    """An upstream account nobody can reach."""
    return UpstreamAccount.objects.create(
        name="somewhere", endpoint="http://127.0.0.1:9", secret_id="AKIDtest", secret_key="a secret key"
    )


@pytest.fixture
def owner(db: None) -> Caller:
    """Alice's program, whose tasks the tests are about."""
    return make_caller(Tenant.objects.create(name="Alice"), "owner")


@pytest.fixture
def mate(owner: Caller) -> Caller:
    """Another program of Alice's."""
    return make_caller(owner.tenant, "mate")


@pytest.fixture
def stranger(db: None) -> Caller:
    """Charlie's program, who must see nothing of Alice's."""
    return make_caller(Tenant.objects.create(name="Charlie"), "stranger")


@pytest.fixture
def nobody() -> Caller:
    """A program without a key."""
    return Caller(None)


MakeTask = Callable[..., Task]

_PROOF: dict[Status, dict[str, Any]] = {
    Status.SUCCEEDED: {"media_name": "alice/video.mp4", "expires_at": NOW + timedelta(days=30)},
    Status.FAILED: {"failure_code": "generation_failed", "failure_message": "It did not work."},
    Status.CANCELLED: {"failure_code": "cancelled", "failure_message": "It was cancelled."},
}


@pytest.fixture
def make_task(owner: Caller, account: UpstreamAccount) -> MakeTask:
    """Make a task of Alice's, in any state, with what the state requires."""

    def make(status: Status = Status.QUEUED, *, now: datetime = NOW, **fields: Any) -> Task:
        identity = uuid7(now)
        accepted = status in (Status.RUNNING, Status.STORING, Status.SUCCEEDED)
        required = {
            "upstream_task_id": f"4-AigcVideo-{identity.hex}" if accepted else None,
            "accepted_at": now if accepted else None,
            "looked_at": now if accepted else None,
            "submitted_at": now if status is not Status.QUEUED else None,
            "finished_at": now if status in FINAL else None,
            **_PROOF.get(status, {}),
        }
        defaults = {
            "id": identity,
            "tenant": owner.tenant,
            "api_key": owner.key,
            "account": account,
            "status": status,
            "model": "Kling-3.0-720p",
            "seconds": 5,
            "request": {"model": "Kling-3.0-720p", "seconds": "5", "prompt": "a cat runs"},
            "payload": UPSTREAM_PAYLOAD,
            "created_at": now,
            "due_at": now,
        }
        return Task.objects.create(**(defaults | required | fields))

    return make


@pytest.fixture(autouse=True)
def results_folder(settings: LazySettings, tmp_path: Path) -> Path:
    """Keep results of a test to itself."""
    folder = tmp_path / "results"
    storages: dict[str, Any] = {**settings.STORAGES}
    storages["results"] = {**storages["results"], "OPTIONS": {"location": str(folder)}}
    settings.STORAGES = storages
    return folder


@pytest.fixture
def database_threads(transactional_db: None) -> Iterator[None]:
    """Let steps use the database from their own threads, and end those with the test."""
    yield
    worker.close()


class Sandbox:
    """The sandbox upstream, running as a process of its own, and its control API."""

    SECRET_ID, SECRET_KEY = "AKIDsandbox", "sandbox-secret-key"

    def __init__(self, url: str) -> None:
        self.url = url

    def reset(self) -> None:
        self._call("/_sandbox/reset", {})

    def script(self, action: str, do: str, **arguments: Any) -> None:
        """Let the next call of `create` or `describe` be answered differently."""
        name = {"create": "CreateAigcVideoTask", "describe": "DescribeAigcVideoTask"}[action]
        self._call("/_sandbox/scripts", {"action": name, "do": do, **arguments})

    def finish(self) -> None:
        """End all generations now."""
        self._call("/_sandbox/finish", {})

    def state(self) -> dict[str, Any]:
        return self._call("/_sandbox/state")

    def tasks(self) -> list[dict[str, Any]]:
        tasks: list[dict[str, Any]] = self.state()["tasks"]
        return tasks

    def _call(self, path: str, body: Any = None) -> dict[str, Any]:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            answered: dict[str, Any] = json.load(answer)
        return answered


@pytest.fixture(scope="session")
def sandbox_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """One sandbox for all tests of a process, with a clip made once."""
    arguments = ["--port", str(free_port(0)), "--canned", "--generation-seconds", "0"]
    process = subprocess.Popen(
        [sys.executable, "-m", "videos.sandbox", *arguments], stdout=subprocess.PIPE, env=dict(os.environ)
    )
    assert process.stdout is not None
    with process, process.stdout as output:
        yield Sandbox(output.readline().decode().split()[-1])
        process.terminate()


@pytest.fixture
def sandbox(sandbox_process: Sandbox) -> Sandbox:
    """The sandbox, with nothing in it."""
    sandbox_process.reset()
    return sandbox_process


@pytest.fixture
def sandbox_account(sandbox: Sandbox, account: UpstreamAccount) -> UpstreamAccount:
    """The account, at the sandbox."""
    account.endpoint, account.secret_id, account.secret_key = (
        sandbox.url,
        sandbox.SECRET_ID,
        sandbox.SECRET_KEY,
    )
    account.save(update_fields=["endpoint", "secret_id", "secret_key"])
    return account
