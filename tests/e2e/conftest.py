"""A whole gateway for a browser to look at: web, worker and sandbox, on the test's own database."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from accounts.models import Membership, Role, Tenant, User
from tests.conftest import Sandbox
from tests.web_process import WebProcess
from tests.worker_process import Workers, workers  # noqa: F401 - a fixture
from videos.models import UpstreamAccount

# The browser's driver runs an event loop in this thread, in which Django would refuse to reach the database.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
PASSWORD = "a long pass phrase 7"


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
