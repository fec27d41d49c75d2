"""No page in Chinese has a word of English but names and codes."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts import audit
from accounts.members import invitations
from accounts.models import APIKey, AuditPlace, CosBucket, Quota, Role, Tenant, User
from tests.conftest import Caller, MakeTask
from tests.support.english import english_in
from tests.support.pages import MEMBER, NOBODY, STAFF, Page, pages
from tests.support.people import Browser, make_person, text
from videos import catalogue
from videos.billing import ledger
from videos.models import UpstreamAccount
from videos.queueing import Job
from videos.states import Attention, Status, Verb
from videos.tasks.failures import FailureCode

NAMES = frozenset(part for spec in catalogue.MODELS for part in (spec.family, *spec.name.split("-")))
"""Parts of models' names."""
PEOPLE = frozenset({"alice", "bob", "sophie", "Alice", "Bob", "Sophie"})
JOBS = frozenset(job.value for job in Job)
"""Names of jobs, which are those of their code."""
CHINESE = {"accept-language": "zh-hans"}


@pytest.fixture
def tenant(owner: Caller, make_task: MakeTask) -> Tenant:
    """A tenant with names in Chinese, and something on each page."""
    tenant = owner.tenant
    tenant.name = "小爱工作室"
    tenant.save(update_fields=["name"])
    APIKey.objects.update(name="程序一")
    UpstreamAccount.objects.update(name="账号一")
    _tasks(make_task)
    return tenant


def _tasks(make_task: MakeTask) -> None:
    """A task in each state, and one for each reason why staff should look at it."""
    now, asked = timezone.now(), {"model": "Kling-3.0-720p", "seconds": "5", "prompt": "一只猫"}
    for status in Status:
        task = make_task(status, request=asked, now=now - timedelta(hours=1))
        for verb in Verb:
            task.events.create(at=now, verb=verb, status=status, detail={})
    for code in FailureCode:
        make_task(Status.FAILED, request=asked, failure_code=code, failure_message="It did not work.")
    for reason in Attention:
        make_task(Status.RUNNING, request=asked, attention=f"{reason}: 12")


@pytest.fixture
def sophie(tenant: Tenant) -> User:
    """A member of staff, whose changes are on record."""
    sophie, now = User.objects.create_superuser("sophie"), timezone.now()
    by = audit.Author(sophie, AuditPlace.CONSOLE)
    ledger.top_up(tenant, Decimal(500), sophie, "银行转账", now)
    Quota.objects.create(tenant=tenant, concurrent_tasks=20, seconds_per_day=600, is_prepaid=True)
    CosBucket.objects.create(tenant=tenant, bucket="", region="")
    changed = {"concurrent_tasks": 5}, {"concurrent_tasks": 20}
    audit.record_change(by, f"quota of {tenant}", changed, now, tenant, "约定")
    return sophie


def _of_dialogs(tenant: Tenant, sophie: User) -> Iterator[Page]:
    """Pages that ask before something is done, and histories."""
    yield Page("remove-bucket", MEMBER, reverse("account:remove-bucket", args=[tenant.pk]))
    for action in ("history", "delete"):
        yield Page(
            f"console-user-{action}", STAFF, reverse(f"admin:accounts_user_{action}", args=[sophie.pk])
        )
    yield Page("console-tenant-history", STAFF, reverse("admin:accounts_tenant_history", args=[tenant.pk]))


def test_no_page_in_chinese_has_english_words(tenant: Tenant, sophie: User) -> None:
    alice = make_person("alice", tenant, Role.OWNER)
    invitations.invite(tenant, "carol@people.example", Role.MEMBER, alice, timezone.now())
    browsers = {NOBODY: Browser(), MEMBER: Browser(alice), STAFF: Browser(sophie)}
    found: dict[str, list[str]] = {}
    for page in (*pages(tenant, sophie), *_of_dialogs(tenant, sophie)):
        shown = text(browsers[page.viewer].get(page.path, headers=CHINESE))
        if english := english_in(shown, NAMES | PEOPLE | JOBS):
            found[page.name] = english
    assert not found, "\n" + "\n".join(f"{name}: {english}" for name, english in found.items())


def test_the_scan_finds_english_and_passes_over_what_is_marked() -> None:
    page = """<html lang="zh"><p title="Open">状态 running</p><p>Kling-3.0-720p</p><code>run</code>
        <p>任务 task_01a2 <b translate="no">Alice</b></p>
        <q lang="en">It failed</q><img alt="a cat"><i>结束</i></html>"""
    assert english_in(page, NAMES) == ["Open", "状态 running", "a cat"]
