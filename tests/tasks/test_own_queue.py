"""A tenant's own queue: tasks above its limit wait in order and start by themselves."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection
from django.utils import timezone

from accounts.models import Quota, Standing, WhenFull
from tests.billing.test_quotas import LOST, Ending, succeed
from tests.conftest import GOOD_BODY, NOW, Caller, claim_next, order_video
from tests.support.limits import LATER, PRICE, limit, pay_in, post, written
from videos.billing import reconciliation
from videos.models import GenerationStat, LedgerEntry, Task, UpstreamAccount
from videos.states import Status
from videos.tasks import lifecycle
from videos.tasks.failures import FailureCode
from videos.tasks.lifecycle import StoredMedia
from videos.worker import sweep as sweep_module
from videos.worker.sweep import sweep

ENDINGS = [*LOST, succeed]
ROUTES = ["/v1/videos/{id}", "/v1/video/generations/{id}", "/v1/videos/generations/{id}"]


@pytest.fixture(autouse=True)
def _books(db: None) -> Iterator[None]:
    """The books agree after every test."""
    yield
    assert reconciliation.differences() == []


def let_wait(caller: Caller, concurrent_tasks: int | None = 1, **limits: Any) -> None:
    """Queue the tenant's tasks above that limit."""
    limit(caller, concurrent_tasks=concurrent_tasks, when_full=WhenFull.QUEUE, **limits)


def change(caller: Caller, **limits: Any) -> None:
    assert Quota.objects.filter(tenant=caller.tenant).update(**limits) == 1


def orders(caller: Caller, count: int) -> list[Task]:
    """Create that many tasks, a second apart."""
    return [order_video(caller, now=NOW + timedelta(seconds=second)) for second in range(count)]


def state(task: Task) -> Status:
    return Task.objects.get(pk=task.pk).state


def states(tasks: list[Task]) -> str:
    """One letter per task: w(aiting), q(ueued) and so on."""
    return "".join(state(task).value[0] for task in tasks)


def queue_of(caller: Caller, task: Task) -> Any:
    return caller.get(f"/v1/videos/{task.public_id}").json()["metadata"].get("queue")


def position(caller: Caller, task: Task) -> int | None:
    queue = queue_of(caller, task)
    return None if queue is None else queue["position"]


def submissions() -> int:
    """The number of submit jobs queued since the last call."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs WHERE task_name = 'submit'")
        return int(cursor.rowcount)


# --- waiting


def test_a_task_above_the_limit_is_accepted_and_waits(owner: Caller, account: UpstreamAccount) -> None:
    let_wait(owner, 2)
    answers = [post(owner) for _ in range(4)]
    bodies = [answer.json() for answer in answers]
    assert [answer.status_code for answer in answers] == [200] * 4
    assert [(body["status"], body["progress"], body["metadata"]["stage"]) for body in bodies] == [
        ("queued", 0, "queued")
    ] * 4
    assert ["queue" in body["metadata"] for body in bodies] == [False, False, True, True]
    assert [body["metadata"]["queue"]["position"] for body in bodies[2:]] == [1, 2]
    standing = Standing.objects.get(tenant=owner.tenant)
    assert (standing.open_tasks, standing.waiting_tasks) == (2, 2)


def test_only_started_tasks_are_submitted(owner: Caller, account: UpstreamAccount) -> None:
    let_wait(owner)
    submissions()  # of earlier committing tests
    first = order_video(owner)
    assert submissions() == 1
    second = order_video(owner)
    assert submissions() == 0
    assert claim_next(account, LATER) == first
    assert claim_next(account, LATER) is None
    assert lifecycle.fail(Task.objects.get(pk=first.pk), *_BROKEN, LATER)
    assert submissions() == 1
    assert claim_next(account, LATER) == second


_BROKEN = (FailureCode.GENERATION_FAILED, "It broke.")


@pytest.mark.parametrize("path", ["/v1/videos", "/v1/video/generations", "/v1/videos/generations"])
def test_create_read_and_list_show_the_same_position(
    path: str, owner: Caller, mate: Caller, account: UpstreamAccount
) -> None:
    let_wait(owner, 2)
    made = [post(owner, path).json() for _ in range(5)]
    listed = {item["id"]: item for item in mate.get("/v1/videos").json()["data"]}
    for body in made:
        shown = body["metadata"].get("queue")
        again = [mate.get(route.format(id=body["id"])).json() for route in ROUTES]
        for other in (*again, listed[body["id"]]):
            assert_same_place(shown, other["metadata"].get("queue"))


def assert_same_place(one: Any, other: Any) -> None:
    assert (one is None) is (other is None)
    if one and other:
        assert one["position"] == other["position"]
        assert abs(one["estimated_start"] - other["estimated_start"]) <= 2


def test_every_page_of_the_list_shows_the_position(owner: Caller, account: UpstreamAccount) -> None:
    let_wait(owner)
    tasks = orders(owner, 4)
    page = owner.get("/v1/videos?limit=1&status=queued").json()
    for task in reversed(tasks[1:]):
        [item] = page["data"]
        assert (item["id"], item["metadata"]["queue"]["position"]) == (task.public_id, tasks.index(task))
        page = owner.get(f"/v1/videos?limit=1&status=queued&after={item['id']}").json()
    assert "queue" not in page["data"][0]["metadata"]


def test_the_estimated_start_depends_on_position_and_limit(
    owner: Caller, stranger: Caller, account: UpstreamAccount
) -> None:
    let_wait(owner, 1)
    let_wait(stranger, 4)
    alice, charlie = orders(owner, 4), orders(stranger, 7)
    now = timezone.now().timestamp()
    starts = [queue_of(owner, task)["estimated_start"] - now for task in alice[1:]]
    usual = starts[0]
    assert usual > 1
    assert starts == pytest.approx([usual, 2 * usual, 3 * usual], abs=2)
    others = [queue_of(stranger, task)["estimated_start"] - now for task in charlie[4:]]
    assert others == pytest.approx([usual / 4, usual / 2, usual * 3 / 4], abs=2)


def test_create_and_read_return_the_same_estimate(owner: Caller, account: UpstreamAccount) -> None:
    """Also with a learned generation time."""
    let_wait(owner)
    learned: dict[str, Any] = {"usual": 1000, "spread": 2, "samples": 20, "updated_at": NOW}
    GenerationStat.objects.create(model=GOOD_BODY["model"], **learned)
    post(owner)
    made = post(owner).json()
    read = owner.get(f"/v1/videos/{made['id']}").json()
    assert_same_place(made["metadata"]["queue"], read["metadata"]["queue"])


def test_started_and_ended_tasks_have_no_position(owner: Caller, account: UpstreamAccount) -> None:
    let_wait(owner)
    first, second, third = orders(owner, 3)
    assert succeed(first)
    assert lifecycle.cancel(Task.objects.get(pk=third.pk), LATER)
    assert [position(owner, task) for task in (first, second, third)] == [None, None, None]


# --- order and limits


@pytest.mark.parametrize("end", ENDINGS)
def test_the_next_task_starts_whenever_a_slot_is_freed(
    end: Ending, owner: Caller, account: UpstreamAccount
) -> None:
    let_wait(owner)
    tasks = orders(owner, 4)
    for number, task in enumerate(tasks[:3]):
        assert states(tasks[number:]) == "q" + "w" * (3 - number)
        assert [position(owner, other) for other in tasks[number + 1 :]] == [*range(1, 4 - number)]
        assert end(task)
    assert states(tasks[3:]) == "q"
    standing = Standing.objects.get(tenant=owner.tenant)
    assert (standing.open_tasks, standing.waiting_tasks) == (1, 0)


def test_a_start_writes_an_event_and_keeps_the_time_of_creation(
    owner: Caller, account: UpstreamAccount
) -> None:
    let_wait(owner)
    first, second = orders(owner, 2)
    assert lifecycle.cancel(first, LATER)
    task = Task.objects.get(pk=second.pk)
    assert (task.created_at, task.due_at) == (second.created_at, LATER)
    assert [*task.events.values_list("verb", "status", "at")] == [
        ("create", "waiting", second.created_at),
        ("start", "queued", LATER),
    ]


def test_a_new_task_does_not_overtake_waiting_ones(owner: Caller, account: UpstreamAccount) -> None:
    """Even if the limit was raised and no task has started yet."""
    let_wait(owner)
    tasks = orders(owner, 3)
    change(owner, concurrent_tasks=10)
    made = post(owner).json()
    assert made["metadata"]["queue"]["position"] == 3
    assert states(tasks) == "qww"


@pytest.mark.parametrize("most", [0, 1, 2])
def test_the_length_of_the_queue_is_limited(most: int, owner: Caller, account: UpstreamAccount) -> None:
    let_wait(owner, 1, queued_tasks=most)
    for _ in range(1 + most):
        assert post(owner).status_code == 200
    before = written()
    answer = post(owner)
    [refusal] = answer.json()["errors"]
    assert (answer.status_code, refusal["code"]) == (429, "concurrency_limit_exceeded")
    assert (refusal["limit"], refusal["value"], refusal["used"]) == ("queued_tasks", most, most)
    assert int(answer.headers["retry-after"]) >= 1
    assert "x-should-retry" not in answer.headers
    assert written() == before


def test_each_start_and_each_cancellation_frees_a_place_in_the_queue(
    owner: Caller, account: UpstreamAccount
) -> None:
    let_wait(owner, 1, queued_tasks=1)
    first, second = orders(owner, 2)
    assert post(owner).status_code == 429
    assert succeed(first)
    third = post(owner)
    assert [third.status_code, post(owner).status_code] == [200, 429]
    assert owner.request("DELETE", f"/v1/videos/{third.json()['id']}").status_code == 200
    assert [post(owner).status_code, post(owner).status_code] == [200, 429]
    assert state(second) is Status.QUEUED


def test_a_queue_without_a_limit_accepts_all(owner: Caller, account: UpstreamAccount) -> None:
    let_wait(owner, 1)
    assert [post(owner).status_code for _ in range(6)] == [200] * 6


@pytest.mark.parametrize("most", [None, 5])
def test_with_a_limit_of_zero_nothing_waits(
    most: int | None, owner: Caller, account: UpstreamAccount
) -> None:
    let_wait(owner, 0, queued_tasks=most)
    before = written()
    answer = post(owner)
    assert (answer.status_code, answer.json()["code"]) == (429, "concurrency_limit_exceeded")
    assert answer.headers["x-should-retry"] == "false"
    assert written() == before


def test_waiting_tasks_count_towards_the_other_limits(owner: Caller, account: UpstreamAccount) -> None:
    for limits in (
        {"requests_per_minute": 3},
        {"seconds_per_day": 15},
        {"spend_per_month": Decimal(12)},
    ):
        let_wait(owner, 1, **limits)
        assert post(owner).status_code == 200
    let_wait(owner, 1, requests_per_minute=3, seconds_per_day=15, spend_per_month=Decimal(12))
    assert [refusal["limit"] for refusal in post(owner).json()["errors"]] == [
        "requests_per_minute",
        "seconds_per_day",
        "spend_per_month",
    ]


# --- when the limits change


@pytest.mark.parametrize(
    ("raised_to", "after"), [(1, "qwww"), (2, "qqww"), (3, "qqqw"), (9, "qqqq"), (None, "qqqq")]
)
def test_after_a_limit_is_raised_the_next_sweep_starts_more_tasks(
    raised_to: int | None, after: str, owner: Caller, account: UpstreamAccount
) -> None:
    let_wait(owner)
    tasks = orders(owner, 4)
    change(owner, concurrent_tasks=raised_to)
    sweep(LATER)
    assert states(tasks) == after
    before = written()
    sweep(LATER)
    assert lifecycle.start_waiting(owner.tenant.pk, LATER) == 0
    assert written() == before


@pytest.mark.parametrize("raised", ["owner", "stranger"])
def test_a_sweep_reaches_every_queue_that_may_move(
    raised: str,
    owner: Caller,
    stranger: Caller,
    account: UpstreamAccount,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sweep_module, "BATCH", 1)
    tasks = {}
    for name, caller in (("owner", owner), ("stranger", stranger)):
        let_wait(caller)
        tasks[name] = orders(caller, 2)
    change({"owner": owner, "stranger": stranger}[raised], concurrent_tasks=2)
    sweep(LATER)
    assert states(tasks[raised]) == "qq"


def test_without_a_quota_the_limit_of_the_settings_applies(
    owner: Caller, account: UpstreamAccount, settings: LazySettings
) -> None:
    let_wait(owner)
    tasks = orders(owner, 4)
    settings.DEFAULT_QUOTA = {"concurrent_tasks": "3"}
    Quota.objects.all().delete()
    assert lifecycle.start_waiting(owner.tenant.pk, LATER) == 2
    assert states(tasks) == "qqqw"


def test_after_a_limit_is_lowered_no_task_starts_until_there_is_room(
    owner: Caller, account: UpstreamAccount
) -> None:
    let_wait(owner, 3)
    tasks = orders(owner, 5)
    change(owner, concurrent_tasks=1)
    for number, after in enumerate(("ww", "ww", "qw")):
        assert succeed(tasks[number])
        assert states(tasks[3:]) == after
    assert succeed(tasks[3])
    assert states(tasks[4:]) == "q"


def test_a_limit_of_zero_stops_the_queue_and_gives_no_estimate(
    owner: Caller, account: UpstreamAccount
) -> None:
    let_wait(owner)
    first, second, third = orders(owner, 3)
    change(owner, concurrent_tasks=0)
    assert succeed(first)
    sweep(LATER)
    assert states([second, third]) == "ww"
    assert queue_of(owner, third) == {"position": 2, "estimated_start": None}
    listed = owner.get("/v1/videos").json()["data"][0]
    assert listed["metadata"]["queue"] == {"position": 2, "estimated_start": None}
    change(owner, concurrent_tasks=2)
    sweep(LATER)
    assert states([second, third]) == "qq"


def test_waiting_tasks_still_start_after_the_queue_was_disabled(
    owner: Caller, account: UpstreamAccount
) -> None:
    let_wait(owner)
    first, second, third = orders(owner, 3)
    change(owner, when_full=WhenFull.REFUSE)
    answer = post(owner)
    assert (answer.status_code, answer.json()["errors"][0]["limit"]) == (429, "concurrent_tasks")
    assert succeed(first)
    assert states([second, third]) == "qw"
    assert succeed(second)
    assert states([third]) == "q"


@pytest.mark.parametrize(
    "concurrent_tasks",
    [2, None],
)
def test_a_full_queue_that_is_about_to_move_has_a_retry_time(
    concurrent_tasks: int | None, owner: Caller, account: UpstreamAccount
) -> None:
    let_wait(owner, queued_tasks=1)
    orders(owner, 2)
    change(owner, concurrent_tasks=concurrent_tasks)
    answer = post(owner)
    assert answer.status_code == 200 or "retry-after" in answer.headers
    assert "x-should-retry" not in answer.headers


def test_with_the_limit_removed_the_estimated_start_is_now(
    owner: Caller, account: UpstreamAccount, settings: LazySettings
) -> None:
    """Even if the settings have a limit."""
    settings.DEFAULT_QUOTA = {"concurrent_tasks": "1"}
    let_wait(owner)
    _, second = orders(owner, 2)
    change(owner, concurrent_tasks=None)
    listed = owner.get("/v1/videos?limit=1").json()["data"][0]["metadata"]["queue"]
    for queue in (queue_of(owner, second), listed):
        assert queue["position"] == 1
        assert queue["estimated_start"] == pytest.approx(timezone.now().timestamp(), abs=2)


# --- cancelling


def test_cancelling_a_waiting_task_moves_up_those_behind_it(owner: Caller, account: UpstreamAccount) -> None:
    let_wait(owner)
    tasks = orders(owner, 4)
    answer = owner.request("DELETE", f"/v1/videos/{tasks[1].public_id}")
    assert (answer.status_code, answer.json()["deleted"]) == (200, True)
    assert states(tasks) == "qcww"
    assert [position(owner, task) for task in tasks] == [None, None, 1, 2]
    body = owner.get(f"/v1/videos/{tasks[1].public_id}").json()
    assert (body["status"], body["error"]["code"], body["metadata"]["stage"]) == (
        "failed",
        "cancelled",
        "cancelled",
    )
    standing = Standing.objects.get(tenant=owner.tenant)
    assert (standing.open_tasks, standing.waiting_tasks, standing.held) == (1, 2, Decimal(12))


def test_cancelling_the_open_task_starts_the_next(owner: Caller, account: UpstreamAccount) -> None:
    let_wait(owner)
    tasks = orders(owner, 3)
    assert owner.request("DELETE", f"/v1/videos/{tasks[0].public_id}").status_code == 200
    assert states(tasks) == "cqw"


def test_a_whole_queue_can_be_cancelled_from_either_end(owner: Caller, account: UpstreamAccount) -> None:
    let_wait(owner)
    for take in (0, -1):
        tasks = [order_video(owner) for _ in range(4)]
        while tasks:
            task = tasks.pop(take)
            assert owner.request("DELETE", f"/v1/videos/{task.public_id}").status_code == 200
        standing = Standing.objects.get(tenant=owner.tenant)
        assert (standing.open_tasks, standing.waiting_tasks, standing.held) == (0, 0, Decimal(0))


def test_cancelling_a_task_that_started_meanwhile_frees_its_slot(
    owner: Caller, account: UpstreamAccount
) -> None:
    """The task seen waiting has started meanwhile, so it is read again."""
    let_wait(owner)
    first, second, third = orders(owner, 3)
    seen_waiting = Task.objects.get(pk=second.pk)
    assert succeed(first)
    assert not lifecycle.cancel(seen_waiting, LATER)
    assert states([second, third]) == "qw"
    assert lifecycle.cancel(Task.objects.get(pk=second.pk), LATER)
    assert states([second, third]) == "cq"


def test_a_waiting_task_cannot_be_failed_or_submitted(owner: Caller, account: UpstreamAccount) -> None:
    let_wait(owner)
    _, task = orders(owner, 2)
    waiting = Task.objects.get(pk=task.pk)
    before = written()
    assert not lifecycle.fail(waiting, *_BROKEN, LATER)
    assert not lifecycle.requeue(waiting, {"code": "x"}, LATER, LATER)
    assert not lifecycle.accepted(waiting, "4-AigcVideo-1", LATER, timedelta(seconds=5))
    assert not lifecycle.succeed(waiting, StoredMedia("a.mp4", 9), LATER)
    assert written() == before


# --- money


def test_a_waiting_task_holds_its_price(owner: Caller, account: UpstreamAccount) -> None:
    let_wait(owner, 1, is_prepaid=True)
    pay_in(owner, 8)
    assert [post(owner).status_code for _ in range(2)] == [200, 200]
    answer = post(owner)
    assert (answer.status_code, answer.json()["code"]) == (429, "insufficient_quota")
    waiting = Task.objects.get(status=Status.WAITING)
    assert waiting.ledger.values_list("kind", "amount", "held").get() == ("hold", -PRICE, PRICE)
    standing = Standing.objects.get(tenant=owner.tenant)
    assert (standing.balance, standing.held) == (Decimal(0), Decimal(8))


def test_a_start_moves_no_money(owner: Caller, account: UpstreamAccount) -> None:
    let_wait(owner, 1, is_prepaid=True)
    pay_in(owner, 8)
    first, second = orders(owner, 2)
    assert succeed(first)
    assert state(second) is Status.QUEUED
    assert LedgerEntry.objects.filter(task=second).count() == 1
    assert Standing.objects.get(tenant=owner.tenant).held == 4


def test_a_cancelled_waiting_task_releases_its_price_for_the_next(
    owner: Caller, account: UpstreamAccount
) -> None:
    let_wait(owner, 1, is_prepaid=True, seconds_per_day=10)
    pay_in(owner, 8)
    _, second = order_video(owner), order_video(owner)
    assert post(owner).status_code == 429
    assert owner.request("DELETE", f"/v1/videos/{second.public_id}").status_code == 200
    assert [*second.ledger.values_list("kind", "amount", "held")] == [
        ("hold", -PRICE, PRICE),
        ("release", PRICE, -PRICE),
    ]
    assert [post(owner).status_code for _ in range(2)] == [200, 429]


# --- other tenants


def test_the_queues_of_tenants_are_independent(
    owner: Caller, stranger: Caller, account: UpstreamAccount
) -> None:
    let_wait(owner)
    let_wait(stranger)
    alice, charlie = orders(owner, 3), orders(stranger, 3)
    assert [position(owner, task) for task in alice] == [None, 1, 2]
    assert [position(stranger, task) for task in charlie] == [None, 1, 2]
    for caller, tasks in ((stranger, alice), (owner, charlie)):
        for method in ("GET", "DELETE"):
            assert caller.request(method, f"/v1/videos/{tasks[1].public_id}").status_code == 404
    assert lifecycle.cancel(alice[0], LATER)
    assert (states(alice), states(charlie)) == ("cqw", "qww")


def test_a_long_queue_of_one_tenant_does_not_delay_another(
    owner: Caller, stranger: Caller, account: UpstreamAccount
) -> None:
    let_wait(owner, 2)
    alice = orders(owner, 8)
    names = {task.pk: f"A{number}" for number, task in enumerate(alice)}
    names |= {task.pk: f"C{number}" for number, task in enumerate(orders(stranger, 3))}
    served = []
    while (task := claim_next(account, LATER)) is not None:
        served.append(names[task.pk])
        assert lifecycle.fail(task, *_BROKEN, LATER)
    assert [name for name in served if name[0] == "A"] == [f"A{number}" for number in range(8)]
    assert [name for name in served if name[0] == "C"] == [f"C{number}" for number in range(3)]
    # While both have tasks to submit, they alternate.
    assert served.index("C2") <= 6


def test_the_queue_of_a_suspended_tenant_still_moves(owner: Caller, account: UpstreamAccount) -> None:
    let_wait(owner)
    first, second = orders(owner, 2)
    owner.tenant.suspend(NOW)
    assert succeed(first)
    assert state(second) is Status.QUEUED


def test_a_raised_limit_starts_many_waiting_tasks_in_bounded_steps(
    owner: Caller, account: UpstreamAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifecycle, "MOST_STARTS", 2)
    limit(owner, concurrent_tasks=1, when_full=WhenFull.QUEUE)
    for _ in range(6):
        order_video(owner)
    limit(owner, concurrent_tasks=None, when_full=WhenFull.QUEUE)
    waiting = Task.objects.filter(status=Status.WAITING)
    counts = []
    for _ in range(3):
        sweep(LATER)
        counts.append(waiting.count())
    assert counts == [3, 1, 0]
