"""Each limit through the API: when it refuses, the answer, and what ended tasks return."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

import pytest
from django.conf import LazySettings
from django.utils import timezone

from accounts.models import Quota, Standing, User, WhenFull
from tests.conftest import NOW, Caller, claim_next, move, order_video
from tests.support.limits import LATER, PRICE, SECONDS, limit, limit_key, pay_in, post, written
from tests.support.rows import each
from videos.billing import ledger, reconciliation
from videos.errors import NotAdmitted
from videos.models import Task, UpstreamAccount
from videos.tasks import lifecycle
from videos.tasks.failures import FailureCode
from videos.tasks.lifecycle import StoredMedia
from videos.worker.sweep import sweep

A_MOMENT = timedelta(microseconds=1)


@pytest.fixture(autouse=True)
def _books(db: None) -> Iterator[None]:
    """The books agree after every test."""
    yield
    assert reconciliation.differences() == []


def refused_names(refused: NotAdmitted) -> list[str]:
    return [refusal.limit for refusal in refused.refusals]


# --- each limit, through the API


class Row(NamedTuple):
    """A limit that two tasks reach exactly, and the refusal of the third."""

    limit: str
    value: int | str
    used: int | str
    code: str
    retry_within: int | None = None
    """Allowed seconds of `Retry-After`; None if clients should not retry."""


RATE, CONCURRENCY, QUOTA = "rate_limit_exceeded", "concurrency_limit_exceeded", "insufficient_quota"
TYPES = {RATE: "rate_limit_error", CONCURRENCY: "rate_limit_error", QUOTA: "insufficient_quota"}
REACHED = [
    Row("requests_per_minute", 2, 2, RATE, 60),
    Row("key.requests_per_minute", 2, 2, RATE, 60),
    Row("concurrent_tasks", 2, 2, CONCURRENCY, 3600),
    Row("seconds_per_day", 10, 10, QUOTA),
    Row("seconds_per_month", 10, 10, QUOTA),
    Row("spend_per_day", "8.00", "8.00", QUOTA),
    Row("spend_per_month", "8.00", "8.00", QUOTA),
    Row("key.spend_per_month", "8.00", "8.00", QUOTA),
    Row("balance", "0.00", "8.00", QUOTA),
]


def impose(caller: Caller, name: str, value: Any) -> None:
    """Set this one limit; for a balance, pay it in."""
    if name == "balance":
        limit(caller, is_prepaid=True)
        pay_in(caller, 8)
    elif name.startswith("key."):
        limit_key(caller, **{name.removeprefix("key."): value})
    else:
        limit(caller, **{name: value})


@pytest.mark.parametrize("row", REACHED, ids=lambda row: row.limit)
def test_a_reached_limit_refuses_the_next_task_and_the_refusal_uses_up_nothing(
    row: Row, owner: Caller, account: UpstreamAccount
) -> None:
    impose(owner, row.limit, row.value)
    assert [post(owner).status_code for _ in range(2)] == [200, 200]
    before = written()
    answer = post(owner)
    body = answer.json()
    [refusal] = body["errors"]
    assert answer.status_code == 429
    assert body["error"] == {
        "message": refusal["message"],
        "type": TYPES[row.code],
        "param": None,
        "code": row.code,
    }
    assert (body["code"], body["message"]) == (row.code, refusal["message"])
    assert (refusal["code"], refusal["param"]) == (row.code, None)
    assert (refusal["limit"], refusal["value"], refusal["used"]) == (row.limit, row.value, row.used)
    for number in (row.value, row.used) if row.limit != "balance" else (row.value,):
        assert f"{Decimal(number):f}".removesuffix(".00") in refusal["message"]
    assert_retry(answer, row.retry_within)
    assert "x-request-id" in answer.headers
    assert written() == before


def assert_retry(answer: Any, within: int | None) -> None:
    if within is None:
        assert answer.headers["x-should-retry"] == "false"
        assert "retry-after" not in answer.headers
        return
    assert "x-should-retry" not in answer.headers
    assert 1 <= int(answer.headers["retry-after"]) <= within
    retry_at = answer.json()["errors"][0]["retry_at"]
    assert 0 < retry_at - timezone.now().timestamp() <= within + 1


ZERO = [
    ("requests_per_minute", RATE),
    ("key.requests_per_minute", RATE),
    ("concurrent_tasks", CONCURRENCY),
    ("seconds_per_day", QUOTA),
    ("seconds_per_month", QUOTA),
    ("spend_per_day", QUOTA),
    ("spend_per_month", QUOTA),
    ("key.spend_per_month", QUOTA),
]


@pytest.mark.parametrize("when_full", WhenFull.values)
@pytest.mark.parametrize(("name", "code"), ZERO)
def test_a_limit_of_zero_refuses_everything_without_a_retry_time(
    name: str, code: str, when_full: str, owner: Caller, account: UpstreamAccount
) -> None:
    impose(owner, name, 0)
    Quota.objects.filter(tenant=owner.tenant).update(when_full=when_full)
    before = written()
    answer = post(owner)
    [refusal] = answer.json()["errors"]
    assert (answer.status_code, refusal["code"], refusal["limit"]) == (429, code, name)
    assert float(refusal["value"]) == float(refusal["used"]) == 0
    assert_retry(answer, None)
    assert written() == before


def test_a_quota_without_limits_refuses_nothing(owner: Caller, account: UpstreamAccount) -> None:
    limit(owner)
    assert [post(owner).status_code for _ in range(4)] == [200] * 4


@pytest.mark.parametrize("path", ["/v1/videos", "/v1/video/generations", "/v1/videos/generations"])
def test_all_create_routes_share_the_limits(path: str, owner: Caller, account: UpstreamAccount) -> None:
    limit(owner, concurrent_tasks=1)
    assert post(owner, path).status_code == 200
    for other in ("/v1/videos", "/v1/video/generations", "/v1/videos/generations/"):
        assert post(owner, other).status_code == 429


def test_a_task_that_fits_exactly_is_admitted_and_anything_above_is_not(
    owner: Caller, account: UpstreamAccount
) -> None:
    limit(owner, seconds_per_day=14, spend_per_month=Decimal("15.999999"))
    assert post(owner).status_code == 200
    assert [refusal["limit"] for refusal in post(owner, seconds=10).json()["errors"]] == ["seconds_per_day"]
    answer = post(owner, seconds=15)
    assert [refusal["limit"] for refusal in answer.json()["errors"]] == ["seconds_per_day", "spend_per_month"]
    assert post(owner, seconds=9).status_code == 200
    assert post(owner, model="Hailuo-2.3-fast-768p", seconds=6).status_code == 429


def test_the_seconds_and_price_of_the_task_itself_count(owner: Caller, account: UpstreamAccount) -> None:
    limit(owner, seconds_per_month=100, spend_per_month=Decimal(100))
    post(owner, seconds=15)
    post(owner, model="Kling-2.5-720p", seconds=10)
    standing = Standing.objects.get(tenant=owner.tenant)
    assert (standing.month_seconds, standing.month_spend) == (25, Decimal(15))


# --- several limits


def test_all_refusing_limits_are_listed_the_first_on_top(owner: Caller, account: UpstreamAccount) -> None:
    limit(
        owner,
        requests_per_minute=1,
        concurrent_tasks=1,
        seconds_per_day=5,
        seconds_per_month=5,
        spend_per_day=PRICE,
        spend_per_month=PRICE,
        is_prepaid=True,
    )
    limit_key(owner, requests_per_minute=1, spend_per_month=PRICE)
    pay_in(owner, PRICE)
    assert post(owner).status_code == 200
    answer = post(owner)
    body = answer.json()
    assert [(refusal["limit"], refusal["code"]) for refusal in body["errors"]] == [
        ("requests_per_minute", RATE),
        ("key.requests_per_minute", RATE),
        ("concurrent_tasks", CONCURRENCY),
        ("seconds_per_day", QUOTA),
        ("seconds_per_month", QUOTA),
        ("spend_per_day", QUOTA),
        ("spend_per_month", QUOTA),
        ("key.spend_per_month", QUOTA),
        ("balance", QUOTA),
    ]
    assert (body["code"], body["error"]["type"]) == (RATE, "rate_limit_error")
    assert_retry(answer, None)


def test_the_longest_wait_of_all_limits_is_the_retry_time(owner: Caller, account: UpstreamAccount) -> None:
    limit(owner, requests_per_minute=1, concurrent_tasks=1)
    order_video(owner, now=timezone.now() - timedelta(seconds=50))
    answer = post(owner)
    waits = {
        refusal["limit"]: refusal["retry_at"] - timezone.now().timestamp()
        for refusal in answer.json()["errors"]
    }
    assert waits["requests_per_minute"] < 12 < waits["concurrent_tasks"]
    assert abs(int(answer.headers["retry-after"]) - waits["concurrent_tasks"]) < 3


def test_the_limits_of_the_key_and_of_the_tenant_both_apply(
    owner: Caller, mate: Caller, stranger: Caller, account: UpstreamAccount
) -> None:
    limit(owner, spend_per_month=3 * PRICE)
    limit_key(owner, spend_per_month=PRICE)
    assert [post(caller).status_code for caller in (owner, owner, mate, mate, mate)] == [
        200,
        429,
        200,
        200,
        429,
    ]
    assert [refusal["limit"] for refusal in post(owner).json()["errors"]] == [
        "spend_per_month",
        "key.spend_per_month",
    ]
    assert [refusal["limit"] for refusal in post(mate).json()["errors"]] == ["spend_per_month"]
    assert post(stranger).status_code == 200


def test_the_rate_limit_of_a_tenant_counts_all_its_keys(
    owner: Caller, mate: Caller, stranger: Caller, account: UpstreamAccount
) -> None:
    limit(owner, requests_per_minute=2)
    assert [post(caller).status_code for caller in (owner, mate, owner, mate)] == [200, 200, 429, 429]
    assert post(stranger).status_code == 200


# --- defaults


def test_without_a_quota_the_settings_apply(
    owner: Caller, stranger: Caller, account: UpstreamAccount, settings: LazySettings
) -> None:
    settings.DEFAULT_QUOTA = {"concurrent_tasks": "1", "spend_per_day": "4"}
    Quota.objects.create(tenant=stranger.tenant)
    assert post(owner).status_code == 200
    assert [refusal["limit"] for refusal in post(owner).json()["errors"]] == [
        "concurrent_tasks",
        "spend_per_day",
    ]
    assert [post(stranger).status_code for _ in range(2)] == [200, 200]


def test_the_settings_can_limit_the_rate_and_enable_the_queue(
    owner: Caller, account: UpstreamAccount, settings: LazySettings
) -> None:
    settings.DEFAULT_QUOTA = {"concurrent_tasks": "1", "when_full": "queue", "requests_per_minute": "2"}
    post(owner)
    assert post(owner).json()["metadata"]["queue"]["position"] == 1
    assert [refusal["limit"] for refusal in post(owner).json()["errors"]] == ["requests_per_minute"]


def test_changed_limits_apply_at_once(owner: Caller, account: UpstreamAccount) -> None:
    for concurrent, status in ((None, 200), (1, 429), (2, 200), (0, 429), (3, 200), (2, 429)):
        limit(owner, concurrent_tasks=concurrent)
        assert post(owner).status_code == status
    Quota.objects.all().delete()
    assert post(owner).status_code == 200


# --- what ended tasks return

Ending = Callable[[Task], object]


def claimed(task: Task) -> Task:
    due_at = Task.objects.get(pk=task.pk).due_at
    found = claim_next(task.account, due_at)
    assert found == task
    return found


def accepted(task: Task) -> Task:
    at_work = claimed(task)
    assert lifecycle.accepted(at_work, f"4-AigcVideo-{task.pk.hex}", NOW, timedelta(seconds=5))
    return at_work


def fail(task: Task) -> object:
    return lifecycle.fail(accepted(task), FailureCode.GENERATION_FAILED, "It broke.", LATER)


def reject(task: Task) -> object:
    return lifecycle.fail(claimed(task), FailureCode.UPSTREAM_REJECTED, "No.", LATER)


def cancel(task: Task) -> object:
    return lifecycle.cancel(Task.objects.get(pk=task.pk), LATER)


def lose(task: Task) -> object:
    at_work = accepted(task)
    lifecycle.produced(at_work, "https://cos.example/1.mp4", "1280x720", NOW)
    return lifecycle.fail(at_work, FailureCode.RESULT_LOST, "It is gone.", LATER)


def release_by_time(task: Task) -> object:
    at_work = claimed(task)
    lifecycle.in_doubt(at_work, {"error": "cut off"}, at_work.due_at)
    sweep(at_work.due_at)
    return Task.objects.get(pk=task.pk).failure_code == FailureCode.SUBMISSION_UNKNOWN


def succeed(task: Task) -> object:
    at_work = accepted(task)
    lifecycle.produced(at_work, "https://cos.example/1.mp4", "1280x720", NOW)
    return lifecycle.succeed(at_work, StoredMedia("a.mp4", 9), LATER)


LOST: list[Ending] = [fail, reject, cancel, lose, release_by_time]
BY_NAME = {row.limit: row for row in REACHED}
RATES = ["requests_per_minute", "key.requests_per_minute"]
SUMS = [name for name in BY_NAME if name not in (*RATES, "concurrent_tasks")]


@each("end", [*LOST, succeed])
@each("name", BY_NAME)
def test_ended_tasks_return_slots_and_unless_completed_sums_but_never_requests(
    name: str, end: Ending, owner: Caller, account: UpstreamAccount
) -> None:
    impose(owner, name, BY_NAME[name].value)
    first = order_video(owner)
    order_video(owner)
    assert post(owner).status_code == 429
    assert end(first)
    returns = name == "concurrent_tasks" or (name in SUMS and end is not succeed)
    assert [post(owner).status_code for _ in range(2)] == [200 if returns else 429, 429]


@pytest.mark.parametrize("end", [*LOST, succeed])
def test_a_task_that_ended_returns_nothing_a_second_time(
    end: Ending, owner: Caller, account: UpstreamAccount
) -> None:
    task = order_video(owner)
    order_video(owner)
    assert end(task)
    before = written()
    ended = Task.objects.get(pk=task.pk)
    assert not lifecycle.cancel(ended, NOW)
    assert not lifecycle.fail(ended, FailureCode.GENERATION_FAILED, "Again.", NOW)
    assert not lifecycle.succeed(ended, StoredMedia("b.mp4", 9), NOW)
    assert written() == before


@pytest.mark.parametrize("end", [cancel, succeed])
def test_deleting_an_ended_task_returns_nothing(end: Ending, owner: Caller, account: UpstreamAccount) -> None:
    task = order_video(owner)
    end(task)
    before = Standing.objects.values().get(tenant=owner.tenant)
    assert owner.request("DELETE", f"/v1/videos/{task.public_id}").status_code == 200
    assert Standing.objects.values().get(tenant=owner.tenant) == before


def test_a_slot_is_held_from_creation_to_the_end(owner: Caller, account: UpstreamAccount) -> None:
    limit(owner, concurrent_tasks=1)
    task = order_video(owner)
    steps: list[Callable[[Task], object]] = [
        claimed,
        lambda task: lifecycle.requeue(task, {"code": "x"}, NOW, NOW),
        claimed,
        lambda task: lifecycle.in_doubt(task, {"error": "x"}, NOW),
        lambda task: lifecycle.accepted(task, "4-AigcVideo-1", NOW, timedelta(seconds=5)),
        lambda task: lifecycle.produced(task, "https://cos.example/1.mp4", "1280x720", NOW),
    ]
    for step in steps:
        assert step(Task.objects.get(pk=task.pk))
        assert post(owner).status_code == 429
    assert lifecycle.succeed(Task.objects.get(pk=task.pk), StoredMedia("a.mp4", 9), NOW)
    assert post(owner).status_code == 200


def test_refused_and_validated_requests_do_not_count(owner: Caller, account: UpstreamAccount) -> None:
    limit(owner, requests_per_minute=2, seconds_per_day=20)
    for _ in range(3):
        assert post(owner, "/v1/videos/validate").status_code == 200
        assert post(owner, seconds=99).status_code == 400
        assert post(owner, max_cost="0.01").status_code == 400
        assert owner.post("/v1/videos", {"model": "none"}).status_code == 400
    assert post(owner, seconds=15).status_code == 200
    assert post(owner, seconds=10).status_code == 429
    assert [post(owner).status_code for _ in range(2)] == [200, 429]


# --- the minute slides


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def is_admitted(caller: Caller, now: datetime) -> bool:
    try:
        order_video(caller, now=now)
    except NotAdmitted:
        return False
    return True


@pytest.mark.parametrize("impose_on", [limit, limit_key])
def test_any_60_seconds_admit_as_many_requests_as_allowed(
    impose_on: Callable[..., None], owner: Caller, account: UpstreamAccount
) -> None:
    impose_on(owner, requests_per_minute=2)
    tried = [0, 59, 59.9, 59.999, 60, 60.1, 118.9, 119, 119.1, 120, 121, 179, 180, 300, 301, 302]
    admitted = [second for second in tried if is_admitted(owner, at(second))]
    assert admitted == [0, 59, 60, 119, 120, 179, 180, 300, 301]


@pytest.mark.parametrize("impose_on", [limit, limit_key])
def test_the_wait_ends_when_the_oldest_request_leaves_the_minute(
    impose_on: Callable[..., None], owner: Caller, account: UpstreamAccount
) -> None:
    impose_on(owner, requests_per_minute=3)
    for second in (0, 10, 20):
        order_video(owner, now=at(second))
    with pytest.raises(NotAdmitted) as refused:
        order_video(owner, now=at(30))
    [refusal] = refused.value.refusals
    assert refusal.retry_at == at(60)
    assert not is_admitted(owner, at(60) - A_MOMENT)
    assert is_admitted(owner, at(60))


@pytest.mark.parametrize("impose_on", [limit, limit_key])
def test_a_lowered_rate_limit_counts_earlier_requests(
    impose_on: Callable[..., None], owner: Caller, account: UpstreamAccount
) -> None:
    for second in range(5):
        order_video(owner, now=at(second))
    impose_on(owner, requests_per_minute=2)
    admitted = [second for second in range(5, 70) if is_admitted(owner, at(second))]
    assert admitted == [63, 64]


def test_a_deleted_task_still_counts_as_a_request(owner: Caller, account: UpstreamAccount) -> None:
    limit(owner, requests_per_minute=1)
    made = post(owner).json()["id"]
    for _ in range(2):
        assert owner.request("DELETE", f"/v1/videos/{made}").status_code == 200
    assert post(owner).status_code == 429


def test_the_retry_time_of_a_rate_limit_is_exact_to_the_second(
    owner: Caller, account: UpstreamAccount
) -> None:
    limit(owner, requests_per_minute=1)
    order_video(owner, now=timezone.now() - timedelta(seconds=20))
    assert 38 <= int(post(owner).headers["retry-after"]) <= 40


# --- days and months


class Border(NamedTuple):
    """The end of a day or month in a time zone, in UTC, and the beginning of the next."""

    zone: str
    begins: str
    is_month: bool = False


BORDERS = [
    Border("UTC", "2026-11-21T00:00"),
    Border("Asia/Shanghai", "2026-11-20T16:00"),
    Border("Asia/Kolkata", "2026-11-20T18:30"),
    Border("America/New_York", "2026-11-20T05:00"),
    # Clock changes.
    Border("America/New_York", "2026-03-08T05:00"),
    Border("America/New_York", "2026-03-09T04:00"),
    Border("America/New_York", "2026-11-02T05:00"),
    Border("Africa/Cairo", "2026-04-23T22:00"),
    Border("America/New_York", "2026-11-01T04:00", is_month=True),
    Border("America/New_York", "2026-04-01T04:00", is_month=True),
    Border("America/New_York", "2026-12-01T05:00", is_month=True),
    Border("Asia/Shanghai", "2026-12-31T16:00", is_month=True),
    Border("Asia/Kolkata", "2027-02-28T18:30", is_month=True),
    Border("Asia/Kolkata", "2028-02-29T18:30", is_month=True),
    Border("UTC", "2026-10-01T00:00", is_month=True),
]


def set_time_zone(caller: Caller, zone: str) -> None:
    """Set the tenant's time zone as if it had always been that."""
    caller.tenant.time_zone = zone
    caller.tenant.save(update_fields=["time_zone"])


SPANS: dict[str, int | Decimal] = {
    "seconds_per_day": SECONDS,
    "spend_per_day": PRICE,
    "seconds_per_month": SECONDS,
    "spend_per_month": PRICE,
    "key.spend_per_month": PRICE,
}
"""Limits of one task per day or month."""


@each("name", SPANS)
@each("border", BORDERS)
def test_days_and_months_begin_at_the_tenants_own_midnight(
    border: Border, name: str, owner: Caller, account: UpstreamAccount
) -> None:
    set_time_zone(owner, border.zone)
    impose(owner, name, SPANS[name])
    begins = datetime.fromisoformat(border.begins).replace(tzinfo=UTC)
    order_video(owner, now=begins - timedelta(hours=1))
    with pytest.raises(NotAdmitted) as refused:
        order_video(owner, now=begins - A_MOMENT)
    [refusal] = refused.value.refusals
    starts_anew = border.is_month or name.endswith("_day")
    assert refusal.limit == name
    assert refusal.retry_at is not None
    # Compared as timestamps, because a midnight skipped by the clock equals no other time.
    assert (refusal.retry_at.timestamp() == begins.timestamp()) is starts_anew
    assert is_admitted(owner, begins) is starts_anew
    assert not is_admitted(owner, begins)
    assert is_admitted(owner, refusal.retry_at + timedelta(days=31))


@pytest.mark.parametrize("end", LOST)
def test_use_returns_to_its_own_day_and_not_to_the_next(
    end: Ending, owner: Caller, account: UpstreamAccount
) -> None:
    tomorrow = NOW + timedelta(days=1)
    limit(owner, seconds_per_day=SECONDS, spend_per_month=2 * PRICE)
    task = order_video(owner, now=NOW)
    order_video(owner, now=tomorrow)
    assert end(task)
    with pytest.raises(NotAdmitted) as refused:
        order_video(owner, now=tomorrow)
    assert refused_names(refused.value) == ["seconds_per_day"]
    assert is_admitted(owner, NOW)  # a process with a slow clock
    assert not is_admitted(owner, tomorrow)


def test_use_returns_to_its_own_past_month_and_not_to_the_next(
    owner: Caller, account: UpstreamAccount
) -> None:
    end_of_month, next_month = NOW + timedelta(days=10), NOW + timedelta(days=11)
    limit(owner, seconds_per_month=SECONDS, spend_per_month=PRICE)
    task = order_video(owner, now=end_of_month)
    order_video(owner, now=next_month)
    assert fail(task)
    assert not is_admitted(owner, next_month)
    assert is_admitted(owner, end_of_month)


def test_use_returns_on_a_day_without_new_tasks(owner: Caller, account: UpstreamAccount) -> None:
    limit(owner, seconds_per_month=2 * SECONDS)
    task, _ = order_video(owner, now=NOW), order_video(owner, now=NOW + timedelta(days=1))
    assert not is_admitted(owner, NOW + timedelta(days=5))
    assert cancel(task)
    assert is_admitted(owner, NOW + timedelta(days=5))


@pytest.mark.parametrize("end", [None, fail, succeed])
def test_processes_whose_clocks_disagree_at_midnight_count_each_day_separately(
    end: Ending | None, owner: Caller, account: UpstreamAccount
) -> None:
    midnight = datetime(2026, 11, 21, tzinfo=UTC)
    before, after = midnight - A_MOMENT, midnight + A_MOMENT
    limit(owner, seconds_per_day=2 * SECONDS)
    tasks = [order_video(owner, now=now) for now in (before, after, before, after)]
    assert not is_admitted(owner, before)
    assert not is_admitted(owner, after)
    if end:
        assert end(tasks[0])
    assert is_admitted(owner, before) is (end is fail)
    assert not is_admitted(owner, after)


# --- changes of the time zone


def test_a_change_of_time_zone_does_not_restart_the_day(owner: Caller, account: UpstreamAccount) -> None:
    """It is the 21st in Shanghai while it is still the 20th in New York."""
    now, hour = datetime(2026, 11, 20, 20, 0, tzinfo=UTC), timedelta(hours=1)
    limit(owner, seconds_per_day=SECONDS)
    set_time_zone(owner, "America/New_York")
    of_20th = order_video(owner, now=now)
    move(owner.tenant, "Asia/Shanghai", now)
    assert not is_admitted(owner, now)
    assert not is_admitted(owner, now + 8 * hour)  # New York's midnight is nine hours away
    of_21st = order_video(owner, now=now + 9 * hour)
    assert not is_admitted(owner, now + 19 * hour)
    assert is_admitted(owner, now + 20 * hour)  # midnight in Shanghai
    assert [str(task.usage_day) for task in (of_20th, of_21st)] == ["2026-11-20", "2026-11-21"]


def test_a_move_to_the_west_does_not_repeat_a_day(owner: Caller, account: UpstreamAccount) -> None:
    now, hour = datetime(2026, 11, 30, 12, 0, tzinfo=UTC), timedelta(hours=1)
    limit(owner, spend_per_month=PRICE)
    set_time_zone(owner, "Asia/Shanghai")
    order_video(owner, now=now)
    move(owner.tenant, "America/New_York", now)
    assert not is_admitted(owner, now + 3 * hour)
    of_december = order_video(owner, now=now + 4 * hour)  # midnight in Shanghai, still November in New York
    assert str(of_december.usage_day) == "2026-12-01"
    for hours in (5, 20, 40):
        assert not is_admitted(owner, now + hours * hour)


def test_moving_back_and_forth_gains_nothing(owner: Caller, account: UpstreamAccount) -> None:
    limit(owner, seconds_per_day=SECONDS)
    order_video(owner, now=NOW)
    for zone in ("Pacific/Kiritimati", "Asia/Kolkata", "Etc/GMT+12", "UTC", "Asia/Tokyo"):
        move(owner.tenant, zone, NOW)
        assert not is_admitted(owner, NOW)
        assert not is_admitted(owner, NOW + timedelta(hours=11))
    assert is_admitted(owner, NOW + timedelta(hours=12))


# --- the balance


def test_without_prepayment_the_balance_is_recorded_but_not_limited(
    owner: Caller, account: UpstreamAccount
) -> None:
    assert [post(owner).status_code for _ in range(2)] == [200, 200]
    assert Standing.objects.get(tenant=owner.tenant).balance == -8


def test_a_top_up_admits_tasks_up_to_its_amount(owner: Caller, account: UpstreamAccount) -> None:
    limit(owner, is_prepaid=True)
    assert post(owner).status_code == 429
    pay_in(owner, Decimal("7.99"))
    assert [post(owner).status_code for _ in range(2)] == [200, 429]
    pay_in(owner, Decimal("0.01"))
    assert [post(owner).status_code for _ in range(2)] == [200, 429]
    standing = Standing.objects.get(tenant=owner.tenant)
    assert (standing.balance, standing.held) == (Decimal(0), Decimal(8))


def test_a_debt_is_paid_off_before_tasks_are_admitted(owner: Caller, account: UpstreamAccount) -> None:
    order_video(owner)
    limit(owner, is_prepaid=True)
    pay_in(owner, Decimal("7.999999"))
    answer = post(owner)
    assert answer.json()["errors"][0]["value"] == "3.999999"
    pay_in(owner, Decimal("0.000001"))
    assert post(owner).status_code == 200


def test_a_negative_adjustment_can_refuse_the_next_task(owner: Caller, account: UpstreamAccount) -> None:
    limit(owner, is_prepaid=True)
    pay_in(owner, 8)
    staff = User.objects.get(username="Sam")
    ledger.adjust(owner.tenant, Decimal("-4.000001"), staff, "a mistake", NOW)
    assert post(owner).status_code == 429


def test_a_balance_belongs_to_one_tenant(
    owner: Caller, mate: Caller, stranger: Caller, account: UpstreamAccount
) -> None:
    for caller in (owner, stranger):
        limit(caller, is_prepaid=True)
    pay_in(owner, 8)
    assert [post(caller).status_code for caller in (stranger, mate, owner, mate)] == [429, 200, 200, 429]
