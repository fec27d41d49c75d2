"""The rate limit headers of answers, before and when a limit is reached."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.conf import LazySettings, settings
from django.utils import timezone

from accounts.models import APIKey, Quota
from accounts.quotas.limits import MINUTE, Allowance, Limits, Minute, Recent, allowance
from tests.conftest import GOOD_BODY, NOW, Caller, order_video
from tests.support.refusals import CREATE_ROUTES, assert_refused
from tests.support.rows import each
from videos.models import Task, UpstreamAccount

HEADERS = ("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset")
AGO = NOW - timedelta(seconds=13)
LATER = AGO + MINUTE


@each(
    "limits, tenant, key, made, expected",
    [
        ((None, None), (7, AGO), (7, AGO), 1, None),
        ((3, None), (0, None), (0, None), 0, (3, 3, None)),
        ((3, None), (0, None), (0, None), 1, (3, 2, None)),
        ((3, None), (2, AGO), (0, None), 1, (3, 0, LATER)),
        ((3, None), (3, AGO), (0, None), 0, (3, 0, LATER)),
        ((1, None), (0, None), (0, None), 1, (1, 0, NOW + MINUTE)),
        ((0, None), (0, None), (0, None), 0, (0, 0, None)),
        ((None, 2), (9, AGO), (1, AGO), 0, (2, 1, None)),
        ((9, 2), (5, AGO), (1, AGO), 0, (2, 1, None)),
        ((9, 8), (7, AGO), (1, AGO), 0, (9, 2, None)),
        ((3, 2), (3, AGO), (2, NOW), 0, (2, 0, NOW + MINUTE)),
        ((3, 2), (3, NOW), (2, AGO), 0, (3, 0, NOW + MINUTE)),
        ((3, 0), (3, NOW), (0, None), 0, (0, 0, None)),
        ((0, 2), (0, None), (2, NOW), 0, (0, 0, None)),
    ],
)
def test_the_limit_reached_first_is_shown(
    limits: tuple[int | None, int | None], tenant: Any, key: Any, made: int, expected: Any
) -> None:
    both = Limits(requests_per_minute=limits[0], key_requests_per_minute=limits[1])
    recent = Recent(minute=Minute(*tenant), key_minute=Minute(*key))
    for _ in range(made):
        recent = recent.with_task(Decimal(4), NOW)
    assert allowance(both, recent, NOW) == (expected and Allowance(*expected))


def headers_of(answer: Any) -> tuple[int | None, ...]:
    """Limit, remaining requests, and seconds until the reset; None for a missing header."""
    values = [answer.headers.get(name) for name in HEADERS]
    return tuple(None if value is None else int(value) for value in values)


def post(caller: Caller, path: str = CREATE_ROUTES[0], **headers: str) -> Any:
    return caller.post(path, GOOD_BODY, **headers)


@pytest.mark.parametrize("whose", ["tenant", "key"])
def test_each_create_shows_what_is_left_of_the_minute(
    whose: str, owner: Caller, account: UpstreamAccount
) -> None:
    if whose == "tenant":
        Quota.objects.create(tenant=owner.tenant, requests_per_minute=3)
    else:
        APIKey.objects.update(requests_per_minute=3)
    order_video(owner, now=timezone.now() - timedelta(seconds=70))  # older than a minute
    order_video(owner, now=timezone.now() - timedelta(seconds=40))
    assert headers_of(post(owner, CREATE_ROUTES[1])) == (3, 1, 0)
    last, refused = post(owner, CREATE_ROUTES[2]), post(owner)
    assert (last.status_code, refused.status_code) == (200, 429)
    for answer in (last, refused):
        limit, remaining, reset = headers_of(answer)
        assert (limit, remaining) == (3, 0)
        assert reset is not None
        assert 10 <= reset <= 20
    assert refused.headers["retry-after"] == refused.headers[HEADERS[2]]
    assert Task.objects.count() == 4


def test_a_replay_shows_what_is_left_and_takes_nothing(owner: Caller, account: UpstreamAccount) -> None:
    Quota.objects.create(tenant=owner.tenant, requests_per_minute=5)
    answers = [post(owner, HTTP_IDEMPOTENCY_KEY="mine") for _ in range(3)]
    assert [headers_of(answer) for answer in answers] == [(5, 4, 0)] * 3
    assert answers[2].headers["idempotent-replayed"] == "true"


def test_a_refusal_for_another_limit_also_shows_what_is_left(owner: Caller, account: UpstreamAccount) -> None:
    Quota.objects.create(tenant=owner.tenant, requests_per_minute=5, concurrent_tasks=0)
    answer = post(owner)
    assert_refused(answer, 429, "concurrency_limit_exceeded")
    assert headers_of(answer) == (5, 5, 0)


def test_a_limit_of_zero_shows_no_reset_time(owner: Caller, account: UpstreamAccount) -> None:
    Quota.objects.create(tenant=owner.tenant, requests_per_minute=0)
    answer = post(owner)
    assert_refused(answer, 429, "rate_limit_exceeded")
    assert headers_of(answer) == (0, 0, None)


def test_without_a_limit_and_on_other_routes_no_headers_are_sent(
    owner: Caller, account: UpstreamAccount
) -> None:
    assert headers_of(post(owner)) == (None, None, None)
    Quota.objects.create(tenant=owner.tenant, requests_per_minute=5)
    for answer in (owner.get("/v1/models"), owner.post("/v1/videos/validate", GOOD_BODY)):
        assert (answer.status_code, headers_of(answer)) == (200, (None, None, None))


@each("method, path", [("GET", "/v1/models"), ("GET", "/v1/videos"), ("POST", "/v1/videos")])
def test_too_many_other_requests_get_limit_value_use_and_time(
    method: str, path: str, owner: Caller, account: UpstreamAccount, settings: LazySettings
) -> None:
    settings.OTHER_REQUESTS_PER_MINUTE = 1
    owner.get("/v1/models")
    before = timezone.now().timestamp()
    answer = owner.request(method, path)
    message = assert_refused(answer, 429, "rate_limit_exceeded")
    [refusal] = answer.json()["errors"]
    assert (refusal["limit"], refusal["value"], refusal["used"]) == ("other_requests_per_minute", 1, 1)
    assert "1 requests per minute" in message
    assert before + 50 <= refusal["retry_at"] <= before + 70
    assert headers_of(answer)[:2] == (1, 0)
    assert int(answer.headers["retry-after"]) == headers_of(answer)[2]


def test_the_headers_are_exposed_to_other_sites() -> None:
    assert {*HEADERS} <= {*settings.CORS_EXPOSE_HEADERS}
