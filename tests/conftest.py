"""Fixtures and helpers shared by all tests."""

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import django.test
import pytest
from django.conf import LazySettings
from django.core.cache import cache
from django.db import connection
from django.template import Context, Template
from django.test import Client
from django.test.utils import _TestState
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from accounts.models import APIKey, Tenant
from config.ids import uuid7
from tests.support import migrated
from tests.support.both_ways import BothWays
from tests.support.emptying import CommittingTest
from tests.support.fork_server import fork_server  # noqa: F401 - a fixture
from tests.support.s3_server import (
    KEY_ID,
    SECRET,
    S3Server,
    s3_server,  # noqa: F401 - a fixture
    s3_server_of_session,  # noqa: F401 - a fixture
)
from videos.local.processes import free_port
from videos.models import LedgerEntry, Task, UpstreamAccount
from videos.products import Product
from videos.routing import health
from videos.routing.choice import Queue
from videos.states import FINAL, LOST, UNSENT, Status
from videos.tasks import admission, creation, idempotency, submission
from videos.tasks.idempotency import Fingerprint
from videos.worker import submit, threads

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
"""The current time of tests that pass it in."""
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
    """Run tests of real processes first in any order: other tests compute while they wait."""
    items.sort(key=lambda item: item.get_closest_marker("processes") is None)


class Caller:
    """An API client with or without a key."""

    def __init__(self, text: str | None, key: APIKey | None = None) -> None:
        self.text = text
        self.key = key
        self._client = Client(raise_request_exception=False)
        self._client.handler = BothWays()

    @property
    def tenant(self) -> Tenant:
        assert self.key is not None
        return self.key.tenant

    def get(self, path: str, **extra: Any) -> Any:
        return self._client.get(path, **self._headers(), **extra)

    def head(self, path: str, **extra: Any) -> Any:
        return self._client.head(path, **self._headers(), **extra)

    def post(self, path: str, body: Any = None, **extra: Any) -> Any:
        """Post JSON, or anything else with `data` and `content_type`."""
        sent = {"data": json.dumps(body), "content_type": "application/json"} | extra
        return self._client.post(path, **self._headers(), **sent)

    def request(self, method: str, path: str, **extra: Any) -> Any:
        return self._client.generic(method, path, **self._headers(), **extra)

    def _headers(self) -> dict[str, Any]:
        return {"headers": {"authorization": f"Bearer {self.text}"}} if self.text else {}


def move(tenant: Tenant, time_zone: str, now: datetime) -> None:
    """Change the tenant's time zone from its next midnight on."""
    clock = tenant.clock.moved(time_zone, now)
    tenant.time_zone, tenant.earlier_time_zones = clock.time_zone, clock.written()
    tenant.save(update_fields=["time_zone", "earlier_time_zones"])


def make_caller(tenant: Tenant, name: str = "a key", scopes: tuple[str, ...] = ()) -> Caller:
    """An API client of the tenant with a new key."""
    key, text = APIKey.objects.mint(tenant, name, scopes)
    return Caller(text, key)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None, django_db_blocker: DjangoDbBlocker
) -> None:
    """Make the test database of each process a copy of a migrated one."""
    with django_db_blocker.unblock():
        connection.settings_dict["TEST"]["TEMPLATE"] = migrated.template()


@pytest.fixture(autouse=True, scope="session")
def committing_tests() -> None:
    """Empty the tables after committing tests the fast way."""
    django.test.TransactionTestCase = CommittingTest  # type: ignore[misc]


@pytest.fixture(autouse=True, scope="session")
def record_contexts_of_pages_only(django_test_environment: None) -> None:
    """Record `answer.context` only for pages and not for included templates, which is slow."""
    tell, render = Template._render, _TestState.saved_data.template_render  # type: ignore[attr-defined]

    def render_once(template: Template, context: Context) -> str:
        is_page = context.template is template
        return str((tell if is_page else render)(template, context))

    Template._render = render_once  # type: ignore[attr-defined]


@pytest.fixture(autouse=True)
def reset_counters() -> None:
    """Reset the counters of rate limits, and what the process knows about accounts."""
    cache.clear()
    health.forget()


@pytest.fixture
def account(db: None) -> UpstreamAccount:
    """An upstream account that cannot be reached."""
    return UpstreamAccount.objects.create(
        name="somewhere", endpoint="http://127.0.0.1:9", secret_id="AKIDtest", secret_key="a secret key"
    )


@pytest.fixture
def owner(db: None) -> Caller:
    """An API client of the tenant Alice, the default owner of tasks."""
    return make_caller(Tenant.objects.create(name="Alice"), "owner")


@pytest.fixture
def mate(owner: Caller) -> Caller:
    """Another API client of the tenant Alice."""
    return make_caller(owner.tenant, "mate")


@pytest.fixture
def stranger(db: None) -> Caller:
    """An API client of the tenant Charlie, who must see nothing of Alice's."""
    return make_caller(Tenant.objects.create(name="Charlie"), "stranger")


@pytest.fixture
def nobody() -> Caller:
    return Caller(None)


MakeTask = Callable[..., Task]

_STATE_FIELDS: dict[Status, dict[str, Any]] = {
    Status.SUCCEEDED: {"media_name": "alice/video.mp4", "expires_at": NOW + timedelta(days=30)},
    Status.FAILED: {"failure_code": "generation_failed", "failure_message": "It did not work."},
    Status.CANCELLED: {"failure_code": "cancelled", "failure_message": "It was cancelled."},
}


@pytest.fixture
def make_task(owner: Caller, account: UpstreamAccount) -> MakeTask:
    """Create a task of Alice's in any state, with the fields the state requires."""

    def make(status: Status = Status.QUEUED, *, now: datetime = NOW, **fields: Any) -> Task:
        identity = uuid7(now)
        accepted = status in (Status.RUNNING, Status.STORING, Status.SUCCEEDED)
        required = {
            "upstream_task_id": f"4-AigcVideo-{identity.hex}" if accepted else None,
            "accepted_at": now if accepted else None,
            "looked_at": now if accepted else None,
            "submitted_at": now if status is not Status.QUEUED else None,
            "finished_at": now if status in FINAL else None,
            **_STATE_FIELDS.get(status, {}),
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
        _write_books(task)
        return task

    return make


_TOTALS = """
WITH used AS (
    UPDATE videos_dailyusage SET tasks = tasks + 1, completed = completed + %(completed)s,
        failed = failed + %(failed)s, seconds = seconds + %(seconds)s, spend = spend + %(spend)s
    WHERE tenant_id = %(tenant)s AND day = %(day)s AND model = %(model)s
        AND api_key_id IS NOT DISTINCT FROM %(key)s
    RETURNING id
), first_use AS (
    INSERT INTO videos_dailyusage
        (tenant_id, day, model, api_key_id, tasks, completed, failed, seconds, spend)
    SELECT %(tenant)s, %(day)s, %(model)s, %(key)s, 1, %(completed)s, %(failed)s, %(seconds)s, %(spend)s
    WHERE NOT EXISTS (SELECT FROM used)
)
UPDATE accounts_standing SET version = version + 1, open_tasks = open_tasks + %(open)s,
    waiting_tasks = waiting_tasks + %(waits)s, balance = balance - %(spend)s, held = held + %(held)s
WHERE tenant_id = %(tenant)s
"""
"""One statement, as hundreds of tests make many tasks."""


def _write_books(task: Task) -> None:
    """Write the ledger entries, daily usage and running totals of a task."""
    waits = int(task.state is Status.WAITING)
    ended = int(task.state in FINAL)
    lost = int(task.state in LOST)
    entry = {"tenant": task.tenant, "task": task, "at": task.created_at}
    entries = [LedgerEntry(**entry, kind="hold", amount=-task.price, held=task.price)]
    if ended:
        kind, amount = ("release", task.price) if lost else ("capture", 0)
        entries.append(LedgerEntry(**entry, kind=kind, amount=amount, held=-task.price))
    LedgerEntry.objects.bulk_create(entries)
    totals: dict[str, Any] = {
        "tenant": task.tenant_id,
        "day": task.usage_day,
        "model": task.model,
        "key": task.api_key_id,
        "completed": ended - lost,
        "failed": lost,
        "seconds": 0 if lost else task.seconds,
        "spend": 0 if lost else task.price,
        "open": 1 - ended - waits,
        "waits": waits,
        "held": 0 if ended else task.price,
    }
    with connection.cursor() as cursor:
        cursor.execute(_TOTALS, totals)


def order_video(caller: Caller, body: dict[str, Any] = GOOD_BODY, now: datetime | None = None) -> Task:
    """Create a task as the API does, without HTTP."""
    assert caller.key is not None
    fingerprint = Fingerprint(idempotency.hash_of(body))
    created = creation.create(admission.Caller.of(caller.key, now or timezone.now(), fingerprint), body)
    return Task.objects.get(pk=created.task.pk)


def payload_of(task: Task) -> dict[str, Any]:
    """The payload sent upstream for the task in the database."""
    return submission.translated(Task.objects.get(pk=task.pk)).payload


def claim_next(account: UpstreamAccount | None, now: datetime) -> Task | None:
    """Claim the next task for an account, by default the only enabled one."""
    account = account or UpstreamAccount.objects.get(is_enabled=True)
    return submit.claim_next(account, round_of(account), now)


def round_of(account: UpstreamAccount) -> submit.Round:
    """A round of any tasks that the account may take."""
    models = [spec.name for spec in account.offered()]
    queues = [Queue(model, prefers, account.owner_id) for model in models for prefers in ("", *Product)]
    return submit.Round(account.pk, 1, frozenset(queues), 0.0)


def wanted(account: UpstreamAccount, now: datetime) -> int:
    """How many tasks the account is to take now."""
    return next((turn.wanted for turn in submit.plan(now) if turn.account_id == account.pk), 0)


@pytest.fixture(autouse=True)
def results_folder(settings: LazySettings, tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A separate results folder for each test; with TEST_RESULTS=s3 a prefix of a bucket instead."""
    folder = tmp_path / "results"
    settings.RESULTS_URL = folder.as_uri()
    if os.environ.get("TEST_RESULTS") == "s3":
        server: S3Server = request.getfixturevalue("s3_server")
        settings.RESULTS_URL = server.results_url(uuid4().hex)
        settings.RESULTS_KEY_ID, settings.RESULTS_SECRET_KEY = KEY_ID, SECRET
        settings.CONTENT_DELIVERY = "proxy"  # so that answers carry the bytes
    return folder


@pytest.fixture
def database_threads(transactional_db: None) -> Iterator[None]:
    """Lets worker steps use the database from their own threads, which end with the test."""
    yield
    threads.close()


class Sandbox:
    """A running sandbox upstream and its control API."""

    SECRET_ID, SECRET_KEY = "AKIDsandbox", "sandbox-secret-key"

    def __init__(self, url: str) -> None:
        self.url = url

    def reset(self) -> None:
        self._call("/_sandbox/reset", {})

    def script(self, action: str, do: str, **arguments: Any) -> None:
        """Script the next call of `create` or `describe`."""
        name = {"create": "CreateAigcVideoTask", "describe": "DescribeAigcVideoTask"}[action]
        self._call("/_sandbox/scripts", {"action": name, "do": do, **arguments})

    def finish(self) -> None:
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
    """One sandbox process for the session, with a single clip."""
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
    """The sandbox after a reset."""
    sandbox_process.reset()
    return sandbox_process


@pytest.fixture
def sandbox_account(sandbox: Sandbox, account: UpstreamAccount) -> UpstreamAccount:
    """The upstream account connected to the sandbox."""
    account.endpoint, account.secret_id, account.secret_key = (
        sandbox.url,
        sandbox.SECRET_ID,
        sandbox.SECRET_KEY,
    )
    account.save(update_fields=["endpoint", "secret_id", "secret_key"])
    return account
