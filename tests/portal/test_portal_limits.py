"""Limits in the tenant portal: use, resets and balance."""

from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import Quota, Role, Standing, Tenant
from accounts.quotas.totals import Period
from tests.conftest import Caller
from tests.support.members import Member, words
from videos.billing.account import account_of
from videos.pages.limits import LINES, Meter

LIMITS: dict[str, Any] = {
    "concurrent_tasks": 5,
    "queued_tasks": 10,
    "when_full": "queue",
    "requests_per_minute": 60,
    "seconds_per_day": 3600,
    "seconds_per_month": 72000,
    "spend_per_day": Decimal("10.5"),
    "spend_per_month": Decimal("1000.000001"),
}


@pytest.fixture
def alice(owner: Caller) -> Member:
    """A viewer of Alice's tenant, which is enough."""
    return Member(owner.tenant, Role.VIEWER)


def stand(tenant: Tenant, **totals: Any) -> None:
    """Set the running totals of the current day and month."""
    period = Period.of(timezone.now(), Tenant.objects.get(pk=tenant.pk).clock)
    Standing.objects.filter(tenant=tenant).update(day=period.day, month=period.month, **totals)


def meters(person: Member) -> dict[str, Meter]:
    return {meter.line.limit: meter for meter in person.get("portal:limits").context["meters"]}


def test_each_limit_is_shown_with_its_use(alice: Member) -> None:
    Quota.objects.create(tenant=alice.tenant, **LIMITS)
    stand(alice.tenant, open_tasks=3, waiting_tasks=2, day_seconds=1800, day_spend=Decimal("1.25"))
    stand(alice.tenant, month_seconds=36000, month_spend=Decimal("250"))
    page = alice.see("portal:limits").replace("\u202f", " ")
    for expected in (
        "3 of 5",
        "2 of 10",
        "0 of 60",
        "1,800 s of 3,600 s",
        "36,000 s of 72,000 s",
        "1.25 CNY of 10.50 CNY",
        "250.00 CNY of 1,000.00 CNY",
        "wait in your queue",
    ):
        assert expected in page
    assert [meter.percent for meter in meters(alice).values()] == [60, 20, 0, 50, 50, 11, 24]


def test_the_page_and_the_api_agree(alice: Member, owner: Caller) -> None:
    Quota.objects.create(tenant=alice.tenant, **{**LIMITS, "is_prepaid": True})
    stand(alice.tenant, open_tasks=1, day_seconds=7, month_spend=Decimal("3.5"))
    stand(alice.tenant, balance=Decimal(9), held=Decimal(2))
    api = owner.get("/v1/account").json()
    shown = meters(alice)
    for line in LINES:
        meter = shown[line.limit]
        expected = (Decimal(api["limits"][line.limit]), Decimal(api["use"][line.use]))
        assert expected == (meter.limit, meter.used)
    page = alice.see("portal:limits").replace("\u202f", " ")
    assert f"Balance {api['balance']['available']} CNY" in page
    assert f"Held for open videos {api['balance']['held']} CNY" in page


def test_without_a_limit_the_use_is_shown_as_unlimited_without_a_meter(alice: Member) -> None:
    answer = alice.get("portal:limits")
    assert words(answer).count("used; unlimited") == 6
    assert "<progress" not in answer.content.decode()
    assert "starts anew" not in words(answer)
    assert "beyond the concurrency limit are refused" in words(answer)


def test_a_limit_of_0_is_shown_as_refusing_everything(alice: Member) -> None:
    Quota.objects.create(tenant=alice.tenant, seconds_per_day=0)
    page = alice.see("portal:limits")
    assert "All requests refused" in page
    assert "The limit is 0: no videos are accepted." in page
    assert "starts anew" not in page


def test_a_queue_of_0_is_shown_as_refusing_only_waiting_tasks(alice: Member) -> None:
    Quota.objects.create(tenant=alice.tenant, queued_tasks=0, when_full="queue")
    page = alice.see("portal:limits")
    assert "Queueing disabled" in page
    assert "All requests refused" not in page


def test_the_queue_is_shown_only_if_enabled(alice: Member) -> None:
    Quota.objects.create(tenant=alice.tenant, queued_tasks=5, when_full="refuse")
    assert "queued_tasks" not in meters(alice)


@pytest.mark.parametrize(
    ("used", "percent", "chip"),
    [
        (0, 0, ""),
        (79, 79, ""),
        (80, 80, "Nearly reached"),
        (99, 99, "Nearly reached"),
        (100, 100, "Reached"),
        (250, 100, "Reached"),
    ],
)
def test_a_limit_that_is_nearly_reached_shows_advice(
    used: int, percent: int, chip: str, alice: Member
) -> None:
    Quota.objects.create(tenant=alice.tenant, seconds_per_day=100)
    stand(alice.tenant, day_seconds=used)
    meter = meters(alice)["seconds_per_day"]
    assert (meter.percent, chip in str(meter.chip), bool(meter.chip)) == (percent, True, bool(chip))
    page = alice.get("portal:limits")
    assert f'max="100" value="{percent}" aria-labelledby="meter-' in page.content.decode()
    assert ("Shorter videos use less" in words(page)) is bool(chip)


@pytest.mark.parametrize("time_zone", ["UTC", "Asia/Kolkata", "America/New_York"])
def test_limits_reset_at_the_tenants_own_midnight(time_zone: str, alice: Member) -> None:
    Quota.objects.create(tenant=alice.tenant, **LIMITS)
    Tenant.objects.update(time_zone=time_zone)
    alice.client.cookies["time_zone"] = "Pacific/Kiritimati"
    possible = []
    for _ in range(2):  # in case midnight passes
        period = account_of(Tenant.objects.get(pk=alice.tenant.pk), timezone.now()).period
        ends = (period.day_ends, period.month_ends)
        possible.append([f"resets on {end:%Y-%m-%d} 00:00" for end in ends])
        page = alice.see("portal:limits")
    assert any(day in page and month in page for day, month in possible)
    assert f"Days and months are in the {time_zone} time zone." in page


@pytest.mark.parametrize(
    ("is_prepaid", "balance", "expected", "is_warned"),
    [
        (True, "-0.5", "it must cover each video", True),
        (True, "0", "it must cover each video", True),
        (True, "0.01", "it must cover each video", False),
        (False, "-5", "it may be negative", False),
    ],
)
def test_the_balance_is_shown_with_its_meaning(
    is_prepaid: bool, balance: str, expected: str, is_warned: bool, alice: Member
) -> None:
    Quota.objects.create(tenant=alice.tenant, is_prepaid=is_prepaid)
    stand(alice.tenant, balance=Decimal(balance))
    page = alice.see("portal:limits")
    assert expected in page
    assert ("The balance is used up" in page) is is_warned


def test_another_tenants_limits_are_not_found(alice: Member, stranger: Caller) -> None:
    assert alice.get("portal:limits", tenant=stranger.tenant).status_code == 404
    assert alice.post("portal:limits").status_code == 405


def test_the_page_takes_few_queries(
    alice: Member, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_max_num_queries(9):
        alice.get("portal:limits")
