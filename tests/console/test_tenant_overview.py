"""The overview of a tenant in the staff console: what it shows of money, limits, tasks, people and keys."""

import re
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import APIKey, Membership, Quota, Role, Standing, Tenant, User
from tests.conftest import NOW, Caller, MakeTask, order_video
from tests.support.console import Person
from videos.billing import ledger
from videos.console.tenant_overview import MOST_TASKS
from videos.models import DailyUsage, LedgerEntry
from videos.states import Status

LIST = "/admin/accounts/tenant/"


@pytest.fixture
def sophie(db: None) -> Person:
    return Person("sophie")


def overview_of(tenant: Tenant) -> str:
    return f"{LIST}{tenant.pk}/"


def test_the_overview_shows_money_limits_tasks_people_and_keys(
    sophie: Person, owner: Caller, stranger: Caller, make_task: MakeTask
) -> None:
    tenant = owner.tenant
    Quota.objects.create(tenant=tenant, concurrent_tasks=2, is_prepaid=True)
    ledger.top_up(tenant, Decimal(100), sophie.user, "paid", NOW)
    task = make_task(price=Decimal("2.5"), request={"prompt": "a purple cat"})
    make_task(Status.FAILED, price=Decimal(9))
    Membership.objects.create(tenant=tenant, user=User.objects.create_user("dora"), role=Role.OWNER)
    page = sophie.see(overview_of(tenant))
    for text in (
        "97.50\u202fCNY",  # the balance
        "1 of 2",
        "a purple cat",
        f"/admin/videos/task/{task.pk}/change/",
        "not charged",
        "Generation failed",  # in words, not the code
        "dora",
        "owner",
        f"/admin/accounts/apikey/{owner.key.pk}/revoke/",  # type: ignore[union-attr]  # it has one
        "/suspension/",
    ):
        assert text in page, text
    assert "generation_failed" not in page
    assert stranger.key is not None
    assert stranger.key.prefix not in page
    assert f'href="{overview_of(tenant)}"' in sophie.see(LIST)


def test_its_links_lead_to_this_tenant_only(sophie: Person, owner: Caller, make_task: MakeTask) -> None:
    other = Tenant.objects.create(name="Alice and Sons")
    own, others = make_task(), make_task(tenant=other, api_key=None)
    page = sophie.see(overview_of(owner.tenant))
    [tasks] = re.findall(r'id="its-tasks" href="([^"]+)"', page)
    shown = sophie.see(tasks)
    assert own.public_id in shown
    assert others.public_id not in shown
    [top_up] = re.findall(r'id="top-up" href="([^"]+)"', page)
    form = sophie.open(top_up.replace("&amp;", "&"))
    assert (form["tenant"], form["kind"]) == (str(owner.tenant.pk), "top_up")
    sophie.fill_in(top_up.replace("&amp;", "&"), amount="5", reason="paid")
    assert LedgerEntry.objects.get(kind="top_up").tenant == owner.tenant


def test_the_spend_of_any_of_its_months_is_shown(sophie: Person, owner: Caller) -> None:
    Tenant.objects.update(created_at=timezone.now() - timedelta(days=400))
    today = timezone.now().date()
    last_month = (today.replace(day=1) - timedelta(days=1)).replace(day=3)
    for day, spend in ((today, "7.25"), (last_month, "3.125")):
        _use(owner.tenant, day, Decimal(spend))
    page = overview_of(owner.tenant)
    assert "7.25\u202fCNY" in sophie.see(page)
    earlier = sophie.see(f"{page}?month={last_month:%Y-%m}")
    assert re.search(r">3\.13\u202fCNY<", earlier)
    assert f'<th scope="row">{last_month}</th>' in earlier
    for unknown in ("2999-01", "1999-12", "x", "2026-13"):
        assert f"<option selected>{today:%Y-%m}" in sophie.see(f"{page}?month={unknown}")
    months = re.findall(r"<option(?: selected)?>(\d{4}-\d\d)", earlier)
    assert len(months) in (14, 15)
    assert months == sorted(months, reverse=True)


def _use(tenant: Tenant, day: date, spend: Decimal) -> None:
    DailyUsage.objects.create(tenant=tenant, day=day, model="GV-3.1-720p", tasks=1, seconds=5, spend=spend)


def test_use_of_an_earlier_day_is_not_shown_as_todays(sophie: Person, owner: Caller) -> None:
    Quota.objects.create(tenant=owner.tenant, seconds_per_day=1000, seconds_per_month=1000)
    Standing.objects.filter(tenant=owner.tenant).update(
        day="2020-01-01", day_seconds=77, month="2020-01-01", month_seconds=88
    )
    page = sophie.see(overview_of(owner.tenant))
    assert "0\u202fs of 1,000\u202fs" in page
    assert "77\u202fs" not in page
    assert "88\u202fs" not in page


def test_parts_need_their_permission(owner: Caller, make_task: MakeTask) -> None:
    task = make_task()
    page = overview_of(owner.tenant)
    seen = Person("tim", "view_tenant").see(page)
    for hidden in (
        task.public_id,
        str(task.pk),
        "Active API keys",
        "Top up",
        "New key",
        "/suspension/",
        ">Members</h2>",
    ):
        assert hidden not in seen, hidden
    assert Person("vera", "view_task", "view_apikey").get(page).status_code == 403
    assert "portal/" not in seen
    dora = Person("dora", "view_tenant", "view_membership")
    Membership.objects.create(tenant=owner.tenant, user=dora.user, role=Role.VIEWER)
    assert f"/portal/{owner.tenant.pk}/videos/" in dora.see(page)


def test_it_takes_few_queries_whatever_there_is(
    owner: Caller, account: object, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    permissions = ("view_tenant", "view_task", "view_apikey", "view_membership", "change_tenant")
    tim = Person("tim", *permissions)
    for number in range(MOST_TASKS + 2):
        order_video(owner)
        APIKey.objects.mint(owner.tenant, f"key {number}")
        member = User.objects.create_user(f"member{number}")
        Membership.objects.create(tenant=owner.tenant, user=member)
    Standing.objects.update(day="2020-01-01", month="2020-01-01")
    with django_assert_max_num_queries(15):
        tim.see(overview_of(owner.tenant))
