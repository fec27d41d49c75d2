"""Tasks decided by a snapshot that is no longer current: written only if the totals still leave room."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone

from accounts.models import APIKey, CosBucket, Quota, Standing, Tenant, User
from tests.conftest import GOOD_BODY, Caller, make_caller, move, order_video
from videos.billing import ledger, reconciliation
from videos.errors import NotAdmitted
from videos.models import Price, Task, UpstreamAccount
from videos.tasks import admission, orders
from videos.tasks.admission import Caller as Asking
from videos.tasks.batch import Created, create_many
from videos.tasks.idempotency import Fingerprint
from videos.tasks.orders import Order

PRICE = Decimal(4)
LONG_AGO = timedelta(days=40)


@pytest.fixture(autouse=True)
def price(db: None, account: UpstreamAccount) -> None:
    Price.objects.all().delete()
    Price.objects.create(model="Kling-3.0-1080p", per_second=PRICE / 5, valid_from=timezone.now() - LONG_AGO)


def decided(caller: Caller, fingerprint: Fingerprint | None = None) -> Order:
    """An order by the totals and limits of this moment."""
    assert caller.key is not None
    key = APIKey.objects.select_related("tenant").get(pk=caller.key.pk)
    asking = Asking.of(key, timezone.now(), fingerprint or Fingerprint(b"a"))
    return orders.order(orders.check(GOOD_BODY, asking, admission.read_snapshot(asking)))


def is_written(order: Order) -> bool:
    [outcome] = create_many([order])
    assert reconciliation.differences() == []
    assert Task.objects.filter(pk=order.task_id).exists() == isinstance(outcome, Created)
    assert outcome is None or isinstance(outcome, Created)
    return outcome is not None


@pytest.mark.parametrize(
    "limit",
    [
        {"concurrent_tasks": 2},
        {"seconds_per_day": 10},
        {"seconds_per_month": 14},
        {"spend_per_day": 8},
        {"spend_per_month": 9},
        {"concurrent_tasks": 2, "when_full": "queue"},
    ],
    ids=str,
)
def test_tasks_are_written_as_long_as_the_totals_leave_room(limit: dict[str, Any], owner: Caller) -> None:
    Quota.objects.create(tenant=owner.tenant, **limit)
    order_video(owner)  # the first of the day
    early = [decided(owner) for _ in range(2)]
    assert [is_written(order) for order in early] == [True, False]


def test_a_prepaid_balance_covers_each_task(owner: Caller) -> None:
    Quota.objects.create(tenant=owner.tenant, is_prepaid=True)
    staff = User.objects.create(username="Sam", is_staff=True)
    ledger.top_up(owner.tenant, 3 * PRICE - 1, staff, "paid", timezone.now())
    order_video(owner)
    early = [decided(owner) for _ in range(2)]
    assert [is_written(order) for order in early] == [True, False]


def test_a_task_does_not_overtake_one_that_waits(owner: Caller) -> None:
    Quota.objects.create(tenant=owner.tenant, concurrent_tasks=3, when_full="queue")
    first = order_video(owner)
    early = decided(owner)
    Standing.objects.filter(tenant=owner.tenant).update(waiting_tasks=1, open_tasks=0)
    Task.objects.filter(pk=first.pk).update(status="waiting")
    assert not is_written(early)


CHANGES: dict[str, Callable[[Tenant], object]] = {
    "a lower quota": lambda tenant: Quota.objects.filter(tenant=tenant).update(concurrent_tasks=1),
    "no quota": lambda tenant: Quota.objects.filter(tenant=tenant).delete(),
    "a suspension": lambda tenant: tenant.suspend(timezone.now()),
    "a time zone": lambda tenant: move(tenant, "Asia/Tokyo", timezone.now()),
    "a revoked key": lambda tenant: APIKey.objects.filter(tenant=tenant).update(revoked_at=timezone.now()),
    "fewer models": lambda tenant: APIKey.objects.filter(tenant=tenant).update(allowed_models=["x"]),
    "a bucket": lambda tenant: CosBucket.objects.create(tenant=tenant, bucket="a-1", region="b"),
    "a price": lambda tenant: Price.objects.update(per_second=9),
}


@pytest.mark.parametrize("change", CHANGES)
def test_no_decision_outlives_the_limits_it_was_made_by(change: str, owner: Caller) -> None:
    Quota.objects.create(tenant=owner.tenant, concurrent_tasks=9)
    order_video(owner)
    early = decided(owner)
    CHANGES[change](owner.tenant)
    assert not is_written(early)


@pytest.mark.parametrize(
    ("fingerprint", "quota", "key"),
    [
        (Fingerprint(b"a", idempotency_key="one"), {}, {}),
        (Fingerprint(b"a", is_retry=True), {}, {}),
        (Fingerprint(b"a"), {"requests_per_minute": 9}, {}),
        (Fingerprint(b"a"), {}, {"requests_per_minute": 9}),
        (Fingerprint(b"a"), {}, {"spend_per_month": 900}),
    ],
    ids=["a key", "a retry", "a rate", "the key's rate", "the key's spend"],
)
def test_what_totals_do_not_count_needs_unchanged_totals(
    fingerprint: Fingerprint, quota: dict[str, Any], key: dict[str, Any], owner: Caller
) -> None:
    Quota.objects.create(tenant=owner.tenant, **quota)
    APIKey.objects.filter(tenant=owner.tenant).update(**key)
    order_video(owner)
    early, late = decided(owner, fingerprint), decided(owner, fingerprint)
    assert is_written(early)
    assert not is_written(late)


def test_the_first_task_of_a_day_needs_unchanged_totals(owner: Caller) -> None:
    order_video(owner, now=timezone.now() - LONG_AGO)
    early, late = decided(owner), decided(owner)
    assert is_written(early)
    assert not is_written(late)
    assert is_written(decided(owner))


def seen(order: Order, **values: Any) -> Order:
    """The order by a snapshot with other values."""
    return replace(order, checked=replace(order.checked, snapshot=replace(order.checked.snapshot, **values)))


def test_totals_that_were_read_again_are_not_added_twice(owner: Caller, mate: Caller) -> None:
    """The first order's totals were read after another task was created, and its own limit refuses it."""
    APIKey.objects.filter(name="mate").update(spend_per_month=0)
    order_video(owner)
    old = decided(owner).checked.snapshot
    order_video(owner)
    limited = seen(decided(mate), stored=old.stored)
    other = seen(decided(owner), stored=old.stored, totals=old.totals)
    limited = replace(limited, task_id=UUID(int=other.task_id.int - 1))
    assert [type(outcome) for outcome in create_many([limited, other])] != [NotAdmitted, Created]
    assert reconciliation.differences() == []


def test_tenants_of_a_batch_do_not_depend_on_each_other(owner: Caller, stranger: Caller) -> None:
    mate = make_caller(owner.tenant)
    for caller in (owner, stranger):
        order_video(caller)
    batch = [decided(caller) for caller in (owner, stranger, mate, stranger)]
    Quota.objects.create(tenant=stranger.tenant, concurrent_tasks=1)
    assert [type(outcome) for outcome in create_many(batch)] == [Created, type(None)] * 2
    assert reconciliation.differences() == []


def test_a_batch_holds_each_idempotency_key_once(owner: Caller) -> None:
    order_video(owner)
    batch = [decided(owner, Fingerprint(b"a", idempotency_key=key)) for key in ("one", "one", "two")]
    outcomes = create_many(batch)
    assert [type(outcome) for outcome in outcomes] == [Created, type(None), Created]


def test_a_batch_does_not_mix_keys_that_may_share_limits(owner: Caller, mate: Caller) -> None:
    order_video(owner)
    APIKey.objects.filter(tenant=owner.tenant).update(requests_per_minute=9)
    batch = [decided(caller) for caller in (owner, mate, owner)]
    assert [type(outcome) for outcome in create_many(batch)] == [Created, type(None), Created]
