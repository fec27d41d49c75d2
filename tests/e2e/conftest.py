"""A whole gateway for a browser to look at: web, worker and sandbox, on the test's own database."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest
from django.conf import LazySettings, global_settings
from django.db import connections

from accounts.models import Membership, Role, Tenant, User
from tests.conftest import Sandbox
from tests.web_process import WebProcess
from tests.worker_process import Workers, workers  # noqa: F401 - a fixture
from videos.models import UpstreamAccount

PASSWORD = "a long pass phrase 7"


T = TypeVar("T")


def in_database(look_up: Callable[[], T]) -> T:
    """Look something up while a browser is open: its driver runs an event loop in the thread of the test."""

    def work() -> T:
        try:
            return look_up()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as threads:
        return threads.submit(work).result()


@dataclass(frozen=True)
class Site:
    """The gateway, and the people who know it."""

    url: str
    sandbox: Sandbox
    alice: User
    """Owns the tenant."""
    sophie: User
    """Of the staff."""
    tenant: Tenant

    @property
    def portal(self) -> str:
        """Where the tenant's pages begin."""
        return f"/portal/{self.tenant.pk}/"


@pytest.fixture(autouse=True)
def real_hashes(settings: LazySettings) -> None:
    """Passwords as the web process reads them; the other tests have a quicker way."""
    settings.PASSWORD_HASHERS = global_settings.PASSWORD_HASHERS


@pytest.fixture
def site(
    workers: Workers,  # noqa: F811 - the fixture
    sandbox: Sandbox,
    sandbox_account: UpstreamAccount,
    tmp_path: Path,
    results_folder: Path,
) -> Iterator[Site]:
    """The gateway, with a tenant of Alice's and Sophie at the console."""
    tenant = Tenant.objects.create(name="Alice Studio", time_zone="Asia/Shanghai")
    alice = User.objects.create_user("alice@example.com", "alice@example.com", PASSWORD)
    Membership.objects.create(tenant=tenant, user=alice, role=Role.OWNER)
    sophie = User.objects.create_superuser("sophie", "sophie@example.com", PASSWORD)
    web = WebProcess("web", tmp_path, RESULTS_DIR=str(results_folder))
    try:
        web.wait()
        workers.start()
        yield Site(web.url, sandbox, alice, sophie, tenant)
    finally:
        web.kill()
