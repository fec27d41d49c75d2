"""Tasks on accounts that a tenant owns: where they go, what they cost, and what others notice of it."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.conf import LazySettings
from django.utils import timezone

from tests.conftest import GOOD_BODY, Caller, claim_next, order_video, wanted
from videos.billing import reconciliation
from videos.models import AccountState, LedgerEntry, Price, Task, UpstreamAccount
from videos.routing.breaker import Condition
from videos.states import Status
from videos.tasks import lifecycle
from videos.upstream.base import AccountRefused
from videos.worker import submit

MODEL = GOOD_BODY["model"]
ONLY_VOD = {**GOOD_BODY, "metadata": {"output_config": {"PersonGeneration": "Disallowed"}}}
pytestmark = pytest.mark.usefixtures("account")


def own_account(caller: Caller, **fields: Any) -> UpstreamAccount:
    """An account that the caller's tenant owns."""
    given = {"name": "own", "secret_id": "AKIDown", "secret_key": "y", "owner": caller.tenant, **fields}
    return UpstreamAccount.objects.create(**given)


def take_out(account: UpstreamAccount) -> None:
    AccountState.objects.filter(account=account).update(condition=Condition.OPEN)


def test_a_tenants_task_goes_to_its_own_account_and_is_free(
    owner: Caller, stranger: Caller, account: UpstreamAccount
) -> None:
    own = own_account(owner)
    task, other = order_video(owner), order_video(stranger)
    now = timezone.now()
    assert (task.on_own_account, task.price, other.on_own_account) == (True, Decimal(0), False)
    assert other.price > 0
    assert (wanted(own, now), wanted(account, now)) == (1, 1)
    assert claim_next(own, now) == task
    assert claim_next(own, now) is None
    assert claim_next(account, now) == other
    assert LedgerEntry.objects.filter(task=task).values_list("kind", "amount", "held").get() == (
        "hold",
        Decimal(0),
        Decimal(0),
    )
    assert reconciliation.differences() == []


def test_a_price_for_own_accounts_applies_only_to_them(owner: Caller, stranger: Caller) -> None:
    own_account(owner)
    before = order_video(stranger).price
    price = {"model": MODEL, "per_second": Decimal("0.1"), "valid_from": timezone.now() - timedelta(days=1)}
    Price.objects.create(on_own_account=True, **price)
    assert order_video(owner, {**GOOD_BODY, "prompt": "b"}).price == Decimal("0.5")
    assert order_video(stranger, {**GOOD_BODY, "prompt": "b"}).price == before
    quoted = owner.post("/v1/videos/validate", GOOD_BODY).json()["price"]
    assert (quoted["amount"], quoted["options"]) == ("0.50", ["own_account"])
    shown = owner.get(f"/v1/models/{MODEL}").json()["capabilities"]["price"]
    assert [one["options"] for one in shown] == [["own_account"]]


def test_the_prices_of_own_accounts_are_not_shown_to_others(stranger: Caller, owner: Caller) -> None:
    own_account(owner)
    Price.objects.create(on_own_account=True, model=MODEL, per_second=Decimal("0.1"))
    shown = stranger.get(f"/v1/models/{MODEL}").json()["capabilities"]["price"]
    assert all("own_account" not in one["options"] for one in shown)


def test_a_model_of_an_own_account_alone_is_offered_to_its_tenant_alone(
    owner: Caller, stranger: Caller, account: UpstreamAccount
) -> None:
    account.disabled_models = [MODEL]
    account.save()
    own_account(owner)
    assert owner.get(f"/v1/models/{MODEL}").status_code == 200
    assert stranger.get(f"/v1/models/{MODEL}").status_code == 404
    assert stranger.post("/v1/videos", GOOD_BODY).json()["code"] == "model_not_found"
    assert owner.post("/v1/videos", GOOD_BODY).status_code == 200


def test_while_its_account_is_out_of_service_new_tasks_go_to_the_platform_at_its_price(
    owner: Caller, account: UpstreamAccount
) -> None:
    own = own_account(owner)
    waiting = order_video(owner)
    take_out(own)
    task = order_video(owner, {**GOOD_BODY, "prompt": "b"})
    assert (task.on_own_account, task.price > 0) == (False, True)
    now = timezone.now()
    assert wanted(own, now) == 0
    assert claim_next(account, now) == task
    assert claim_next(account, now) is None  # the first stays with its own account, at its own price
    assert Task.objects.get(pk=waiting.pk).state is Status.QUEUED


def test_a_tenant_that_must_use_its_own_accounts_never_uses_the_platforms(
    owner: Caller, account: UpstreamAccount, settings: LazySettings
) -> None:
    owner.tenant.only_own_account = True
    owner.tenant.save()
    refused = owner.post("/v1/videos", GOOD_BODY)
    assert (refused.status_code, refused.json()["code"]) == (503, "no_upstream_available")
    assert int(refused["Retry-After"]) > 0
    own = own_account(owner)
    assert owner.post("/v1/videos", GOOD_BODY).status_code == 200
    take_out(own)
    assert owner.post("/v1/videos", GOOD_BODY).status_code == 503
    settings.WHEN_NO_UPSTREAM = "queue"
    assert owner.post("/v1/videos", GOOD_BODY).status_code == 200
    assert wanted(account, timezone.now()) == 0


def test_own_tasks_neither_delay_nor_favour_others(
    owner: Caller, stranger: Caller, account: UpstreamAccount
) -> None:
    own = own_account(owner, most_open_tasks=1, disabled_models=["GV-3.1-720p"])
    mine = [order_video(owner, {**GOOD_BODY, "prompt": str(number)}) for number in range(5)]
    assert {task.turn for task in mine} == {0}
    body = {**GOOD_BODY, "model": "GV-3.1-720p", "seconds": "8"}
    theirs, shared = order_video(stranger, body), order_video(owner, body)
    assert (theirs.turn, shared.turn) == (0, 0)
    now = timezone.now()
    assert claim_next(own, now) == mine[0]
    assert claim_next(own, now) is None  # it runs one task at a time
    assert wanted(account, now) == 2


def test_a_request_goes_to_the_product_that_carries_all(owner: Caller, account: UpstreamAccount) -> None:
    told = order_video(owner, ONLY_VOD)
    assert (told.prefers, told.not_forwarded) == ("vod", ["metadata.output_config.PersonGeneration"])
    vod = UpstreamAccount.objects.create(name="vod", secret_id="AKIDv", secret_key="y", product="vod")
    task = order_video(owner, {**ONLY_VOD, "prompt": "b"})
    assert task.not_forwarded == []
    now = timezone.now()
    assert claim_next(vod, now) == told
    assert Task.objects.get(pk=told.pk).not_forwarded == []
    assert wanted(account, now) == 0
    UpstreamAccount.objects.filter(pk=vod.pk).update(is_enabled=False)
    assert claim_next(account, now) == task  # there is no other any more
    sent = Task.objects.get(pk=task.pk)
    assert sent.not_forwarded == ["metadata.output_config.PersonGeneration"]


def test_a_request_that_only_vod_carries_is_refused_while_vod_is_out_of_service(
    owner: Caller, account: UpstreamAccount
) -> None:
    """Its options may be about safety: they are not dropped because of an outage."""
    vod = UpstreamAccount.objects.create(name="vod", secret_id="AKIDv", secret_key="y", product="vod")
    take_out(vod)
    assert owner.post("/v1/videos", ONLY_VOD).status_code == 503
    assert owner.post("/v1/videos", GOOD_BODY).status_code == 200


@pytest.mark.parametrize(("waits", "status"), [("refuse", 503), ("queue", 200)])
def test_creates_are_refused_or_queued_while_no_account_works(
    waits: str, status: int, owner: Caller, account: UpstreamAccount, settings: LazySettings
) -> None:
    settings.WHEN_NO_UPSTREAM = waits
    take_out(account)
    answer = owner.post("/v1/videos", GOOD_BODY)
    assert answer.status_code == status
    assert Task.objects.count() == (status == 200)
    assert owner.post("/v1/videos/validate", GOOD_BODY).status_code == 200
    AccountState.objects.update(condition=Condition.TRIAL)  # needs a task to be tried with
    assert owner.post("/v1/videos", GOOD_BODY).status_code == 200


def test_a_pause_refuses_no_create(owner: Caller) -> None:
    AccountState.objects.update(condition=Condition.PAUSED)
    assert owner.post("/v1/videos", GOOD_BODY).status_code == 200


@pytest.mark.parametrize(
    "change",
    [
        {"secret_key": "right"},
        {"secret_id": "AKIDright"},
        {"endpoint": "https://right.example"},
        {"region": "ap-guangzhou"},
        {"sub_app_id": 7},
        {"proxy_url": "http://proxy.example:3128"},
        {"product": "vod"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_an_account_whose_connection_is_changed_is_tried_at_once(
    change: dict[str, Any], account: UpstreamAccount
) -> None:
    take_out(account)
    UpstreamAccount.objects.filter(pk=account.pk).update(weight=3)
    assert AccountState.objects.get().condition == Condition.OPEN
    UpstreamAccount.objects.filter(pk=account.pk).update(**change)
    assert AccountState.objects.get().condition == Condition.WORKING


def test_a_task_is_taken_by_one_account_at_a_time_on_trial(owner: Caller, account: UpstreamAccount) -> None:
    first = order_video(owner)
    order_video(owner, {**GOOD_BODY, "prompt": "b"})
    AccountState.objects.update(condition=Condition.TRIAL)
    now = timezone.now()
    assert wanted(account, now) == 1
    assert claim_next(account, now) == first
    assert claim_next(account, now) is None
    assert wanted(account, now) == 0


def test_the_task_that_failed_a_trial_lets_another_be_tried_next(
    owner: Caller, account: UpstreamAccount
) -> None:
    """One task whose very own trouble looks like the account's must not keep it out of service."""
    order_video(owner)
    AccountState.objects.update(condition=Condition.TRIAL)
    account = UpstreamAccount.objects.select_related("state").get()
    now = timezone.now()
    task = claim_next(account, now)
    assert task is not None
    submit._not_accepted(account, task, AccountRefused("No.", code="UnauthorizedOperation"), now, now)
    task.refresh_from_db()
    assert (task.state, task.due_at > now) == (Status.QUEUED, True)
    assert lifecycle.cancel(task, now)
