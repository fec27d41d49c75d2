"""What the lane serves, what it leaves to the views, and that then nothing is written or counted."""

import threading
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from accounts.api import throttles
from accounts.models import APIKey, CosBucket, Quota
from accounts.quotas import standing
from config import database
from tests.api.test_idempotency import wait_for_lock
from tests.conftest import GOOD_BODY, Caller, MakeTask, make_caller, order_video
from tests.support.lane import Lane, body_of, create, request, statuses, used
from videos.billing import reconciliation
from videos.lane import creates
from videos.lane.lanes import TIMEOUTS
from videos.lane.routes import Kind
from videos.models import Task
from videos.states import Status

pytestmark = pytest.mark.usefixtures("account")
BAD_BODY = GOOD_BODY | {"seconds": "7.5"}
LIMITS = ("concurrent_tasks", "seconds_per_day", "seconds_per_month", "spend_per_day", "spend_per_month")
LOCK_MILLISECONDS = TIMEOUTS[Kind.CREATE]["lock_timeout"]
Change = Callable[[Caller], object]


def quota(**limits: Any) -> Change:
    return lambda caller: Quota.objects.create(tenant=caller.tenant, **limits)


def key(**values: Any) -> Change:
    return lambda caller: APIKey.objects.filter(tenant=caller.tenant).update(**values)


def nothing(_: Caller) -> None:
    pass


# --- usual tenants never leave it

USUAL: dict[str, tuple[Change, dict[str, str]]] = {
    "no quota": (nothing, {}),
    "every limit": (
        quota(
            concurrent_tasks=9, seconds_per_day=99, seconds_per_month=99, spend_per_day=99, spend_per_month=99
        ),
        {},
    ),
    "a limit per minute": (quota(requests_per_minute=9), {}),
    "a key with limits": (key(requests_per_minute=9, spend_per_month=99), {}),
    "a key with models": (key(allowed_models=["Kling-3.0-1080p"]), {}),
    "a key with networks": (key(allowed_networks=["127.0.0.0/8"]), {}),
    "a queue": (quota(concurrent_tasks=1, when_full="queue"), {}),
    "a bucket": (lambda one: CosBucket.objects.create(tenant=one.tenant, bucket="a-1", region="b"), {}),
    "an idempotency key": (nothing, {"idempotency_key": "new"}),
    "an SDK": (nothing, {"x_stainless_retry_count": "0", "x_stainless_timeout": "600"}),
    "a retry that never arrived": (nothing, {"x_stainless_retry_count": "2"}),
}


@pytest.mark.parametrize("kind", USUAL)
def test_creates_of_usual_tenants_are_served(kind: str, lane: Lane, owner: Caller) -> None:
    change, headers = USUAL[kind]
    change(owner)
    used(owner)
    for number in range(3):  # the first one of the day, and two more
        own = {
            name: f"{value}{number}" if name == "idempotency_key" else value
            for name, value in headers.items()
        }
        body = GOOD_BODY | {"prompt": f"cat {number}"}
        [answer] = lane.serve(create(owner, body, **own))
        assert answer is not None
        assert Task.objects.get(pk=body_of(answer)["id"].removeprefix("task_")).prompt == body["prompt"]
    assert Task.objects.count() == 3
    assert reconciliation.differences() == []


@pytest.mark.parametrize("state", Status)
def test_reads_and_lists_are_served(state: Status, lane: Lane, owner: Caller, make_task: MakeTask) -> None:
    task = make_task(state)
    used(owner)
    [read] = lane.serve(request(owner, "GET", f"/v1/videos/{task.public_id}"))
    [page] = lane.serve(request(owner, "GET", "/v1/videos"))
    assert [body_of(read)] == body_of(page)["data"]


# --- everything else is left to the views

LEFT: dict[str, tuple[Change, Any, dict[str, str]]] = {
    "a violation": (nothing, BAD_BODY, {}),
    "no JSON": (nothing, b"{", {}),
    "no object": (nothing, b"[]", {}),
    "a full quota": (quota(concurrent_tasks=0), None, {}),
    "an empty balance": (quota(is_prepaid=True), None, {}),
    "too many a minute": (quota(requests_per_minute=0), None, {}),
    "a bad idempotency key": (nothing, None, {"idempotency_key": "x" * 300}),
    "a suspended tenant": (lambda one: one.tenant.suspend(timezone.now()), None, {}),
    "a revoked key": (key(revoked_at=timezone.now()), None, {}),
    "an expired key": (key(expires_at=timezone.now()), None, {}),
    "a key without the scope": (key(scopes=["read"]), None, {}),
    "a key of other networks": (key(allowed_networks=["10.0.0.0/8"]), None, {}),
    "a key of other models": (key(allowed_models=["Vidu-q2-pro-720p"]), None, {}),
    "a key that was not used lately": (key(last_used_at=timezone.now() - timedelta(hours=1)), None, {}),
}


@pytest.mark.parametrize("kind", LEFT)
def test_what_is_not_a_plain_success_is_left_untouched(
    kind: str, lane: Lane, owner: Caller, settings: LazySettings
) -> None:
    settings.OTHER_REQUESTS_PER_MINUTE = 2
    change, body, headers = LEFT[kind]
    used(owner)
    change(owner)
    for _ in range(3):
        assert lane.serve(create(owner, body, **headers)) == [None]
    assert Task.objects.count() == 0
    assert throttles.take(owner.key or APIKey()) == 0, "something was counted"


CHANGED = [kind for kind in LEFT if kind.startswith(("a suspended", "a revoked", "an expired", "a key "))]


@pytest.mark.parametrize("kind", CHANGED)
def test_a_change_of_a_key_applies_to_its_next_request(kind: str, lane: Lane, owner: Caller) -> None:
    used(owner)
    assert statuses(lane.serve(create(owner))) == [200]
    LEFT[kind][0](owner)
    assert lane.serve(create(owner)) == [None]
    assert Task.objects.count() == 1


def test_replays_and_reused_idempotency_keys_are_left(lane: Lane, owner: Caller) -> None:
    used(owner)
    first = lane.serve(create(owner, idempotency_key="one"))
    assert statuses(first) == [200]
    again = create(owner, idempotency_key="one"), create(owner, BAD_BODY, idempotency_key="one")
    assert lane.serve(*again) == [None, None]
    assert lane.serve(create(owner, x_stainless_retry_count="1")) == [None], "the retry of the first one"
    assert Task.objects.count() == 1


def test_unknown_and_foreign_tasks_are_left(
    lane: Lane, owner: Caller, stranger: Caller, make_task: MakeTask
) -> None:
    used(owner, stranger)
    visible, deleted = make_task(), make_task(Status.SUCCEEDED, hidden_at=timezone.now())
    paths = [f"/v1/videos/{task.public_id}" for task in (visible, deleted)]
    assert statuses(lane.serve(*(request(owner, "GET", path) for path in paths))) == [200, None]
    assert lane.serve(*(request(stranger, "GET", path) for path in paths)) == [None, None]
    assert lane.serve(request(owner, "GET", "/v1/videos/task_x")) == [None]
    foreign = f"/v1/videos?after={visible.public_id}"
    assert lane.serve(request(stranger, "GET", foreign)) == [None]


@pytest.mark.parametrize("path", ["/v1/videos", "/v1/videos/{id}"])
def test_reads_over_the_keys_rate_are_left(
    path: str, lane: Lane, owner: Caller, make_task: MakeTask, settings: LazySettings
) -> None:
    settings.OTHER_REQUESTS_PER_MINUTE = 2
    asked = request(owner, "GET", path.format(id=make_task().public_id))
    used(owner)
    assert statuses([lane.serve(asked)[0] for _ in range(3)]) == [200, 200, None]


# --- batches


def test_a_batch_serves_each_request_by_itself(lane: Lane, owner: Caller, stranger: Caller) -> None:
    mate = make_caller(owner.tenant)
    Quota.objects.create(tenant=stranger.tenant, concurrent_tasks=1)
    used(owner, stranger, mate)
    outcomes = lane.serve(
        create(owner),
        create(stranger),
        create(owner, BAD_BODY),
        create(stranger),
        create(mate, idempotency_key="one"),
        create(owner, idempotency_key="one"),
        create(owner),
    )
    assert statuses(outcomes) == [200, 200, None, None, 200, None, 200]
    assert len({body_of(outcome)["id"] for outcome in outcomes if outcome}) == Task.objects.count() == 4
    assert reconciliation.differences() == []


def test_a_batch_takes_as_many_statements_as_one_request(
    lane: Lane, owner: Caller, stranger: Caller, make_task: MakeTask, django_assert_num_queries: Any
) -> None:
    used(owner, stranger)
    lane.serve(create(owner), create(stranger))
    with django_assert_num_queries(2):
        assert statuses(lane.serve(*(create(one) for one in (owner, stranger) * 8))) == [200] * 16
    path = f"/v1/videos/{make_task().public_id}"
    with django_assert_num_queries(1):
        assert statuses(lane.serve(*[request(owner, "GET", path)] * 16)) == [200] * 16


# --- locks and failures


def in_a_lane(work: Callable[[], Any]) -> Any:
    """Run it in a thread, on a connection as the lane's threads have."""
    outcomes: list[Any] = []

    def run() -> None:
        database.limit_thread(lock_timeout=LOCK_MILLISECONDS)
        try:
            outcomes.append(work())
        except Exception as error:  # returned
            outcomes.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return outcomes[0]


@pytest.mark.django_db(transaction=True)
def test_a_tenant_whose_totals_are_locked_holds_up_no_other(
    lane: Lane, owner: Caller, stranger: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    for caller in (owner, stranger):
        order_video(caller)
    used(owner, stranger)
    batch = [create(owner), create(stranger), create(owner)]
    with transaction.atomic():
        standing.lock(owner.tenant.pk)
        assert statuses(in_a_lane(lambda: lane.serve(*batch))) == [None, 200, None]
        assert statuses(in_a_lane(lambda: lane.serve(*batch))) == [None, 200, None]
    assert statuses(in_a_lane(lambda: lane.serve(*batch))) == [None, 200, None], "left alone for a second"
    later = timezone.now() + creates.LEFT_ALONE
    monkeypatch.setattr(timezone, "now", lambda: later)
    assert statuses(in_a_lane(lambda: lane.serve(*batch))) == [200, 200, 200]
    assert reconciliation.differences() == []


@pytest.mark.django_db(transaction=True)
def test_what_waits_for_a_locked_table_is_left_to_the_views(
    lane: Lane, owner: Caller, make_task: MakeTask
) -> None:
    used(owner)
    read = request(owner, "GET", f"/v1/videos/{make_task().public_id}")
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("LOCK TABLE videos_task IN ACCESS EXCLUSIVE MODE")
        for asked in (create(owner), read, request(owner, "GET", "/v1/videos")):
            assert in_a_lane(partial(lane.serve, asked)) == [None]
    assert Task.objects.count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("code", ["54001", "22P05", "23514", "XX000"])
def test_a_statement_that_one_request_breaks_is_left_to_the_views(
    code: str, lane: Lane, owner: Caller, stranger: Caller
) -> None:
    for caller in (owner, stranger):
        order_video(caller)
    used(owner, stranger)
    with connection.cursor() as cursor:
        cursor.execute(f"""CREATE FUNCTION poisoned() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            RAISE EXCEPTION 'poisoned' USING ERRCODE = '{code}'; END $$""")
        cursor.execute(
            "CREATE TRIGGER poisoned BEFORE INSERT ON videos_task FOR EACH ROW"
            " WHEN (NEW.request ->> 'prompt' = 'poison') EXECUTE FUNCTION poisoned()"
        )
    try:
        batch = [create(owner), create(stranger, GOOD_BODY | {"prompt": "poison"})]
        assert in_a_lane(lambda: lane.serve(*batch)) == [None, None]
        assert statuses(in_a_lane(lambda: lane.serve(create(owner)))) == [200]
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TRIGGER poisoned ON videos_task; DROP FUNCTION poisoned()")
    assert Task.objects.count() == 3
    assert reconciliation.differences() == []


@pytest.mark.django_db(transaction=True)
def test_if_it_is_unknown_whether_tasks_were_created_nobody_creates_them_again(
    lane: Lane, owner: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    order_video(owner)
    used(owner)
    monkeypatch.setattr("tests.lane.test_lane.LOCK_MILLISECONDS", 60_000)
    outcome: list[Any] = []
    worker = threading.Thread(target=lambda: outcome.append(in_a_lane(lambda: lane.serve(create(owner)))))
    with transaction.atomic():
        standing.lock(owner.tenant.pk)
        worker.start()
        wait_for_lock(1)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE wait_event_type = 'Lock' AND datname = current_database()"
            )
    worker.join()
    assert isinstance(outcome[0], OperationalError)
    assert Task.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_lost_connection_is_renewed_by_the_look_up(lane: Lane, owner: Caller) -> None:
    used(owner)

    def serve() -> Any:
        lane.serve(create(owner))
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            pid = cursor.fetchone()[0]
        terminate(pid)
        return lane.serve(create(owner))

    def terminate(pid: int) -> None:
        killer = threading.Thread(target=_terminate, args=[pid])
        killer.start()
        killer.join()

    assert statuses(in_a_lane(serve)) == [200]
    assert Task.objects.count() == 2


def _terminate(pid: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    connection.close()
