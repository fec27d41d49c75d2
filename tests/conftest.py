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

import django.test
import pytest
from django.conf import LazySettings
from django.core.cache import cache
from django.db import connection
from django.db.models import F
from django.template import Context, Template
from django.test import Client
from django.test.utils import _TestState
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from accounts.models import APIKey, Standing, Tenant
from config.ids import uuid7
from tests.support import migrated
from tests.support.emptying import CommittingTest
from tests.support.fork_server import fork_server  # noqa: F401 - a fixture
from videos.local.processes import free_port
from videos.models import DailyUsage, LedgerEntry, Task, UpstreamAccount
from videos.states import FINAL, LOST, UNSENT, Status
from videos.tasks import admission, creation, idempotency, submission
from videos.tasks.idempotency import Fingerprint
from videos.worker import submit, threads

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


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what waits for processes, whatever the order else: others compute meanwhile."""
    items.sort(key=lambda item: item.get_closest_marker("processes") is None)


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


def move(tenant: Tenant, time_zone: str, now: datetime) -> None:
    """Let the tenant's days be those of another time zone from its next midnight on."""
    clock = tenant.clock.moved(time_zone, now)
    tenant.time_zone, tenant.earlier_time_zones = clock.time_zone, clock.written()
    tenant.save(update_fields=["time_zone", "earlier_time_zones"])


def make_caller(tenant: Tenant, name: str = "a key", scopes: tuple[str, ...] = ()) -> Caller:
    """A program of the tenant with a key of its own."""
    key, text = APIKey.objects.mint(tenant, name, scopes)
    return Caller(text, key)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None, django_db_blocker: DjangoDbBlocker
) -> None:
    """Let the database of the tests, of which each process has its own, be a copy of a migrated one."""
    with django_db_blocker.unblock():
        connection.settings_dict["TEST"]["TEMPLATE"] = migrated.template()


@pytest.fixture(autouse=True, scope="session")
def committing_tests() -> None:
    """Let tests that commit empty the tables in our quick way."""
    django.test.TransactionTestCase = CommittingTest  # type: ignore[misc]


@pytest.fixture(autouse=True, scope="session")
def pages_tell_their_context_once(django_test_environment: None) -> None:
    """Let a page tell its context (`answer.context`), and not each template it includes, which costs much."""
    tell, render = Template._render, _TestState.saved_data.template_render  # type: ignore[attr-defined]

    def told_once(template: Template, context: Context) -> str:
        is_page = context.template is template
        return str((tell if is_page else render)(template, context))

    Template._render = told_once  # type: ignore[attr-defined]


@pytest.fixture(autouse=True)
def nothing_counted() -> None:
    """No mail was sent yet that counts against a limit."""
    cache.clear()


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
            "usage_day": now.date(),
            "tenant": owner.tenant,
            "api_key": owner.key,
            "account": None if status in {*UNSENT, Status.CANCELLED} else account,
            "status": status,
            "model": "Kling-3.0-720p",
            "seconds": 5,
            "request": {"model": "Kling-3.0-720p", "seconds": "5", "prompt": "a cat runs"},
            "payload": UPSTREAM_PAYLOAD,
            "created_at": now,
            "due_at": now,
        }
        task = Task.objects.create(**(defaults | required | fields))
        _enter_in_the_books(task)
        return task

    return make


def _enter_in_the_books(task: Task) -> None:
    """Write the hold of a task, the closing of one that has ended, its use and its place in the totals."""
    waits = int(task.state is Status.WAITING)
    ended = int(task.state in FINAL)
    lost = int(task.state in LOST)
    entry = {"tenant": task.tenant, "task": task, "at": task.created_at}
    LedgerEntry.objects.create(**entry, kind="hold", amount=-task.price, held=task.price)
    if ended:
        kind, amount = ("release", task.price) if lost else ("capture", 0)
        LedgerEntry.objects.create(**entry, kind=kind, amount=amount, held=-task.price)
    used = {} if lost else {"seconds": F("seconds") + task.seconds, "spend": F("spend") + task.price}
    row: dict[str, Any] = {
        "tenant": task.tenant,
        "day": task.usage_day,
        "model": task.model,
        "api_key": task.api_key,
    }
    DailyUsage.objects.get_or_create(**row)
    DailyUsage.objects.filter(**row).update(
        tasks=F("tasks") + 1,
        completed=F("completed") + ended - lost,
        failed=F("failed") + lost,
        **used,
    )
    Standing.objects.filter(tenant=task.tenant).update(
        version=F("version") + 1,
        open_tasks=F("open_tasks") + 1 - ended - waits,
        waiting_tasks=F("waiting_tasks") + waits,
        balance=F("balance") - (0 if lost else task.price),
        held=F("held") + (0 if ended else task.price),
    )


def order_video(caller: Caller, body: dict[str, Any] = GOOD_BODY, now: datetime | None = None) -> Task:
    """Make a task as the API does, without HTTP."""
    assert caller.key is not None
    fingerprint = Fingerprint(idempotency.hash_of(body))
    created = creation.create(admission.Caller.of(caller.key, now or timezone.now(), fingerprint), body)
    return Task.objects.get(pk=created.task.pk)


def payload_of(task: Task) -> dict[str, Any]:
    """What upstream is sent for a task as it is in the database."""
    return submission.payload_of(Task.objects.get(pk=task.pk))


def claim_next(account: UpstreamAccount | None, now: datetime) -> Task | None:
    """Claim the task whose turn it is for an account, which is the only one unless a test says otherwise."""
    return submit.claim_next(account or UpstreamAccount.objects.get(is_enabled=True), now)


@pytest.fixture(autouse=True)
def results_folder(settings: LazySettings, tmp_path: Path) -> Path:
    """Keep results of a test to itself."""
    folder = tmp_path / "results"
    storages: dict[str, Any] = {**settings.STORAGES}
    options = {**storages["results"]["OPTIONS"], "location": str(folder)}
    storages["results"] = {**storages["results"], "OPTIONS": options}
    settings.STORAGES = storages
    return folder


@pytest.fixture
def database_threads(transactional_db: None) -> Iterator[None]:
    """Let steps use the database from their own threads, and end those with the test."""
    yield
    threads.close()


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
