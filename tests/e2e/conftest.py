"""A gateway for browser tests: web, worker and sandbox on the test database."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import pytest
from django.conf import LazySettings, global_settings
from django.contrib.auth.models import Group
from django.db import connections
from django.utils import timezone

from accounts import audit
from accounts.members import invitations
from accounts.models import APIKey, AuditPlace, CosBucket, Membership, Quota, Role, Tenant, User
from tests.bench import made_up
from tests.conftest import GOOD_BODY, Caller, Sandbox, make_caller, order_video
from tests.support.fork_server import ForkServer
from tests.support.web_process import WebProcess
from tests.support.worker_process import Workers, wait_until, workers  # noqa: F401 - a fixture
from videos.billing import ledger
from videos.models import PriceList, Task, UpstreamAccount
from videos.states import Status

PASSWORD = "a long pass phrase 7"


T = TypeVar("T")


def in_database(look_up: Callable[[], T]) -> T:
    """Query the database while a browser is open, whose driver runs an event loop in the test's thread."""

    def work() -> T:
        try:
            return look_up()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as threads:
        return threads.submit(work).result()


@dataclass(frozen=True)
class Site:
    """The gateway and its users."""

    url: str
    sandbox: Sandbox
    alice: User
    """The owner of the tenant."""
    sophie: User
    """A member of staff."""
    tenant: Tenant

    @property
    def portal(self) -> str:
        """The root of the tenant's pages."""
        return f"/portal/{self.tenant.pk}/"


@pytest.fixture(autouse=True)
def real_hashes(settings: LazySettings) -> None:
    """Hash passwords as the web process does; other tests use a faster hasher."""
    settings.PASSWORD_HASHERS = global_settings.PASSWORD_HASHERS


@pytest.fixture
def site(
    workers: Workers,  # noqa: F811 - the fixture
    fork_server: ForkServer,
    sandbox: Sandbox,
    sandbox_account: UpstreamAccount,
    tmp_path: Path,
    results_folder: Path,
) -> Iterator[Site]:
    """The gateway with Alice's tenant and Sophie at the console."""
    tenant = Tenant.objects.create(name="Alice Studio", time_zone="Asia/Shanghai")
    alice = User.objects.create_user("alice@example.com", "alice@example.com", PASSWORD)
    Membership.objects.create(tenant=tenant, user=alice, role=Role.OWNER)
    sophie = User.objects.create_superuser("sophie", "sophie@example.com", PASSWORD)
    web = WebProcess(fork_server, tmp_path / "web.log", RESULTS_DIR=str(results_folder))
    try:
        web.wait()
        workers.start()
        yield Site(web.url, sandbox, alice, sophie, tenant)
    finally:
        web.kill()


@pytest.fixture
def furnished(site: Site, mate_key: Caller) -> Site:
    """The site with content on every page: videos in many states, a history, people, keys and money."""
    made_up.fill(300, tenants=3, days=20)
    _furnish(site)
    _make_videos(site, mate_key)
    return site


@pytest.fixture
def mate_key(site: Site) -> Caller:
    """An API client of the tenant."""
    return make_caller(site.tenant, "the studio's program")


def _furnish(site: Site) -> None:
    now = timezone.now()
    ledger.top_up(site.tenant, Decimal(500), site.sophie, "paid by bank transfer", now)
    Quota.objects.create(tenant=site.tenant, concurrent_tasks=20, seconds_per_day=600, is_prepaid=True)
    CosBucket.objects.create(tenant=site.tenant, bucket="", region="")
    Group.objects.create(name="support")
    PriceList.objects.create(name="VIP")
    mate = User.objects.create_user("bob@example.com", "bob@example.com", PASSWORD)
    Membership.objects.create(tenant=site.tenant, user=mate, role=Role.VIEWER)
    invitations.invite(site.tenant, "carol@example.com", Role.MEMBER, site.alice, now)
    by = audit.Author(site.sophie, AuditPlace.CONSOLE)
    audit.record(
        by, audit.About.QUOTA.named(site.tenant), "agreed by mail", {"queued_tasks": 1}, {}, now, site.tenant
    )
    old, _ = APIKey.objects.mint(site.tenant, "an old program")
    old.revoke(now)


def _make_videos(site: Site, caller: Caller) -> None:
    """One video in each final and intermediate state, made by real workers."""
    prompts = (
        "A lighthouse in a storm, seen from a small boat",
        "傍晚的江边一只猫慢慢走过石桥",
        '[sandbox: fail message="The prompt violates the policy"] a dragon',
        "[sandbox: never_end] a river that flows for ever",
    )
    tasks = [order_video(caller, {**GOOD_BODY, "prompt": prompt}) for prompt in prompts]
    wait_until("two videos", lambda: _count(site, Status.SUCCEEDED, has_poster=True) == 2, 90)
    wait_until("a failure", lambda: _count(site, Status.FAILED) == 1, 90)
    wait_until("one at work", lambda: _count(site, Status.RUNNING) == 1, 90)
    site.sandbox.script("create", "drop_after_accept")
    order_video(caller, {**GOOD_BODY, "prompt": "A kite over the sea"})
    wait_until("a doubt", lambda: _count(site, Status.IN_DOUBT) == 1, 90)
    assert len(tasks) == len(prompts)


def _count(site: Site, status: Status, **more: Any) -> int:
    return Task.objects.filter(tenant=site.tenant, status=status, **more).count()
