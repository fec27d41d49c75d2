"""The price of a task: quoted before, fixed at creation, held while it is open, settled at its end."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import IntegrityError, transaction
from django.test.client import MULTIPART_CONTENT
from django.utils import timezone

from accounts.models import Standing, User, WhenFull
from config.amounts import rounded
from tests.billing.test_quotas import LOST, Ending, accepted, impose, succeed
from tests.conftest import GOOD_BODY, NOW, Caller, order_video
from tests.support.limits import LATER, PRICE, limit, limit_key, pay_in, post, written
from tests.support.refusals import CREATE_ROUTES
from tests.support.rows import each
from videos.billing import ledger, reconciliation
from videos.errors import NoPrice
from videos.models import DailyUsage, LedgerEntry, Price, RefusedCreate, Task, UpstreamAccount
from videos.tasks import lifecycle
from videos.tasks.failures import FailureCode
from videos.tasks.lifecycle import StoredMedia

MODEL = GOOD_BODY["model"]
NOTHING = Decimal(0)
AUDIO: dict[str, Any] = {"metadata": {"output_config": {"AudioGeneration": "Enabled"}}}
REFERENCE: dict[str, Any] = {"videos": ["https://example.com/clip.mp4"]}
OFF_PEAK: dict[str, Any] = {"metadata": {"output_config": {"OffPeak": "Enabled"}}}


@pytest.fixture(autouse=True)
def _books(db: None) -> Iterator[None]:
    """The books agree after every test."""
    yield
    assert reconciliation.differences() == []


def reprice(per_second: str, model: str = MODEL, **options: bool) -> None:
    """Set the price per second of the model from now on."""
    Price.objects.create(
        model=model, per_second=Decimal(per_second), valid_from=timezone.now() - timedelta(days=1), **options
    )


def made(answer: Any) -> Task:
    assert answer.status_code == 200, answer.content
    return Task.objects.get(pk=answer.json()["id"].removeprefix("task_"))


def entries(task: Task) -> list[tuple[str, Decimal, Decimal]]:
    return [*task.ledger.values_list("kind", "amount", "held")]


def money(caller: Caller) -> tuple[Decimal, Decimal]:
    """Balance and held amount."""
    standing = Standing.objects.get(tenant=caller.tenant)
    return standing.balance, standing.held


# --- the price of a task


@pytest.mark.parametrize(
    ("fields", "price"),
    [
        ({}, "4"),
        ({"seconds": 15}, "12"),
        ({"model": "Kling-3.0-720p"}, "3"),
        ({"model": "KLING-3.0-1080P"}, "4"),
        (AUDIO, "6"),
        (REFERENCE | {"model": "Kling-3.0-omni-1080p"}, "6"),
        (REFERENCE | AUDIO | {"model": "Kling-3.0-omni-1080p"}, "7"),
        (OFF_PEAK | {"model": "Vidu-q2-720p"}, "0.8"),
        ({"model": "Hailuo-2.3-fast-1080p", "seconds": 6}, "2.31"),
        ({"model": "GV-3.1-fast-720p", "seconds": 8} | AUDIO, "9"),
        ({"model": "Vidu-q3-pro-1080p", "seconds": 7}, "6.566"),
    ],
)
def test_creating_a_task_holds_its_quoted_price(
    fields: dict[str, Any], price: str, owner: Caller, account: UpstreamAccount
) -> None:
    quote = post(owner, "/v1/videos/validate", **fields).json()["price"]
    task = made(post(owner, **fields))
    assert Decimal(quote["amount"]) == task.price == Decimal(price)
    assert entries(task) == [("hold", -task.price, task.price)]
    assert money(owner) == (-task.price, task.price)
    assert DailyUsage.objects.get().spend == task.price


@pytest.mark.parametrize(
    ("per_second", "seconds", "price"),
    [
        ("0.000001", 3, "0.000003"),
        ("0.333333", 3, "0.999999"),
        ("12345.678901", 15, "185185.183515"),
        ("0", 5, "0"),
    ],
)
def test_a_price_is_exact_to_six_places(
    per_second: str, seconds: int, price: str, owner: Caller, account: UpstreamAccount
) -> None:
    reprice(per_second)
    task = made(post(owner, seconds=seconds))
    assert task.price == Decimal(price)
    assert succeed(task)
    assert money(owner) == (-Decimal(price), NOTHING)


def test_many_small_prices_add_up_exactly(owner: Caller, account: UpstreamAccount) -> None:
    reprice("0.033333")
    limit(owner, is_prepaid=True)
    pay_in(owner, Decimal("0.999990"))
    statuses = [post(owner, seconds=3).status_code for _ in range(11)]
    assert statuses == [200] * 10 + [429]
    assert money(owner) == (NOTHING, Decimal("0.999990"))


def test_the_currency_of_the_settings_is_shown(
    owner: Caller, account: UpstreamAccount, settings: LazySettings
) -> None:
    settings.CURRENCY = "USD"
    answer = post(owner, "/v1/videos/validate")
    assert answer.json()["price"]["currency"] == "USD"
    assert "USD" in post(owner, max_cost=1).json()["message"]


# --- prices are fixed at creation


@pytest.mark.parametrize("end", [*LOST, succeed])
@pytest.mark.parametrize("new", ["0.01", "99", None])
def test_a_new_price_does_not_affect_existing_tasks(
    new: str | None, end: Ending, owner: Caller, account: UpstreamAccount
) -> None:
    task = made(post(owner))
    if new:
        reprice(new)
    else:
        Price.objects.all().delete()
    assert Task.objects.get(pk=task.pk).price == PRICE
    assert end(task)
    kind, amount = ("capture", NOTHING) if end is succeed else ("release", PRICE)
    assert entries(task) == [("hold", -PRICE, PRICE), (kind, amount, -PRICE)]
    assert money(owner) == (-PRICE if end is succeed else NOTHING, NOTHING)


def test_the_price_at_creation_applies_whatever_was_quoted_before(
    owner: Caller, account: UpstreamAccount
) -> None:
    quoted = post(owner, "/v1/videos/validate").json()["price"]["amount"]
    for new in ("1", "0.5"):
        Price.objects.filter(model=MODEL).update(per_second=Decimal(new))
        assert made(post(owner)).price == 5 * Decimal(new) != Decimal(quoted)


def test_max_cost_refuses_a_price_above_the_quote(owner: Caller, account: UpstreamAccount) -> None:
    quoted = post(owner, "/v1/videos/validate").json()["price"]["amount"]
    Price.objects.filter(model=MODEL).update(per_second=Decimal("0.800001"))
    before = written()
    answer = post(owner, max_cost=quoted)
    assert (answer.status_code, answer.json()["code"]) == (400, "max_cost_exceeded")
    assert written() == before
    Price.objects.filter(model=MODEL).update(per_second=Decimal("0.7"))
    assert made(post(owner, max_cost=quoted)).price == Decimal("3.5")


def test_prices_change_at_their_start_time(owner: Caller, account: UpstreamAccount) -> None:
    Price.objects.filter(model=MODEL).delete()
    for per_second, start, stop in (("1", 0, 60), ("2", 10, 20), ("3", 60, None)):
        Price.objects.create(
            model=MODEL,
            per_second=Decimal(per_second),
            valid_from=NOW + timedelta(seconds=start),
            valid_until=None if stop is None else NOW + timedelta(seconds=stop),
        )
    prices = {
        second: order_video(owner, now=NOW + timedelta(seconds=second)).price / 5
        for second in (0, 9.999, 10, 19.999, 20, 59.999, 60, 10**6)
    }
    assert prices == {0: 1, 9.999: 1, 10: 2, 19.999: 2, 20: 1, 59.999: 1, 60: 3, 10**6: 3}
    with pytest.raises(NoPrice):
        order_video(owner, now=NOW - timedelta(microseconds=1))


def test_a_waiting_task_keeps_its_price_at_creation(owner: Caller, account: UpstreamAccount) -> None:
    limit(owner, concurrent_tasks=1, when_full=WhenFull.QUEUE)
    first, second = made(post(owner)), made(post(owner))
    reprice("99")
    assert succeed(first)
    assert succeed(second)
    assert entries(second) == [("hold", -PRICE, PRICE), ("capture", NOTHING, -PRICE)]


# --- max_cost


@pytest.mark.parametrize(
    "max_cost", ["4", "4.00", "4.000000", "4.000001", 4, 4.0, 4.5, 100, "1e2", "400e-2", 10**11, None]
)
def test_a_task_within_max_cost_is_created(max_cost: Any, owner: Caller, account: UpstreamAccount) -> None:
    assert made(post(owner, max_cost=max_cost)).price == PRICE


@each("path", [*CREATE_ROUTES, "/v1/videos/validate"])
@each("max_cost", ["3.999999", "3.99", 3, 3.999999, "0", 0, 0.0, "1e-9", "0.0000001"])
def test_a_task_above_max_cost_is_refused(
    max_cost: Any, path: str, owner: Caller, account: UpstreamAccount
) -> None:
    before = written()
    answer = post(owner, path, max_cost=max_cost)
    body = answer.json()
    assert answer.status_code == 400
    assert body["error"] == {
        "message": body["message"],
        "type": "invalid_request_error",
        "param": "max_cost",
        "code": "max_cost_exceeded",
    }
    assert "4.00 CNY" in body["message"]
    assert written() == before


BAD_AMOUNTS: list[Any] = [
    "",
    " 4",
    "4 ",
    "4,00",
    "four",
    "4 CNY",
    "-4",
    -4,
    -0.01,
    "+4",
    "NaN",
    "Infinity",
    "1_000",
    "0x4",
    "４",  # noqa: RUF001 - a digit, but none of ours
    "4\x00",
    True,
    False,
    [],
    ["4"],
    {},
    {"amount": "4"},
]


@each("max_cost", BAD_AMOUNTS)
def test_an_invalid_max_cost_is_refused(max_cost: Any, owner: Caller, account: UpstreamAccount) -> None:
    before = written()
    answer = post(owner, max_cost=max_cost)
    [violation] = answer.json()["errors"]
    assert (answer.status_code, violation["param"], violation["code"]) == (400, "max_cost", "invalid_request")
    assert written() == before


def test_an_invalid_max_cost_is_reported_with_all_other_violations(
    owner: Caller, account: UpstreamAccount
) -> None:
    answer = post(owner, max_cost="much", seconds=99)
    assert [violation["param"] for violation in answer.json()["errors"]] == ["seconds", "max_cost"]


def test_a_computed_float_is_a_valid_max_cost(owner: Caller, account: UpstreamAccount) -> None:
    """0.8 * 6 is 4.800000000000001 in most languages."""
    assert post(owner, max_cost=0.8 * 6).status_code == 200


@pytest.mark.parametrize(("max_cost", "status"), [("4.00", 200), ("3.99", 400), ("", 400), ("much", 400)])
def test_a_form_can_set_max_cost(max_cost: str, status: int, owner: Caller, account: UpstreamAccount) -> None:
    fields = GOOD_BODY | {"max_cost": max_cost}
    assert owner.post("/v1/videos", data=fields, content_type=MULTIPART_CONTENT).status_code == status


def test_max_cost_is_neither_sent_upstream_nor_shown(owner: Caller, account: UpstreamAccount) -> None:
    answer = post(owner, max_cost="77.77")
    task = made(answer)
    assert "77.77" not in f"{task.request}{task.payload}{task.not_forwarded}"
    assert b"77.77" not in answer.content


def test_max_cost_is_checked_before_the_quota(owner: Caller, account: UpstreamAccount) -> None:
    """A request that can never succeed should not wait for its quota."""
    limit(owner, concurrent_tasks=0)
    assert post(owner, max_cost="1").status_code == 400


# --- validate


def test_validating_returns_the_price_and_that_the_request_would_be_admitted(
    owner: Caller, account: UpstreamAccount
) -> None:
    body = post(owner, "/v1/videos/validate", seconds=7, **AUDIO).json()
    assert body["price"] == {
        "amount": "8.40",
        "currency": "CNY",
        "per_second": "1.20",
        "seconds": 7,
        "options": ["audio"],
    }
    assert body["admission"] == {"admitted": True, "queued": False, "refusals": []}


def set_everything_to(caller: Caller, tasks: int) -> None:
    limit(
        caller,
        concurrent_tasks=tasks,
        requests_per_minute=tasks,
        seconds_per_day=5 * tasks,
        seconds_per_month=5 * tasks,
        spend_per_day=PRICE * tasks,
        spend_per_month=PRICE * tasks,
        is_prepaid=True,
    )
    limit_key(caller, requests_per_minute=tasks, spend_per_month=PRICE * tasks)


@pytest.mark.parametrize("tasks", [0, 1])
def test_validating_returns_the_refusals_of_a_create(
    tasks: int, owner: Caller, account: UpstreamAccount
) -> None:
    set_everything_to(owner, tasks)
    pay_in(owner, max(PRICE * tasks, Decimal(1)))
    for _ in range(tasks):
        made(post(owner))
    before = written()
    answer = post(owner, "/v1/videos/validate")
    admission = answer.json()["admission"]
    assert (answer.status_code, admission["admitted"], admission["queued"]) == (200, False, False)
    predicted, refused = admission["refusals"], post(owner).json()["errors"]
    assert [without_time(refusal) for refusal in predicted] == [without_time(refusal) for refusal in refused]
    assert len(predicted) == 9
    assert written() == before


def without_time(refusal: dict[str, Any]) -> dict[str, Any]:
    """Without the retry times, some of which are relative to now."""
    return {name: value for name, value in refusal.items() if name != "retry_at"}


@pytest.mark.parametrize(
    "name",
    ["requests_per_minute", "concurrent_tasks", "seconds_per_day", "spend_per_month", "key.spend_per_month"],
)
def test_validating_uses_up_nothing(name: str, owner: Caller, account: UpstreamAccount) -> None:
    impose(owner, name, 1 if "_per_" not in name or name.startswith("req") else 5)
    before = written()
    for _ in range(3):
        body = owner.post("/v1/videos/validate", GOOD_BODY, HTTP_X_STAINLESS_RETRY_COUNT="0").json()
        assert body["admission"]["admitted"]
    assert written() == before
    assert not RefusedCreate.objects.exists()
    assert [post(owner).status_code for _ in range(2)] == [200, 429]


def test_validating_says_if_a_task_would_wait(owner: Caller, account: UpstreamAccount) -> None:
    limit(owner, concurrent_tasks=1, when_full=WhenFull.QUEUE, queued_tasks=1)
    admissions = []
    for _ in range(3):
        admission = post(owner, "/v1/videos/validate").json()["admission"]
        admissions.append((admission["admitted"], admission["queued"], len(admission["refusals"])))
        post(owner)
    assert admissions == [(True, False, 0), (True, True, 0), (False, False, 1)]


def test_creating_the_validated_request_costs_the_same(owner: Caller, account: UpstreamAccount) -> None:
    body = post(owner, "/v1/videos/validate", seconds=7, **AUDIO).json()
    assert made(owner.post("/v1/videos", body["request"])).price == Decimal(body["price"]["amount"])


# --- no price


@pytest.mark.parametrize("path", [*CREATE_ROUTES, "/v1/videos/validate"])
def test_a_model_without_a_price_is_refused_with_the_reason(
    path: str, owner: Caller, account: UpstreamAccount
) -> None:
    Price.objects.filter(model=MODEL).delete()
    before = written()
    answer = post(owner, path)
    assert (answer.status_code, answer.json()["error"]["type"]) == (503, "server_error")
    assert "price" in answer.json()["message"]
    assert answer.headers["x-should-retry"] == "false"
    assert written() == before
    assert post(owner, path, model="Kling-3.0-720p").status_code == 200


def test_expired_and_future_prices_do_not_apply(owner: Caller, account: UpstreamAccount) -> None:
    now = timezone.now()
    Price.objects.filter(model=MODEL).update(valid_from=now - timedelta(days=2), valid_until=now)
    Price.objects.create(model=MODEL, per_second=1, valid_from=now + timedelta(hours=1))
    assert post(owner).status_code == 503


def test_a_price_for_an_option_does_not_apply_to_the_plain_request(
    owner: Caller, account: UpstreamAccount
) -> None:
    Price.objects.filter(model=MODEL, with_audio=False).delete()
    assert post(owner).status_code == 503
    assert made(post(owner, **AUDIO)).price == 6


# --- the ledger


@pytest.mark.parametrize("end", LOST)
def test_a_task_that_does_not_complete_costs_nothing(
    end: Ending, owner: Caller, account: UpstreamAccount
) -> None:
    task = made(post(owner))
    assert money(owner) == (-PRICE, PRICE)
    assert end(task)
    assert entries(task) == [("hold", -PRICE, PRICE), ("release", PRICE, -PRICE)]
    assert money(owner) == (NOTHING, NOTHING)
    usage = DailyUsage.objects.get()
    assert (usage.tasks, usage.completed, usage.failed, usage.seconds, usage.spend) == (1, 0, 1, 0, NOTHING)


def test_a_completed_task_costs_its_price(owner: Caller, account: UpstreamAccount) -> None:
    task = made(post(owner))
    assert succeed(task)
    assert entries(task) == [("hold", -PRICE, PRICE), ("capture", NOTHING, -PRICE)]
    assert money(owner) == (-PRICE, NOTHING)
    usage = DailyUsage.objects.get()
    assert (usage.tasks, usage.completed, usage.failed, usage.seconds, usage.spend) == (1, 1, 0, 5, PRICE)


def test_intermediate_states_move_no_money(owner: Caller, account: UpstreamAccount) -> None:
    task = accepted(made(post(owner)))
    assert lifecycle.progressed(task, "RUN", NOW, is_known=True)
    assert lifecycle.done_without_link(task, NOW)
    assert lifecycle.produced(task, "https://cos.example/1.mp4", "1280x720", NOW)
    assert entries(task) == [("hold", -PRICE, PRICE)]


@pytest.mark.parametrize("end", [*LOST, succeed])
def test_deleting_a_video_moves_no_money(end: Ending, owner: Caller, account: UpstreamAccount) -> None:
    task = made(post(owner))
    assert end(task)
    before = money(owner), entries(task)
    assert owner.request("DELETE", f"/v1/videos/{task.public_id}").status_code == 200
    assert (money(owner), entries(task)) == before


@pytest.mark.parametrize("end", [*LOST, succeed])
def test_a_free_task_also_has_two_entries(end: Ending, owner: Caller, account: UpstreamAccount) -> None:
    reprice("0")
    task = made(post(owner))
    assert end(task)
    kind = "capture" if end is succeed else "release"
    assert entries(task) == [("hold", NOTHING, NOTHING), (kind, NOTHING, NOTHING)]
    assert money(owner) == (NOTHING, NOTHING)


@pytest.mark.parametrize(
    "say",
    [
        lambda task: lifecycle.fail(task, FailureCode.RESULT_LOST, "It is gone.", LATER),
        lambda task: lifecycle.succeed(task, StoredMedia("a.mp4", 9), LATER),
    ],
    ids=["fail", "succeed"],
)
def test_if_the_ledger_entry_fails_the_task_does_not_end(
    say: Callable[[Task], bool], owner: Caller, account: UpstreamAccount
) -> None:
    """Task, totals and usage stay as they were."""
    task = accepted(made(post(owner)))
    assert lifecycle.produced(task, "https://cos.example/1.mp4", "1280x720", NOW)
    entry: dict[str, Any] = {"kind": "capture", "amount": NOTHING, "held": -PRICE, "at": NOW}
    with transaction.atomic():
        LedgerEntry.objects.create(tenant=owner.tenant, task=task, **entry)
        before = written()
        with pytest.raises(IntegrityError), transaction.atomic():
            say(task)
        assert written() == before
        transaction.set_rollback(True)


def test_manual_changes_are_recorded_with_their_reason(owner: Caller, account: UpstreamAccount) -> None:
    staff = User.objects.create(username="Sam", is_staff=True)
    made(post(owner))
    ledger.top_up(owner.tenant, Decimal("10.0000005"), staff, "paid", NOW)
    ledger.adjust(owner.tenant, Decimal("-2.5"), staff, "a mistake", NOW)
    assert money(owner) == (rounded(Decimal("10.000001")) - Decimal("6.5"), PRICE)
    moved = LedgerEntry.objects.filter(task=None)
    assert [*moved.values_list("kind", "amount", "held", "actor_name", "reason")] == [
        ("top_up", Decimal("10.000001"), NOTHING, "Sam", "paid"),
        ("adjustment", Decimal("-2.5"), NOTHING, "Sam", "a mistake"),
    ]


@pytest.mark.parametrize(
    ("amount", "move"), [("0", ledger.top_up), ("-1", ledger.top_up), ("0", ledger.adjust)]
)
def test_a_manual_change_of_zero_is_refused(
    amount: str, move: Any, owner: Caller, account: UpstreamAccount
) -> None:
    staff = User.objects.create(username="Sam", is_staff=True)
    before = written()
    with pytest.raises(IntegrityError), transaction.atomic():
        move(owner.tenant, Decimal(amount), staff, "why not", NOW)
    assert written() == before
