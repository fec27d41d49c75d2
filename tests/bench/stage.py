"""The setup of the benchmarks: a gateway of real processes with its own empty database."""

import json
import os
import shutil
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

DATA = Path(__file__).resolve().parents[2] / ".data" / "bench"
os.environ.setdefault("DATA_DIR", str(DATA))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

import django  # noqa: E402 - the settings read the environment above
from django.core.management import call_command  # noqa: E402
from django.db import connections  # noqa: E402

from config import database  # noqa: E402
from config.edge import server  # noqa: E402
from videos.local.processes import Child, ProcessGroup, free_port  # noqa: E402

if TYPE_CHECKING:
    from tests.conftest import Caller
    from videos.models import UpstreamAccount

SECRET_ID, SECRET_KEY = "AKIDsandbox", "sandbox-secret-key"
APPLICATION = 1_500_000_001
"""The SubAppId of accounts of VOD."""


@dataclass(frozen=True)
class Sandbox:
    """A running sandbox."""

    url: str

    def state(self, query: str = "arrivals=0") -> dict[str, Any]:
        with urllib.request.urlopen(f"{self.url}/_sandbox/state?{query}", timeout=30) as answer:
            state: dict[str, Any] = json.load(answer)
        return state

    def control(self, path: str, document: Any) -> None:
        """Send a document to the control API."""
        body, headers = json.dumps(document).encode(), {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.url}/_sandbox/{path}", body, headers)
        urllib.request.urlopen(request, timeout=30).close()


@contextmanager
def empty_gateway() -> Iterator[ProcessGroup]:
    """A database with only the default prices and a family to start processes in, for the block."""
    shutil.rmtree(DATA / "results", ignore_errors=True)
    with database.available(), ProcessGroup(DATA / "logs") as family:
        django.setup()
        call_command("migrate", verbosity=0)
        empty()
        try:
            yield family
        finally:
            connections.close_all()  # the server may end now


def empty() -> None:
    """Empty the database and the job queue, except for the default prices.

    A job of a dead worker would otherwise block new ones.
    """
    from django.db import connection

    from tests.support.worker_process import delete_jobs

    with connection.cursor() as cursor:
        # Triggers refuse it otherwise.
        cursor.execute("SET session_replication_role = replica")
        call_command("flush", interactive=False, verbosity=0)
        cursor.execute("RESET session_replication_role")
    delete_jobs()
    call_command("seedprices", verbosity=0)


def start_sandbox(family: ProcessGroup, *options: str) -> Sandbox:
    port = free_port(0)
    sandbox = Sandbox(f"http://127.0.0.1:{port}")
    arguments = ["-m", "videos.sandbox", "--port", str(port), "--canned", *options]
    environment = {"SANDBOX_CREDENTIALS": f"{SECRET_ID}:{SECRET_KEY}"}
    child = family.start("sandbox", arguments, environment)
    family.wait_until_answers(child, f"{sandbox.url}/_sandbox/healthz")
    return sandbox


def start_workers(family: ProcessGroup, count: int) -> list[Child]:
    return [family.start(f"worker-{number}", ["manage.py", "worker"]) for number in range(count)]


def start_web(family: ProcessGroup, *options: str, **environment: str) -> str:
    """Returns the address of a new web process; `environment` overrides its settings."""
    port = free_port(0)
    child = family.start("web", server.command("127.0.0.1", port, *options), environment)
    url = f"http://127.0.0.1:{port}"
    family.wait_until_answers(child, f"{url}/healthz")
    return url


def make_account(endpoint: str = "http://127.0.0.1:9") -> None:
    """The only upstream account of a benchmark, unreachable by default."""
    from videos.models import UpstreamAccount

    UpstreamAccount.objects.create(
        name="bench", endpoint=endpoint, secret_id=SECRET_ID, secret_key=SECRET_KEY
    )


def make_accounts(
    sandbox: Sandbox, count: int, product: str = "mps", **fields: Any
) -> "list[UpstreamAccount]":
    """More accounts of a product, and their keys in the sandbox."""
    from videos.models import UpstreamAccount

    keys = {f"AKID{product}{number}": f"secret {number}" for number in range(count)}
    sandbox.control("keys", keys)
    application = APPLICATION if product == "vod" else None
    return [
        UpstreamAccount.objects.create(
            name=secret_id,
            product=product,
            endpoint=sandbox.url,
            secret_id=secret_id,
            secret_key=secret_key,
            sub_app_id=application,
            **fields,
        )
        for secret_id, secret_key in keys.items()
    ]


def order(caller: "Caller", count: int, script: str = "") -> None:
    """Create tasks as the API does."""
    from tests.conftest import order_video

    for number in range(count):
        prompt = f"{caller.tenant.name}, {number} {script}"
        order_video(caller, {"model": "Kling-3.0-1080p", "seconds": 5, "prompt": prompt})


def wait_until(condition: Callable[[], bool], seconds: float = 600) -> None:
    """Raises `RuntimeError` if it is not true within so many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(f"not within {seconds:g} s: {condition.__name__}")
        time.sleep(0.05)


def make_callers(tenants: int) -> "list[Caller]":
    from accounts.models import Tenant
    from tests.conftest import make_caller

    return [make_caller(Tenant.objects.create(name=f"bench {number}")) for number in range(tenants)]


def percentile(values: list[float], percent: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def report(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
