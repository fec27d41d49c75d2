"""A request sent twice makes one task: by its Idempotency-Key or by the retry headers of an SDK."""

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection, transaction
from django.test.client import MULTIPART_CONTENT
from django.utils import timezone

from accounts.models import Quota, WhenFull
from accounts.quotas import standing
from tests.billing.test_quotas import succeed
from tests.conftest import GOOD_BODY, Caller, move, order_video
from tests.support.both_ways import by_the_view_alone
from tests.support.limits import LATER, PRICE, limit, limit_key, pay_in, written
from tests.support.refusals import CREATE_ROUTES
from tests.support.worker_process import wait_until
from videos.billing import reconciliation
from videos.models import IdempotencyKey, LedgerEntry, Price, RefusedCreate, Task, UpstreamAccount
from videos.states import Status
from videos.tasks import idempotency, lifecycle

REPLAYED = "idempotent-replayed"


@pytest.fixture(autouse=True)
def _books(db: None) -> Iterator[None]:
    """The books agree after every test."""
    yield
    assert reconciliation.differences() == []


def keyed(caller: Caller, key: str = "a key", path: str = "/v1/videos", /, **fields: Any) -> Any:
    return caller.post(path, GOOD_BODY | fields, HTTP_IDEMPOTENCY_KEY=key)


def sdk(caller: Caller, retries: int | str = 0, /, **fields: Any) -> Any:
    """Post as OpenAI's SDK does, with the number of retries so far."""
    return caller.post("/v1/videos", GOOD_BODY | fields, HTTP_X_STAINLESS_RETRY_COUNT=str(retries))


def form(caller: Caller, fields: dict[str, Any], **extra: Any) -> Any:
    return caller.post("/v1/videos", data=fields, content_type=MULTIPART_CONTENT, **extra)


def assert_replay(answer: Any, first: Any) -> None:
    """Check that the answer is a replay of the first."""
    assert (answer.status_code, answer.headers.get(REPLAYED)) == (200, "true")
    assert answer.content == first.content
    assert answer.headers["content-type"] == first.headers["content-type"]
    assert answer.headers["x-request-id"] != first.headers["x-request-id"]


def ids(*answers: Any) -> list[str]:
    return [answer.json()["id"] for answer in answers]


def age_by(by: timedelta) -> None:
    """Make stored keys and refusals that much older."""
    IdempotencyKey.objects.update(created_at=timezone.now() - by)


# --- with an Idempotency-Key


@pytest.mark.parametrize("path", CREATE_ROUTES)
def test_a_request_sent_twice_makes_one_task_and_gets_one_answer(
    path: str, owner: Caller, account: UpstreamAccount
) -> None:
    first = keyed(owner, "k", path, prompt="eine Katze läuft 🐈 <&>\u2028")
    assert (first.status_code, REPLAYED in first.headers) == (200, False)
    before = written()
    for route in CREATE_ROUTES:
        assert_replay(keyed(owner, "k", route, prompt="eine Katze läuft 🐈 <&>\u2028"), first)
    assert written() == before
    assert Task.objects.count() == LedgerEntry.objects.count() == 1


def fill(caller: Caller) -> None:
    limit(caller, concurrent_tasks=1, requests_per_minute=1, seconds_per_day=5)


def forbid_everything(caller: Caller) -> None:
    limit(caller, concurrent_tasks=0, requests_per_minute=0, spend_per_month=Decimal(0), is_prepaid=True)
    limit_key(caller, requests_per_minute=0, spend_per_month=Decimal(0))


def raise_prices(caller: Caller) -> None:
    Price.objects.update(per_second=Decimal(100))


def drop_prices(caller: Caller) -> None:
    Price.objects.all().delete()


def switch_models_off(caller: Caller) -> None:
    UpstreamAccount.objects.update(disabled_models=[GOOD_BODY["model"]])


def disable_the_account(caller: Caller) -> None:
    UpstreamAccount.objects.update(is_enabled=False)


def move_far_away(caller: Caller) -> None:
    move(caller.tenant, "Pacific/Kiritimati", timezone.now())


def end(caller: Caller) -> None:
    assert succeed(Task.objects.get())


def cancel_and_delete(caller: Caller) -> None:
    for _ in range(2):
        path = f"/v1/videos/{Task.objects.get().public_id}"
        assert caller.request("DELETE", path).status_code == 200


CHANGES: list[Callable[[Caller], None]] = [
    fill,
    forbid_everything,
    raise_prices,
    drop_prices,
    switch_models_off,
    disable_the_account,
    move_far_away,
    end,
    cancel_and_delete,
]


@pytest.mark.parametrize("change", CHANGES)
def test_a_replay_is_the_same_whatever_has_changed_since(
    change: Callable[[Caller], None], owner: Caller, account: UpstreamAccount
) -> None:
    first = keyed(owner, max_cost="5")
    change(owner)
    before = written()
    assert_replay(keyed(owner, max_cost="5"), first)
    assert written() == before


@pytest.mark.parametrize("change", [fill, forbid_everything, switch_models_off])
def test_the_changes_apply_to_a_new_key(
    change: Callable[[Caller], None], owner: Caller, account: UpstreamAccount
) -> None:
    keyed(owner)
    change(owner)
    assert keyed(owner, "another").status_code in (400, 429)


def test_a_replay_does_not_count_as_a_request(owner: Caller, account: UpstreamAccount) -> None:
    limit(owner, requests_per_minute=2)
    for _ in range(3):
        assert keyed(owner).status_code == 200
    assert [keyed(owner, key).status_code for key in ("b", "c")] == [200, 429]


def test_the_replay_for_a_waiting_task_does_not_change(owner: Caller, account: UpstreamAccount) -> None:
    limit(owner, concurrent_tasks=1, when_full=WhenFull.QUEUE)
    keyed(owner, "first")
    waiting = keyed(owner, "second")
    assert waiting.json()["metadata"]["queue"]["position"] == 1
    assert lifecycle.cancel(Task.objects.get(status=Status.QUEUED), LATER)
    assert_replay(keyed(owner, "second"), waiting)


# --- equivalent bodies


def test_the_order_of_fields_and_white_space_do_not_matter(owner: Caller, account: UpstreamAccount) -> None:
    metadata = {"aspect_ratio": "16:9", "output_config": {"AudioGeneration": "Enabled", "LogoAdd": ""}}
    first = keyed(owner, metadata=metadata)
    turned = dict(reversed((GOOD_BODY | {"metadata": dict(reversed(metadata.items()))}).items()))
    spaced = {"data": json.dumps(turned, indent=2), "content_type": "application/json; charset=utf-8"}
    assert_replay(owner.post("/v1/videos", **spaced, HTTP_IDEMPOTENCY_KEY="a key"), first)


def test_json_and_a_form_can_be_the_same_request(owner: Caller, account: UpstreamAccount) -> None:
    first = keyed(owner, images=["https://example.com/1.png"], metadata={"aspect_ratio": "16:9"})
    fields = GOOD_BODY | {"images[]": "https://example.com/1.png", "metadata[aspect_ratio]": "16:9"}
    assert_replay(form(owner, fields, HTTP_IDEMPOTENCY_KEY="a key"), first)


def test_a_repeated_form_is_the_same_request(owner: Caller, account: UpstreamAccount) -> None:
    first = form(owner, GOOD_BODY, HTTP_IDEMPOTENCY_KEY="a key")
    assert_replay(form(owner, GOOD_BODY, HTTP_IDEMPOTENCY_KEY="a key"), first)
    assert_replay(keyed(owner), first)


OTHERS: list[dict[str, Any]] = [
    {"prompt": "a dog runs"},
    {"prompt": "A cat runs"},
    {"seconds": "10"},
    {"model": "Kling-3.0-720p"},
    {"metadata": {"aspect_ratio": "16:9"}},
    {"max_cost": "100"},
    {"images": ["https://example.com/1.png"]},
    # Also if it is invalid.
    {"model": "none"},
    {"seconds": "99"},
]


@pytest.mark.parametrize("other", OTHERS, ids=str)
def test_a_key_reused_with_another_body_is_always_refused(
    other: dict[str, Any], owner: Caller, account: UpstreamAccount
) -> None:
    first = keyed(owner)
    before = written()
    for _ in range(2):
        answer = keyed(owner, **other)
        assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
        assert answer.json()["error"]["type"] == "invalid_request_error"
        assert answer.headers["x-should-retry"] == "false"
        assert REPLAYED not in answer.headers
    assert written() == before
    assert_replay(keyed(owner), first)


def test_the_order_of_items_matters(owner: Caller, account: UpstreamAccount) -> None:
    images = ["https://example.com/1.png", "https://example.com/2.png"]
    assert keyed(owner, images=images).status_code == 200
    assert keyed(owner, images=images[::-1]).status_code == 422


def test_large_numbers_that_differ_in_their_last_digit_are_different(
    owner: Caller, account: UpstreamAccount
) -> None:
    def body(element: int) -> dict[str, Any]:
        return {
            "metadata": {"ext_info": {"AdditionalParameters": {"element_list": [{"element_id": element}]}}}
        }

    assert keyed(owner, **body(2**63)).status_code == 200
    assert keyed(owner, **body(2**63 + 1)).status_code == 422


SHOT = {"index": 1, "prompt": "a cat", "duration": 5}


def with_parameters(
    parameters: Any, form: Callable[[Any], Any] = lambda ext_info: ext_info
) -> dict[str, Any]:
    return {"model": "Kling-3.0-720p", "metadata": {"ext_info": form({"AdditionalParameters": parameters})}}


SPELLINGS: dict[str, list[dict[str, Any]]] = {
    "seconds": [{"seconds": "5"}, {"seconds": 5}, {"seconds": 5.0}],
    "the model's case": [{}, {"model": "kling-3.0-1080P"}],
    "empty values": [{}, {"images": [], "videos": None, "metadata": {"negative_prompt": "", "ext_info": {}}}],
    "empty fields without a meaning": [{}, {"user": "", "seed": None}],
    "fields that change nothing": [{}, {"n": 1, "duration": "5", "resolution": "1080P"}],
    "parameters that say nothing": [
        with_parameters({}),
        with_parameters("{}"),
        with_parameters({"multi_prompt": [], "shot_type": "", "multi_shot": False}),
        with_parameters({"multi_shot": "false"}),
        {"model": "Kling-3.0-720p"},
    ],
    "numbers of a form": [
        with_parameters({"element_list": [{"element_id": 2**63}]}),
        with_parameters({"element_list": [{"element_id": str(2**63)}]}),
    ],
    "max_cost": [{"max_cost": "100"}, {"max_cost": 100}, {"max_cost": "100.00"}],
    "switches": [
        {"metadata": {"enhance_prompt": word, "output_config": {"AudioGeneration": word}}}
        for word in ("Enabled", True, "true")
    ],
    "the ratio": [{"size": "1080x1920"}, {"metadata": {"aspect_ratio": "9:16"}}],
    "aliases and JSON in strings": [
        with_parameters({"element_list": [{"element_id": 2**63}]}),
        with_parameters({"element_list": [{"element_id": 2**63}]}, json.dumps),
        with_parameters(json.dumps({"element_list": [{"element_id": 2**63}]})),
        {
            "model": "Kling-3.0-720p",
            "metadata": {
                "ExtInfo": with_parameters({"element_list": [{"element_id": 2**63}]})["metadata"]["ext_info"]
            },
        },
    ],
    "shots": [
        with_parameters({"multi_shot": True, "shot_type": "customize", "multi_prompt": [SHOT]}),
        with_parameters(
            {
                "multi_shot": "true",
                "shot_type": "customize",
                "multi_prompt": [SHOT | {"index": "1", "duration": 5.0}],
            }
        ),
    ],
}


@pytest.mark.parametrize("name", SPELLINGS)
def test_equivalent_spellings_are_the_same_request(
    name: str, owner: Caller, account: UpstreamAccount
) -> None:
    first, *others = SPELLINGS[name]
    answer = keyed(owner, **first)
    for other in others:
        assert_replay(keyed(owner, **other), answer)
    assert Task.objects.count() == 1


DIFFERENT: dict[str, list[dict[str, Any]]] = {
    "fields without a meaning": [{"seed": 1}, {"seed": 2}],
    "what else a shot says": [
        with_parameters(
            {"multi_shot": True, "shot_type": "customize", "multi_prompt": [SHOT | {"negative_prompt": word}]}
        )
        for word in ("blur", "noise")
    ],
    "parameters": [with_parameters({"a": 1}), with_parameters({"a": 2})],
}


@pytest.mark.parametrize("name", DIFFERENT)
def test_a_different_request_gets_no_replay(name: str, owner: Caller, account: UpstreamAccount) -> None:
    first, other = DIFFERENT[name]
    assert keyed(owner, **first).status_code == 200
    assert keyed(owner, **other).status_code == 422


def test_a_key_of_an_earlier_release_is_recognised_by_its_body(
    owner: Caller, account: UpstreamAccount
) -> None:
    first = keyed(owner)
    IdempotencyKey.objects.update(fingerprint=idempotency.hash_of(GOOD_BODY))
    assert_replay(keyed(owner), first)
    assert keyed(owner, prompt="a dog runs").status_code == 422


@pytest.mark.parametrize("retries", ["9" * 5000, "00", "-1", "1.5", "²"])
def test_an_invalid_retry_count_is_ignored(retries: str, owner: Caller, account: UpstreamAccount) -> None:
    assert sdk(owner, retries).status_code == 200


def test_an_sdk_retry_is_recognised_by_the_text_of_its_body(owner: Caller, account: UpstreamAccount) -> None:
    first = sdk(owner, 0, seconds="5")
    assert ids(sdk(owner, 1, seconds=5)) != ids(first)
    assert ids(sdk(owner, 1, seconds="5")) == ids(first)


# --- refusals are not stored


@pytest.mark.parametrize(
    ("obstacle", "status"),
    [
        (forbid_everything, 429),
        (drop_prices, 503),
        (switch_models_off, 400),
        (lambda caller: UpstreamAccount.objects.update(disabled_models=[]), None),
    ],
)
def test_a_refusal_is_not_stored_and_its_key_stays_free(
    obstacle: Callable[[Caller], None], status: int | None, owner: Caller, account: UpstreamAccount
) -> None:
    prices = list(Price.objects.all())
    obstacle(owner)
    if status:
        assert keyed(owner).status_code == status
        assert not IdempotencyKey.objects.exists()
    Quota.objects.all().delete()
    limit_key(owner, requests_per_minute=None, spend_per_month=None)
    UpstreamAccount.objects.update(disabled_models=[])
    Price.objects.bulk_create(prices, ignore_conflicts=True)
    answer = keyed(owner)
    assert (answer.status_code, REPLAYED in answer.headers) == (200, False)
    assert_replay(keyed(owner), answer)


@pytest.mark.parametrize("refused", [{"model": "none"}, {"seconds": "99"}, {"max_cost": "0.01"}])
def test_a_key_whose_body_was_refused_can_be_used_with_a_valid_one(
    refused: dict[str, Any], owner: Caller, account: UpstreamAccount
) -> None:
    assert keyed(owner, **refused).status_code == 400
    assert keyed(owner).status_code == 200


# --- rate limits


def test_replays_count_as_other_requests_and_new_tasks_do_not(
    owner: Caller, account: UpstreamAccount, settings: LazySettings
) -> None:
    settings.OTHER_REQUESTS_PER_MINUTE = 2
    assert [keyed(owner, str(number)).status_code for number in range(4)] == [200] * 4
    assert [keyed(owner, "0").status_code for _ in range(3)] == [200, 200, 429]


# --- lifetime and scope


@pytest.mark.parametrize(
    ("age", "is_replay"), [(timedelta(hours=23, minutes=59), True), (timedelta(hours=24, seconds=1), False)]
)
def test_a_key_is_kept_for_a_day(
    age: timedelta, is_replay: bool, owner: Caller, account: UpstreamAccount
) -> None:
    first = keyed(owner)
    age_by(age)
    again = keyed(owner)
    assert (again.headers.get(REPLAYED) == "true") is is_replay
    assert (ids(again) == ids(first)) is is_replay
    assert Task.objects.count() == (1 if is_replay else 2)
    assert_replay(keyed(owner), again)


def test_an_expired_key_can_be_used_with_another_body(owner: Caller, account: UpstreamAccount) -> None:
    keyed(owner)
    age_by(timedelta(hours=25))
    first = keyed(owner, prompt="a dog runs")
    assert_replay(keyed(owner, prompt="a dog runs"), first)
    assert keyed(owner).status_code == 422
    assert IdempotencyKey.objects.count() == 1


def test_only_expired_keys_are_deleted(owner: Caller, account: UpstreamAccount) -> None:
    keyed(owner, "old")
    age_by(timedelta(hours=24))
    new = keyed(owner, "new")
    idempotency.delete_expired(timezone.now())
    assert [*IdempotencyKey.objects.values_list("key", flat=True)] == ["new"]
    assert_replay(keyed(owner, "new"), new)


def test_keys_belong_to_a_tenant_and_are_shared_by_its_programs(
    owner: Caller, mate: Caller, stranger: Caller, account: UpstreamAccount
) -> None:
    first = keyed(owner)
    other = keyed(stranger)
    assert (other.status_code, REPLAYED in other.headers) == (200, False)
    assert ids(other) != ids(first)
    assert keyed(stranger, prompt="a dog runs").status_code == 422
    assert_replay(keyed(mate), first)
    assert Task.objects.count() == 2


def test_a_key_of_a_suspended_tenant_replays_nothing(owner: Caller, account: UpstreamAccount) -> None:
    keyed(owner)
    owner.tenant.suspend(timezone.now())
    assert keyed(owner).status_code == 401


# --- unusual keys


@pytest.mark.parametrize("key", ["", " ", "   "])
def test_an_empty_key_is_ignored(key: str, owner: Caller, account: UpstreamAccount) -> None:
    answers = [keyed(owner, key) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert len({*ids(*answers)}) == 2
    assert not IdempotencyKey.objects.exists()


@pytest.mark.parametrize("key", ["k", "k" * 255, "a key, with: odd; ones/=?", "'; --", "%s%(x)s"])
def test_a_key_can_be_any_text_of_255_characters(key: str, owner: Caller, account: UpstreamAccount) -> None:
    first = keyed(owner, key)
    assert_replay(keyed(owner, key), first)


def test_keys_are_case_sensitive(owner: Caller, account: UpstreamAccount) -> None:
    assert len({*ids(keyed(owner, "a"), keyed(owner, "A"), keyed(owner, "a" * 254 + "b"))}) == 3


@pytest.mark.parametrize("body", [GOOD_BODY, {"model": "none"}])
def test_a_key_that_is_too_long_is_refused(
    body: dict[str, Any], owner: Caller, account: UpstreamAccount
) -> None:
    answer = owner.post("/v1/videos", body, HTTP_IDEMPOTENCY_KEY="k" * 256)
    [violation] = answer.json()["errors"]
    assert (answer.status_code, violation["param"]) == (400, "Idempotency-Key")
    assert "255" in violation["message"]
    assert not Task.objects.exists()


@pytest.mark.parametrize("key", ["käse", "订单-7", "\ufffd", "a\x00b"])
def test_a_key_that_arrives_changed_is_refused_and_never_ignored(
    key: str, owner: Caller, account: UpstreamAccount
) -> None:
    """Granian decodes headers as ASCII; ignoring a changed key would let a retry pay twice."""
    answer = keyed(owner, key)
    [violation] = answer.json()["errors"]
    assert (answer.status_code, violation["param"]) == (400, "Idempotency-Key")
    assert not Task.objects.exists()


def test_a_key_without_the_write_scope_replays_nothing(owner: Caller, account: UpstreamAccount) -> None:
    keyed(owner)
    limit_key(owner, scopes=["read"])
    assert keyed(owner).status_code == 403


def test_validating_ignores_the_key(owner: Caller, account: UpstreamAccount) -> None:
    keyed(owner)
    answer = keyed(owner, "a key", "/v1/videos/validate", prompt="a dog runs")
    assert (answer.status_code, answer.json()["valid"]) == (200, True)
    assert REPLAYED not in answer.headers


# --- retries of an SDK without a key


def test_an_sdk_retry_returns_the_first_task(owner: Caller, account: UpstreamAccount) -> None:
    first = sdk(owner)
    before = written()
    for retries in (1, 2, 10):
        answer = sdk(owner, retries)
        assert (answer.status_code, answer.headers[REPLAYED]) == (200, "true")
        assert answer.json() == first.json()
    assert written() == before


def test_a_retry_returns_the_current_state_of_the_task(owner: Caller, account: UpstreamAccount) -> None:
    first = sdk(owner)
    assert succeed(Task.objects.get())
    again = sdk(owner, 1).json()
    assert (again["id"], again["status"]) == (first.json()["id"], "completed")


def test_a_retry_returns_the_queue_position_of_a_waiting_task(
    owner: Caller, account: UpstreamAccount
) -> None:
    limit(owner, concurrent_tasks=1, when_full=WhenFull.QUEUE)
    sdk(owner, prompt="another")
    first = sdk(owner).json()
    again = sdk(owner, 1).json()
    assert again["id"] == first["id"]
    assert again["metadata"]["queue"]["position"] == first["metadata"]["queue"]["position"] == 1


@pytest.mark.parametrize(
    "change", [fill, forbid_everything, drop_prices, switch_models_off, disable_the_account]
)
def test_a_retry_returns_its_task_whatever_has_changed_since(
    change: Callable[[Caller], None], owner: Caller, account: UpstreamAccount
) -> None:
    first = sdk(owner)
    change(owner)
    assert ids(sdk(owner, 1)) == ids(first)
    assert Task.objects.count() == 1


def test_a_first_request_without_sdk_headers_counts(owner: Caller, account: UpstreamAccount) -> None:
    """The SDK's own first request may have been lost; both look the same."""
    first = owner.post("/v1/video/generations", GOOD_BODY)
    assert ids(sdk(owner, 1)) == ids(first)


def test_a_retry_whose_first_request_never_arrived_creates_the_task(
    owner: Caller, account: UpstreamAccount
) -> None:
    first = sdk(owner, 1)
    assert (first.status_code, REPLAYED in first.headers) == (200, False)
    assert ids(sdk(owner, 2)) == ids(first)


def test_five_identical_requests_make_five_tasks(owner: Caller, account: UpstreamAccount) -> None:
    made = [sdk(owner) for _ in range(5)]
    assert len({*ids(*made)}) == 5


def test_with_two_identical_tasks_a_retry_creates_another(owner: Caller, account: UpstreamAccount) -> None:
    """The answer to one of them was lost, and it is unknown which."""
    made = [sdk(owner), sdk(owner)]
    third = sdk(owner, 1)
    assert (third.status_code, REPLAYED in third.headers) == (200, False)
    assert ids(third)[0] not in ids(*made)


def test_five_identical_requests_that_were_refused_first_make_five_tasks(
    owner: Caller, account: UpstreamAccount
) -> None:
    limit(owner, concurrent_tasks=1)
    made = ids(sdk(owner))
    assert [sdk(owner).status_code for _ in range(4)] == [429] * 4
    for retries in range(1, 5):
        assert sdk(owner, retries).status_code == 429
        assert succeed(Task.objects.get(status=Status.QUEUED))
        made += ids(sdk(owner, retries + 1))
    assert len({*made}) == 5
    assert Task.objects.count() == 5


@pytest.mark.parametrize("obstacle", [fill, forbid_everything, disable_the_account])
def test_after_a_refusal_a_retry_creates_its_own_task(
    obstacle: Callable[[Caller], None], owner: Caller, account: UpstreamAccount
) -> None:
    first = sdk(owner)
    obstacle(owner)
    assert sdk(owner).status_code in (429, 503)
    limit(owner)
    limit_key(owner, requests_per_minute=None, spend_per_month=None)
    UpstreamAccount.objects.update(is_enabled=True)
    second = sdk(owner, 1)
    assert (second.status_code, REPLAYED in second.headers) == (200, False)
    assert ids(second) != ids(first)


def test_after_a_refusal_by_the_other_rate_limit_a_retry_creates_its_own_task(
    owner: Caller, account: UpstreamAccount, settings: LazySettings
) -> None:
    """The SDK retries after any of these refusals."""
    first = sdk(owner)
    settings.OTHER_REQUESTS_PER_MINUTE = 1
    owner.get("/v1/models")
    assert sdk(owner).status_code == 429
    settings.OTHER_REQUESTS_PER_MINUTE = 0
    assert ids(sdk(owner, 1)) != ids(first)


def test_a_refusal_before_the_task_does_not_affect_its_retries(
    owner: Caller, account: UpstreamAccount
) -> None:
    limit(owner, concurrent_tasks=0)
    assert sdk(owner).status_code == 429
    RefusedCreate.objects.update(at=timezone.now() - timedelta(seconds=1))
    limit(owner)
    made = sdk(owner, 1)
    assert ids(sdk(owner, 2)) == ids(made)


def test_a_refusal_of_another_body_or_key_does_not_affect_retries(
    owner: Caller, mate: Caller, account: UpstreamAccount
) -> None:
    first = sdk(owner)
    limit(owner, concurrent_tasks=0)
    assert sdk(owner, prompt="another").status_code == 429
    assert sdk(mate).status_code == 429
    assert ids(sdk(owner, 1)) == ids(first)


def test_a_refusal_that_no_sdk_retries_is_not_recorded(owner: Caller, account: UpstreamAccount) -> None:
    """SDKs do not retry invalid requests."""
    assert sdk(owner, max_cost="0.01").status_code == 400
    assert not RefusedCreate.objects.exists()


@pytest.mark.parametrize(
    "another",
    [
        lambda owner, mate: sdk(mate, 1),
        lambda owner, mate: sdk(owner, 1, prompt="a dog runs"),
        lambda owner, mate: sdk(owner, 1, seconds="10"),
        lambda owner, mate: sdk(owner, 0),
        lambda owner, mate: owner.post("/v1/videos", GOOD_BODY),
        lambda owner, mate: owner.post(
            "/v1/videos", GOOD_BODY, HTTP_X_STAINLESS_RETRY_COUNT="1", HTTP_IDEMPOTENCY_KEY="a key"
        ),
    ],
    ids=["another key", "another prompt", "another length", "no retry", "no SDK", "a key of its own"],
)
def test_a_request_that_is_no_retry_creates_its_own_task(
    another: Callable[[Caller, Caller], Any], owner: Caller, mate: Caller, account: UpstreamAccount
) -> None:
    first = sdk(owner)
    answer = another(owner, mate)
    assert (answer.status_code, REPLAYED in answer.headers) == (200, False)
    assert ids(answer) != ids(first)


@pytest.mark.parametrize("count", ["0", "00", "", "-1", "x", "1.5", "²"])
def test_only_a_count_of_one_or_more_is_a_retry(count: str, owner: Caller, account: UpstreamAccount) -> None:
    assert ids(sdk(owner, count)) != ids(sdk(owner, count))


@pytest.mark.parametrize(
    ("seconds", "retries", "timeout", "is_known"),
    [
        (100, 1, None, True),
        (180, 1, None, False),
        (180, 2, None, True),
        (300, 1, "600", True),
        (300, 1, "600.0", True),
        (630, 1, "600", False),
        (30, 1, "5", False),
        (10, 1, "5", True),
        (180, 1, "soon", False),
        (180, 1, "-600", False),
        (180, 1, "nan", False),
        (60, 1, "", True),
        (1000, 999_999_999, "999999", False),
        (800, 999_999_999, "999999", True),
    ],
)
def test_a_task_created_before_the_first_attempt_is_not_returned(
    seconds: int,
    retries: int,
    timeout: str | None,
    is_known: bool,
    owner: Caller,
    account: UpstreamAccount,
) -> None:
    task = order_video(owner, now=timezone.now() - timedelta(seconds=seconds))
    headers = {"HTTP_X_STAINLESS_RETRY_COUNT": str(retries)}
    headers |= {} if timeout is None else {"HTTP_X_STAINLESS_TIMEOUT": timeout}
    assert (ids(owner.post("/v1/videos", GOOD_BODY, **headers)) == [task.public_id]) is is_known


def test_of_an_old_and_a_new_task_a_retry_returns_the_new_one(
    owner: Caller, account: UpstreamAccount
) -> None:
    order_video(owner, now=timezone.now() - timedelta(minutes=10))
    task = order_video(owner, now=timezone.now() - timedelta(seconds=20))
    assert ids(sdk(owner, 1)) == [task.public_id]


def test_a_deleted_task_is_not_returned(owner: Caller, account: UpstreamAccount) -> None:
    first = sdk(owner)
    for _ in range(2):
        assert owner.request("DELETE", f"/v1/videos/{first.json()['id']}").status_code == 200
    again = sdk(owner, 1)
    assert (again.status_code, REPLAYED in again.headers) == (200, False)
    assert ids(again) != ids(first)


def test_a_cancelled_task_is_returned(owner: Caller, account: UpstreamAccount) -> None:
    first = sdk(owner)
    assert owner.request("DELETE", f"/v1/videos/{first.json()['id']}").status_code == 200
    again = sdk(owner, 1).json()
    assert (again["id"], again["error"]["code"]) == (first.json()["id"], "cancelled")


def test_a_retry_is_recognised_on_every_route_and_in_every_form(
    owner: Caller, account: UpstreamAccount
) -> None:
    first = form(owner, GOOD_BODY, HTTP_X_STAINLESS_RETRY_COUNT="0")
    for path in CREATE_ROUTES:
        assert ids(owner.post(path, GOOD_BODY, HTTP_X_STAINLESS_RETRY_COUNT="1")) == ids(first)


def test_a_validation_is_not_a_first_request(owner: Caller, account: UpstreamAccount) -> None:
    owner.post("/v1/videos/validate", GOOD_BODY, HTTP_X_STAINLESS_RETRY_COUNT="0")
    first = sdk(owner, 1)
    assert owner.post("/v1/videos/validate", GOOD_BODY, HTTP_X_STAINLESS_RETRY_COUNT="1").json()["valid"]
    assert ids(sdk(owner, 1)) == ids(first)


# --- concurrency


def post_while_locked(caller: Caller, posts: Sequence[Callable[[], Any]]) -> list[Any]:
    """Run the posts in threads while the tenant's row is locked, and unlock it once all wait."""
    answers: list[Any] = [None] * len(posts)

    def run(number: int) -> None:
        try:
            answers[number] = posts[number]()
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[number]) for number in range(len(posts))]
    with by_the_view_alone(), transaction.atomic():
        standing.lock(caller.tenant.pk)
        for thread in threads:
            thread.start()
        wait_for_lock(len(posts))
    for thread in threads:
        thread.join()
    return answers


_BLOCKED = """
SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()
"""


def wait_for_lock(waiting: int) -> None:
    """Wait until that many connections are blocked by a lock."""
    wait_until(f"{waiting} wait for a lock", lambda: blocked() == waiting)


def blocked() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")  # a transaction would keep its first snapshot
        cursor.execute(_BLOCKED)
        row: tuple[int] = cursor.fetchone()
    return row[0]


@pytest.mark.django_db(transaction=True)
def test_of_identical_requests_in_flight_one_creates_the_task_and_the_others_replay_it(
    owner: Caller, account: UpstreamAccount
) -> None:
    limit(owner, concurrent_tasks=1, is_prepaid=True)
    pay_in(owner, 4)
    answers = post_while_locked(owner, [partial(keyed, caller) for caller in [owner] * 3])
    assert [answer.status_code for answer in answers] == [200] * 3
    assert len({answer.content for answer in answers}) == 1
    assert sorted(answer.headers.get(REPLAYED, "") for answer in answers) == ["", "true", "true"]
    assert Task.objects.count() == LedgerEntry.objects.filter(kind="hold").count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_bodies_in_flight_with_one_key_one_is_refused(owner: Caller, account: UpstreamAccount) -> None:
    one = other = owner
    posts = [partial(keyed, one), partial(keyed, other, prompt="a dog runs")]
    answers = post_while_locked(owner, posts)
    assert sorted(answer.status_code for answer in answers) == [200, 422]
    assert Task.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_concurrent_requests_are_admitted_up_to_the_limit(owner: Caller, account: UpstreamAccount) -> None:
    limit(owner, concurrent_tasks=1)
    answers = post_while_locked(owner, [partial(sdk, caller) for caller in [owner] * 3])
    assert sorted(answer.status_code for answer in answers) == [200, 429, 429]
    assert Task.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_retries_in_flight_one_creates_the_task(owner: Caller, account: UpstreamAccount) -> None:
    one = other = owner
    answers = post_while_locked(owner, [partial(sdk, one, 1), partial(sdk, other, 2)])
    assert len({*ids(*answers)}) == 1
    assert Task.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_limit_lowered_while_a_request_is_in_flight_applies_to_it(
    owner: Caller, account: UpstreamAccount
) -> None:
    limit(owner, concurrent_tasks=1)
    answers: list[Any] = []

    def run() -> None:
        try:
            answers.append(keyed(owner))
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    with transaction.atomic():
        standing.lock(owner.tenant.pk)
        thread.start()
        wait_for_lock(1)
        Quota.objects.update(concurrent_tasks=0)
    thread.join()
    assert answers[0].status_code == 429
    assert not Task.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("limits", [{"requests_per_minute": 1}, {"spend_per_month": PRICE}])
def test_a_duplicate_in_flight_replays_the_first_even_if_the_limit_is_reached(
    limits: dict[str, Any], owner: Caller, account: UpstreamAccount
) -> None:
    """The key's stored answer is looked up before its limits."""
    limit_key(owner, **limits)
    twin = owner
    answers: list[Any] = []

    def run() -> None:
        try:
            answers.append(keyed(twin))
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    with transaction.atomic():
        with connection.cursor() as cursor:  # the first lookup does not read this table
            cursor.execute("LOCK TABLE videos_dailyusage IN ACCESS EXCLUSIVE MODE")
        thread.start()
        wait_for_lock(1)
        first = keyed(owner)
    thread.join()
    assert_replay(answers[0], first)
