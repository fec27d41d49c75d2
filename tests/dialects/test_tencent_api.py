"""The signed API over HTTP: authentication, both actions, limits, and the envelope of every answer."""

import json
import random
import time
from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import OperationalError
from django.utils import timezone

from accounts.models import APIKey, CosBucket, KeyKind, Quota, Scope, SigningSecret, Standing
from config.error_codes import ErrorCode
from tests.conftest import NOW, Caller, MakeTask
from tests.dialects.test_signatures import changed
from tests.dialects.test_tencent_requests import SEEDS_EXAMPLE
from tests.support.rows import each
from tests.support.signing import CREATE, DESCRIBE, WISH, Pair, code_of, response_in, signed_headers
from tests.support.stored import everything_stored
from videos.dialects.tencent import errors
from videos.dialects.tencent.codes import WHEN, Code
from videos.dialects.tencent.view import ACTIONS
from videos.models import RecentCalls, Task, TaskEvent, UpstreamAccount
from videos.pages.timeline import events_for_tenant, timeline_for_tenant
from videos.states import Status, Verb

MEBIBYTE = 1024 * 1024
MUTATIONS = 300


@pytest.fixture
def pair(owner: Caller, account: UpstreamAccount) -> Pair:
    """A key pair of Alice's."""
    return Pair(owner.tenant)


# --- creating and describing


@pytest.mark.parametrize("path", ["/", "/tencent/"])
def test_a_video_is_created_and_described(path: str, owner: Caller, account: UpstreamAccount) -> None:
    pair = Pair(owner.tenant, path)
    created = pair.create()
    assert set(created) == {"TaskId", "RequestId"}
    task = Task.objects.get()
    assert created["TaskId"] == task.public_id
    assert (task.api_key, task.model, task.seconds) == (pair.key, "Kling-3.0-720p", 5)
    described = pair.describe(task.public_id)
    assert {**described, "RequestId": ""} == {
        "Status": "WAIT",
        "VideoUrls": [],
        "Resolution": "",
        "Message": "",
        "RequestId": "",
    }


STATUSES = {
    Status.QUEUED: "WAIT",
    Status.SUBMITTING: "WAIT",
    Status.IN_DOUBT: "RUN",
    Status.RUNNING: "RUN",
    Status.STORING: "RUN",
    Status.SUCCEEDED: "DONE",
    Status.FAILED: "FAIL",
    Status.CANCELLED: "FAIL",
}


@each("status, word", STATUSES.items())
def test_the_status_of_a_task(status: Status, word: str, pair: Pair, make_task: MakeTask) -> None:
    assert pair.describe(make_task(status).public_id)["Status"] == word


def test_a_finished_video_has_the_link_of_the_generic_api(
    pair: Pair, owner: Caller, make_task: MakeTask
) -> None:
    task = make_task(
        Status.SUCCEEDED,
        now=timezone.now(),
        frame_size="1920x1080",
        expires_at=timezone.now() + timedelta(days=1),
    )
    described = pair.describe(task.public_id)
    video = owner.get(f"/v1/videos/{task.public_id}").json()
    assert described["VideoUrls"] == video["metadata"]["urls"]
    assert (described["Resolution"], described["Message"]) == ("1920x1080", "ok")
    gone = make_task(Status.SUCCEEDED, media_removed_at=NOW)
    assert (pair.describe(gone.public_id)["Status"], pair.describe(gone.public_id)["VideoUrls"]) == (
        "DONE",
        [],
    )


def test_a_failure_is_told(pair: Pair, make_task: MakeTask) -> None:
    assert pair.describe(make_task(Status.FAILED).public_id)["Message"] == "It did not work."


def test_the_example_of_the_page_creates_a_video(pair: Pair, owner: Caller) -> None:
    place = SEEDS_EXAMPLE["StoreCosParam"]
    CosBucket.objects.create(
        tenant=owner.tenant,
        bucket=place["CosBucketName"],
        region=place["CosBucketRegion"],
        path_prefix=place["CosBucketPath"],
    )
    assert not code_of(pair.call(CREATE, SEEDS_EXAMPLE))
    task = Task.objects.get()
    assert (task.store_bucket, task.store_region) == (place["CosBucketName"], place["CosBucketRegion"])
    assert task.store_path == f"my_cos_file/{task.public_id}"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"CosBucketName": "films-1250000001"}, "films-1250000000 in ap-guangzhou"),
        ({"CosBucketRegion": "ap-beijing"}, "films-1250000000 in ap-guangzhou"),
        ({"CosBucketPath": "elsewhere"}, "must be empty, or the folder of the tenant's bucket, mine"),
    ],
)
def test_only_the_tenants_own_bucket_is_taken(
    changes: dict[str, str], told: str, pair: Pair, owner: Caller
) -> None:
    CosBucket.objects.create(
        tenant=owner.tenant, bucket="films-1250000000", region="ap-guangzhou", path_prefix="mine"
    )
    own = {"CosBucketName": "films-1250000000", "CosBucketRegion": "ap-guangzhou"}
    for path in ("", "/mine/", "mine"):
        assert not code_of(pair.create(StoreCosParam={**own, "CosBucketPath": path}))
    refused = pair.create(StoreCosParam={**own, **changes})
    assert code_of(refused) == "InvalidParameterValue"
    assert told in refused["Error"]["Message"]
    assert Task.objects.count() == 3


def test_the_operator_is_kept_with_the_task(pair: Pair) -> None:
    pair.create(Operator="admin")
    task = Task.objects.get()
    event = TaskEvent.objects.get(verb=Verb.OPERATOR)
    assert (event.task, event.detail) == (task, {"by": "admin"})
    assert "admin" in [entry.who for entry in timeline_for_tenant(events_for_tenant(task).rows)]
    pair.create()
    assert TaskEvent.objects.filter(verb=Verb.OPERATOR).count() == 1


def test_two_equal_requests_create_two_videos(pair: Pair) -> None:
    assert pair.create()["TaskId"] != pair.create()["TaskId"]


# --- authentication


def test_a_pair_is_stored_encrypted_and_apart(pair: Pair) -> None:
    assert len(pair.secret_id) == 16
    assert pair.secret_id.startswith("RLY")
    assert SigningSecret.objects.get(key=pair.key).secret == pair.secret_key
    assert pair.secret_key not in everything_stored()


def test_neither_kind_of_key_is_taken_for_the_other(pair: Pair, owner: Caller) -> None:
    for text in (pair.secret_id, pair.secret_key, f"{pair.secret_id}_{pair.secret_key}"):
        assert Caller(text).get("/v1/models").status_code == 401
    assert owner.key is not None
    assert owner.text is not None
    body = json.dumps(WISH).encode()
    for secret_id in (owner.key.prefix, owner.key.prefix.replace("_", "")):
        headers = signed_headers(secret_id, owner.text, body, int(time.time()), **{"x-tc-action": CREATE})
        assert code_of(response_in(pair.send(body, headers))).startswith("AuthFailure.")


A_MINUTE_AGO = "a minute ago"
"""Stands for that time when the test runs."""
REFUSED_HEADERS: dict[str, tuple[dict[str, str], str]] = {
    "a bearer key": ({"authorization": "Bearer x"}, "AuthFailure.InvalidAuthorization"),
    "no authorization": ({"authorization": ""}, "AuthFailure.InvalidAuthorization"),
    "no time": ({"x-tc-timestamp": ""}, "AuthFailure.InvalidAuthorization"),
    "another time": ({"x-tc-timestamp": A_MINUTE_AGO}, "AuthFailure.SignatureFailure"),
    "an old time": ({"x-tc-timestamp": "1773141337"}, "AuthFailure.SignatureExpire"),
    "a token": ({"x-tc-token": "temporary"}, "AuthFailure.TokenFailure"),
    "an unknown action": ({"x-tc-action": "DescribeTasks"}, "InvalidAction"),
    "no version": ({"x-tc-version": ""}, "MissingParameter"),
    "another version": ({"x-tc-version": "2018-07-17"}, "NoSuchVersion"),
    "a form": ({"content-type": "application/x-www-form-urlencoded"}, "UnsupportedProtocol"),
    "a compressed body": ({"content-encoding": "gzip"}, "UnsupportedProtocol"),
    "another charset": ({"content-type": "application/json; charset=utf-16"}, "UnsupportedProtocol"),
    "an unknown host": ({"host": "elsewhere.example"}, "InvalidRequest"),
    "a region, which is ignored": ({"x-tc-region": "ap-nowhere"}, ""),
    "a language, which is ignored": ({"x-tc-language": "zh-CN"}, ""),
    "a charset": ({"content-type": "application/json; charset=utf-8"}, ""),
    "an unsigned body": ({"x-tc-content-sha256": "UNSIGNED-PAYLOAD"}, ""),
}


@each("name, changes, code", [(name, *row) for name, row in REFUSED_HEADERS.items()])
def test_headers(name: str, changes: dict[str, str], code: str, pair: Pair) -> None:
    now = {A_MINUTE_AGO: str(int(time.time()) - 60)}
    sent = {header: now.get(value, value) for header, value in changes.items()}
    assert code_of(pair.call(CREATE, WISH, sent)) == code
    assert Task.objects.exists() is not bool(code)


def test_an_unknown_pair_and_a_wrong_key(pair: Pair) -> None:
    body = json.dumps(WISH).encode()
    for secret_id, secret_key, code in (
        ("RLY0000000000000", pair.secret_key, "AuthFailure.SecretIdNotFound"),
        ("AKIDexample", pair.secret_key, "AuthFailure.SecretIdNotFound"),
        (pair.secret_id, "another", "AuthFailure.SignatureFailure"),
        (pair.secret_id, "", "AuthFailure.SignatureFailure"),
    ):
        headers = signed_headers(secret_id, secret_key, body, int(time.time()), **{"x-tc-action": CREATE})
        assert code_of(response_in(pair.send(body, headers))) == code


@pytest.mark.parametrize("age", [301, -301, 86_400])
def test_a_captured_request_is_refused_five_minutes_later(age: int, pair: Pair) -> None:
    assert code_of(pair.call(CREATE, WISH, age=age)) == "AuthFailure.SignatureExpire"


def test_none_of_many_mutated_signatures_is_accepted(pair: Pair) -> None:
    chance = random.Random(20261128)  # noqa: S311 - chance, not secrecy
    body = json.dumps(WISH).encode()
    for _ in range(MUTATIONS):
        headers = signed_headers(pair.secret_id, pair.secret_key, body, int(time.time()))
        begin, _equals, signature = headers["authorization"].rpartition("=")
        headers |= {"authorization": f"{begin}={changed(signature, chance)}", "x-tc-action": CREATE}
        if headers["authorization"].strip() == f"{begin}={signature}":
            continue
        assert code_of(response_in(pair.send(body, headers))).startswith("AuthFailure.")
    assert not Task.objects.exists()


def change(pair: Pair, **fields: Any) -> None:
    APIKey.objects.filter(pk=pair.key.pk).update(**fields)


def test_a_pair_has_everything_that_keys_have(pair: Pair, owner: Caller) -> None:
    described = {"TaskId": pair.create()["TaskId"]}
    for fields, action, payload, code in (
        ({"revoked_at": NOW}, CREATE, WISH, "AuthFailure.SecretIdNotFound"),
        ({"expires_at": NOW - timedelta(days=400)}, CREATE, WISH, "AuthFailure.SecretIdNotFound"),
        ({"scopes": [Scope.READ]}, CREATE, WISH, "AuthFailure.UnauthorizedOperation"),
        ({"scopes": [Scope.READ]}, DESCRIBE, described, ""),
        ({"scopes": [Scope.WRITE]}, DESCRIBE, described, "AuthFailure.UnauthorizedOperation"),
        ({"allowed_networks": ["203.0.113.0/24"]}, CREATE, WISH, "IpNotInWhitelist"),
        ({"allowed_models": ["Kling-2.5-720p"]}, CREATE, WISH, "UnauthorizedOperation"),
        ({"requests_per_minute": 1}, CREATE, WISH, "RequestLimitExceeded"),
        ({"spend_per_month": 0}, CREATE, WISH, "LimitExceeded"),
    ):
        before = APIKey.objects.filter(pk=pair.key.pk).values(*fields).get()
        change(pair, **fields)
        assert code_of(pair.call(action, payload)) == code, fields
        change(pair, **before)
    assert not code_of(pair.create())
    assert APIKey.objects.get(pk=pair.key.pk).last_used_at is not None
    owner.tenant.suspend(timezone.now())
    assert code_of(pair.create()) == "AuthFailure.SecretIdNotFound"


def test_a_rotated_pair_is_a_pair(pair: Pair) -> None:
    new, secret_key = pair.key.rotate(timezone.now(), timedelta(hours=1))
    assert new.kind == KeyKind.PAIR
    assert not code_of(pair.create())
    pair.key, pair.secret_key = new, secret_key
    assert not code_of(pair.create())


def test_a_stranger_sees_no_task(pair: Pair, stranger: Caller, make_task: MakeTask) -> None:
    task_id = make_task().public_id
    assert not code_of(pair.describe(task_id))
    for who, asked in ((Pair(stranger.tenant), task_id), (pair, "2147483792"), (pair, "task_\x00")):
        refused = who.describe(asked)
        assert code_of(refused) in ("ResourceNotFound.TaskNotFound", "InvalidParameterValue")
    hidden = make_task(Status.SUCCEEDED, hidden_at=NOW)
    assert code_of(pair.describe(hidden.public_id)) == "ResourceNotFound.TaskNotFound"


# --- limits


def test_limits_of_the_tenant(pair: Pair, owner: Caller) -> None:
    for fields, code in (
        ({"concurrent_tasks": 0}, "LimitExceeded.CreateTask"),
        ({"requests_per_minute": 0}, "RequestLimitExceeded"),
        ({"seconds_per_day": 1}, "LimitExceeded"),
        ({"is_prepaid": True}, "FailedOperation.UserArrears"),
    ):
        Quota.objects.filter(tenant=owner.tenant).delete()
        Quota.objects.create(tenant=owner.tenant, **fields)
        assert code_of(pair.create()) == code
    assert not Task.objects.exists()


def test_ten_creates_a_second(pair: Pair) -> None:
    moment = timezone.now() + timedelta(days=1)  # so that all of them are within a second of the next call
    RecentCalls.objects.create(tenant=pair.key.tenant, action=CREATE, moments=[moment] * 9)
    assert not code_of(pair.create())
    assert code_of(pair.create()) == "RequestLimitExceeded"
    assert code_of(Pair(pair.key.tenant).create()) == "RequestLimitExceeded"
    assert code_of(pair.describe(Task.objects.get().public_id)) == ""
    assert {name: action.per_second for name, action in ACTIONS.items()} == {CREATE: 10, DESCRIBE: 50}


def test_no_upstream_account(owner: Caller) -> None:
    assert code_of(Pair(owner.tenant).create()) in (
        "ResourceUnavailable",
        "InvalidParameter.ModelNotSupported",
    )


def test_the_limit_of_requests_per_minute(pair: Pair, settings: LazySettings) -> None:
    settings.OTHER_REQUESTS_PER_MINUTE = 1
    pair.describe("task_1")
    assert code_of(pair.describe("task_1")) == "RequestLimitExceeded"


# --- the envelope


BODIES = {
    "no JSON": (b"{", "InvalidRequest"),
    "no object": (b"[]", "InvalidRequest"),
    "nothing": (b" ", "InvalidRequest"),
    "no UTF-8": (b'{"ModelName": "\xff"}', "InvalidRequest"),
    "a field twice": (b'{"ModelName": "GV", "ModelName": "OS"}', "InvalidRequest"),
    "too many values": (b'{"ModelName":[' + b"[1]," * 10_000 + b"1]}", "InvalidRequest"),
    "too deep": (b'{"ModelName":' + b"[" * 50 + b"]" * 50 + b"}", "InvalidRequest"),
    "too large": (b'{"Prompt": "' + b"x" * MEBIBYTE + b'"}', "RequestSizeLimitExceeded"),
}


@each("name, body, code", [(name, *row) for name, row in BODIES.items()])
def test_bodies(name: str, body: bytes, code: str, pair: Pair) -> None:
    assert code_of(pair.call(CREATE, body)) == code


def test_requests_that_are_no_calls(pair: Pair) -> None:
    for method, path, headers, code in (
        ("GET", "/tencent/", {}, "UnsupportedProtocol"),
        ("PUT", "/tencent/", {"x-tc-action": CREATE}, "UnsupportedProtocol"),
        ("BREW", "/tencent/", {}, "UnsupportedProtocol"),
        ("POST", "/tencent/", {}, "MissingParameter"),
        ("POST", "/tencent/else", {"x-tc-action": CREATE}, "ResourceNotFound"),
        ("POST", "/tencent/?a=%ff", {"x-tc-action": CREATE}, "InvalidRequest"),
    ):
        assert code_of(response_in(pair.send(b"{}", dict(headers), method, path))) == code, (method, path)


def test_the_home_page_is_what_it_was(pair: Pair) -> None:
    for method in ("GET", "HEAD"):
        answer = pair.send(b"", {"x-tc-action": CREATE, "accept": "text/html"}, method, "/")
        assert answer.status_code == 302
    answer = pair.send(b"{}", {"accept": "text/html"}, "POST", "/")
    assert answer.status_code in (302, 403, 405)
    assert b'"Response"' not in answer.content


def test_a_database_that_is_away_is_a_fault_of_ours(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OperationalError("away")

    monkeypatch.setattr("django.db.models.query.QuerySet.first", fail)
    assert code_of(pair.create()) == "InternalError"
    monkeypatch.setattr("django.db.models.query.QuerySet.first", lambda *_: 1 / 0)
    refused = pair.create()
    assert code_of(refused) == "InternalError"
    assert refused["RequestId"] in refused["Error"]["Message"]


def test_every_refusal_of_the_generic_api_has_a_code() -> None:
    from typing import get_args

    assert set(errors.BY_ERROR_CODE) == set(get_args(ErrorCode))
    assert set(WHEN) == set(Code)


def test_a_page_in_place_of_an_envelope_is_a_malformed_request() -> None:
    for content in (b"", b"<html>", b"[]", b'{"code": "nobody knows", "message": "x"}'):
        assert errors.refusal_in(content).code == Code.REQUEST


def test_a_pair_that_cannot_be_decrypted_is_a_fault_of_ours(pair: Pair, settings: LazySettings) -> None:
    from cryptography.fernet import Fernet

    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    assert code_of(pair.create()) == "InternalError"


def test_use_is_counted_under_the_pair(pair: Pair, owner: Caller) -> None:
    pair.create()
    usage = owner.get("/v1/usage?group_by=api_key").json()
    assert pair.key.name in json.dumps(usage)
    assert Standing.objects.get(tenant=owner.tenant).open_tasks == 1
