"""GET /v1/account: limits, use, balance and the key itself."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.conf import LazySettings
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import APIKey, Quota, Standing, Tenant, WhenFull
from accounts.quotas.totals import Period
from tests.conftest import Caller, MakeTask
from videos.models import DailyUsage
from videos.states import Status

LIMITS: dict[str, Any] = {
    "concurrent_tasks": 5,
    "queued_tasks": 10,
    "when_full": WhenFull.QUEUE,
    "requests_per_minute": 60,
    "seconds_per_day": 3600,
    "seconds_per_month": 7200,
    "spend_per_day": Decimal("10.5"),
    "spend_per_month": Decimal("100.000001"),
}
SHOWN = LIMITS | {"when_full": "queue", "spend_per_day": "10.50", "spend_per_month": "100.000001"}
UNLIMITED = dict.fromkeys(LIMITS, None) | {"when_full": "refuse"}


def account(caller: Caller) -> dict[str, Any]:
    answer = caller.get("/v1/account")
    assert answer.status_code == 200, answer.content
    body: dict[str, Any] = answer.json()
    return body


def period(caller: Caller) -> Period:
    return Period.of(timezone.now(), Tenant.objects.get(pk=caller.tenant.pk).clock)


def stand(caller: Caller, **totals: Any) -> None:
    Standing.objects.filter(tenant=caller.tenant).update(**totals)


def test_a_new_tenant_has_no_limits_no_use_and_no_money(owner: Caller) -> None:
    assert owner.key is not None
    body = account(owner)
    resets = body.pop("resets")
    assert resets.keys() == {"day", "month"}
    assert body == {
        "object": "account",
        "name": "Alice",
        "time_zone": "UTC",
        "currency": "CNY",
        "limits": UNLIMITED,
        "use": {
            "concurrent_tasks": 0,
            "queued_tasks": 0,
            "seconds_today": 0,
            "seconds_this_month": 0,
            "spend_today": "0.00",
            "spend_this_month": "0.00",
            "requests_last_minute": 0,
        },
        "balance": {"prepaid": False, "available": None, "held": "0.00"},
        "key": {
            "name": "owner",
            "prefix": owner.key.prefix,
            "scopes": ["read", "write"],
            "expires_at": None,
            "allowed_models": [],
            "allowed_networks": [],
            "requests_per_minute": None,
            "spend_per_month": None,
        },
    }


@pytest.mark.parametrize("slash", ["", "/"])
def test_head_finds_the_account(slash: str, owner: Caller) -> None:
    answer = owner.head(f"/v1/account{slash}")
    assert (answer.status_code, answer.content) == (200, b"")


# --- limits


def test_the_limits_are_those_of_the_tenants_quota(owner: Caller, mate: Caller, stranger: Caller) -> None:
    Quota.objects.create(tenant=owner.tenant, is_prepaid=True, **LIMITS)
    for caller in (owner, mate):
        body = account(caller)
        assert (body["limits"], body["balance"]["prepaid"]) == (SHOWN, True)
    assert account(stranger)["limits"] == UNLIMITED


def test_a_limit_of_zero_is_shown_as_zero_and_not_as_unlimited(owner: Caller) -> None:
    Quota.objects.create(tenant=owner.tenant, concurrent_tasks=0, spend_per_day=Decimal(0))
    assert account(owner)["limits"] == UNLIMITED | {"concurrent_tasks": 0, "spend_per_day": "0.00"}


def test_without_a_quota_the_limits_are_those_of_the_settings(
    owner: Caller, stranger: Caller, settings: LazySettings
) -> None:
    settings.DEFAULT_QUOTA = {name: str(value) for name, value in LIMITS.items()} | {"is_prepaid": "True"}
    Quota.objects.create(tenant=stranger.tenant)
    body = account(owner)
    assert (body["limits"], body["balance"]["prepaid"]) == (SHOWN, True)
    assert account(stranger)["limits"] == UNLIMITED


# --- use and money


def test_use_and_balance_are_the_running_totals_of_the_tenant(
    owner: Caller, mate: Caller, stranger: Caller
) -> None:
    now = period(owner)
    Quota.objects.create(tenant=owner.tenant, is_prepaid=True)
    stand(owner, open_tasks=3, waiting_tasks=2, balance=Decimal("12"), held=Decimal("3.5"))
    stand(owner, day=now.day, day_seconds=15, day_spend=Decimal("1.25"))
    stand(owner, month=now.month, month_seconds=40, month_spend=Decimal("4.000001"))
    for caller in (owner, mate):
        body = account(caller)
        assert body["balance"] == {"prepaid": True, "available": "12.00", "held": "3.50"}
        assert body["use"] == {
            "concurrent_tasks": 3,
            "queued_tasks": 2,
            "seconds_today": 15,
            "seconds_this_month": 40,
            "spend_today": "1.25",
            "spend_this_month": "4.000001",
            "requests_last_minute": 0,
        }
    assert account(stranger)["use"]["concurrent_tasks"] == 0


def test_a_debt_is_shown_as_a_negative_balance(owner: Caller) -> None:
    Quota.objects.create(tenant=owner.tenant, is_prepaid=True)
    stand(owner, balance=Decimal("-0.5"))
    assert account(owner)["balance"]["available"] == "-0.50"


def test_totals_of_another_day_do_not_count_today(owner: Caller) -> None:
    now = period(owner)
    stand(owner, day=now.day - timedelta(days=1), day_seconds=15, day_spend=Decimal("1.25"))
    stand(owner, month=(now.month - timedelta(days=1)).replace(day=1), month_seconds=40, month_spend=4)
    use = account(owner)["use"]
    assert (use["seconds_today"], use["seconds_this_month"]) == (0, 0)
    assert (use["spend_today"], use["spend_this_month"]) == ("0.00", "0.00")


def test_if_the_totals_are_of_another_day_use_is_read_from_the_daily_usage(
    owner: Caller, mate: Caller, stranger: Caller
) -> None:
    now = period(owner)
    last_day_before, first_day_after = now.month - timedelta(days=1), now.month_ends.date()
    for day, seconds in ((now.day, 1), (now.month, 10), (last_day_before, 100), (first_day_after, 1000)):
        for caller in (owner, mate, stranger):
            spend = Decimal(seconds) / 4
            row = {"tenant": caller.tenant, "api_key": caller.key, "model": f"of {seconds}", "day": day}
            DailyUsage.objects.create(**row, tasks=1, seconds=seconds, spend=spend)
    stand(owner, day=last_day_before, day_seconds=7)
    use = account(owner)["use"]
    today = 22 if now.day == now.month else 2
    assert (use["seconds_today"], use["spend_today"]) == (today, f"{today / 4:.2f}")
    assert (use["seconds_this_month"], use["spend_this_month"]) == (22, "5.50")


def test_requests_of_the_last_minute_include_deleted_tasks(
    owner: Caller, mate: Caller, stranger: Caller, make_task: MakeTask
) -> None:
    now = timezone.now()
    for age in (0, 20, 40, 61, 3600):
        make_task(now=now - timedelta(seconds=age))
    make_task(Status.FAILED, now=now - timedelta(seconds=5), hidden_at=now, api_key=mate.key)
    make_task(now=now, tenant=stranger.tenant, api_key=stranger.key)
    assert [account(caller)["use"]["requests_last_minute"] for caller in (owner, mate, stranger)] == [4, 4, 1]


# --- resets


@pytest.mark.parametrize("time_zone", ["UTC", "Asia/Shanghai", "America/New_York", "Asia/Kolkata"])
def test_limits_reset_at_the_tenants_own_midnight(time_zone: str, owner: Caller) -> None:
    Tenant.objects.update(time_zone=time_zone)
    before = timezone.now()
    body = account(owner)
    day, month = (datetime.fromisoformat(body["resets"][name]) for name in ("day", "month"))
    assert body["time_zone"] == time_zone
    assert before < day <= timezone.now() + timedelta(hours=25)
    assert day <= month
    for moment in (day, month):
        local = moment.astimezone(ZoneInfo(time_zone))
        assert (local.hour, local.minute, local.second) == (0, 0, 0)
        assert moment.utcoffset() == local.utcoffset()
    assert month.day == 1


# --- the key


def test_a_key_sees_its_permissions_but_no_secret(owner: Caller, mate: Caller) -> None:
    assert owner.key is not None
    assert mate.key is not None
    expires_at = datetime(2100, 1, 1, tzinfo=UTC)
    APIKey.objects.filter(pk=mate.key.pk).update(
        expires_at=expires_at,
        allowed_models=["Vidu-q2-720p"],
        allowed_networks=["127.0.0.0/8"],
        requests_per_minute=7,
        spend_per_month=Decimal("20"),
    )
    answer = mate.get("/v1/account")
    assert answer.json()["key"] == {
        "name": "mate",
        "prefix": mate.key.prefix,
        "scopes": ["read", "write"],
        "expires_at": int(expires_at.timestamp()),
        "allowed_models": ["Vidu-q2-720p"],
        "allowed_networks": ["127.0.0.0/8"],
        "requests_per_minute": 7,
        "spend_per_month": "20.00",
    }
    for secret in (mate.key.digest, str(mate.text), owner.key.prefix):
        assert secret.encode() not in answer.content


# --- queries


def test_an_account_takes_four_queries(
    owner: Caller, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    """Key, quota, totals, and requests of the last minute."""
    now = period(owner)
    stand(owner, day=now.day, month=now.month)
    account(owner)
    with django_assert_num_queries(4):
        account(owner)
