"""Every page is in the list of pages, and none in Chinese has a word of English but names and codes."""

import re
from collections.abc import Iterable, Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import Group
from django.urls import URLResolver, get_resolver, resolve, reverse
from django.utils import timezone

from accounts import audit
from accounts.members import invitations
from accounts.models import APIKey, AuditPlace, CosBucket, Quota, Role, Tenant, User
from tests.conftest import Caller, MakeTask
from tests.support.english import english_in
from tests.support.pages import MEMBER, NOBODY, STAFF, pages
from tests.support.people import PASSWORD, Browser, device_of, leads_to, make_person, text
from videos import catalogue
from videos.billing import ledger
from videos.models import PriceList, UpstreamAccount
from videos.queueing import Job, enqueue
from videos.states import Attention, Status, Verb
from videos.tasks.failures import FailureCode

NAMES = frozenset(part for spec in catalogue.MODELS for part in (spec.family, *spec.name.split("-")))
"""Parts of models' names."""
PEOPLE = frozenset({"alice", "bob", "sophie", "Alice", "Bob", "Sophie"})
JOBS = frozenset(name for job in Job for name in (job.value, job.value.capitalize()))
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
    Group.objects.create(name="客服")
    PriceList.objects.create(name="贵宾")
    enqueue(Job.SUBMIT)
    changed = {"concurrent_tasks": 5}, {"concurrent_tasks": 20}
    audit.record_change(by, audit.About.QUOTA.named(tenant), changed, now, tenant, "约定")
    return sophie


@pytest.fixture
def alice(tenant: Tenant) -> User:
    """The owner, who has invited somebody."""
    alice = make_person("alice", tenant, Role.OWNER)
    invitations.invite(tenant, "carol@people.example", Role.MEMBER, alice, timezone.now())
    return alice


NOT_LISTED = {
    "a file or a picture": r"admin:\w+_export|admin:videos_task_(poster|preview|picture)"
    r"|admin:accounts_tenant_csv|portal:(videos-file|usage-csv|statement-csv|picture|poster|preview)",
    "fetched by scripts": r"admin:(jsi18n|autocomplete)",
    "leads elsewhere": r"admin:(login|password_change|password_change_done|view_on_site)|people:home"
    r"|portal:balance-alert|account:check-bucket",
    "takes POST alone": r"admin:(logout|videos_upstreamaccount_(check|restore))"
    r"|people:(log-out|confirm-second-factor|turn-off-second-factor)"
    r"|account:(leave|member-role|remove-member|withdraw-invitation)",
    "rows that the console does not add": r"admin:(accounts_auditentry|accounts_invitation|videos_taskevent"
    r"|procrastinate_procrastinatejob)_add",
    "rows that the console does not delete": r"admin:(accounts_(auditentry|apikey|invitation|tenant)"
    r"|videos_(ledgerentry|price|task|taskevent)|procrastinate_procrastinatejob)_delete",
    "needs a second factor, see the test below": r"people:(log-in-code|recovery-codes)",
}
"""Routes that are no pages for the list, by the reason."""


def _routes(patterns: Iterable[Any], namespace: str = "") -> Iterator[str]:
    """The names of all routes for people; old addresses without a name lead elsewhere."""
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from _routes(pattern.url_patterns, pattern.namespace or namespace)
        elif namespace in ("people", "account", "portal", "admin") and pattern.name:
            yield f"{namespace}:{pattern.name}"


def test_every_page_is_in_the_list(tenant: Tenant, sophie: User, alice: User) -> None:
    addresses = [urlsplit(page.path).path for page in pages(tenant, sophie) if page.name != "not-found"]
    listed = {resolve(address).view_name for address in addresses}
    excused = {route for route in _routes(get_resolver().url_patterns) if _excuse(route)}
    assert {*_routes(get_resolver().url_patterns)} - listed - excused == set()
    assert listed & excused == set()


def _excuse(route: str) -> str:
    return next((why for why, which in NOT_LISTED.items() if re.fullmatch(which, route)), "")


def test_no_page_in_chinese_has_english_words(tenant: Tenant, sophie: User, alice: User) -> None:
    browsers = {NOBODY: Browser(), MEMBER: Browser(alice), STAFF: Browser(sophie)}
    found: dict[str, list[str]] = {}
    for page in pages(tenant, sophie):
        shown = text(browsers[page.viewer].get(page.path, headers=CHINESE))
        if english := english_in(shown, NAMES | PEOPLE | JOBS):
            found[page.name] = english
    assert not found, "\n" + "\n".join(f"{name}: {english}" for name, english in found.items())


def test_no_page_of_a_second_factor_in_chinese_has_english_words(alice: User) -> None:
    device_of(alice)
    anybody, browser = Browser(), Browser(alice)
    anybody.log_in("alice")
    codes = reverse("people:recovery-codes")
    made = leads_to(browser.post(codes, password=PASSWORD))
    for who, path in ((anybody, "/log-in/code/"), (browser, codes), (browser, made)):
        answer = who.get(path, headers=CHINESE)
        assert answer.status_code == 200
        assert not english_in(text(answer), PEOPLE)


def test_the_scan_finds_english_and_passes_over_what_is_marked() -> None:
    page = """<html lang="zh"><p title="Open">状态 running</p><p>Kling-3.0-720p</p><code>run</code>
        <p>任务 task_01a2 <b translate="no">Alice</b></p>
        <q lang="en">It failed</q><img alt="a cat"><i>结束</i></html>"""
    assert english_in(page, NAMES) == ["Open", "状态 running", "a cat"]
