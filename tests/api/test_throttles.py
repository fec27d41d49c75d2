"""The rate limit of a key's other requests, which are not creates, in one process."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.conf import LazySettings
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView, exception_handler

from accounts.api import throttles
from accounts.api.authentication import BearerKeyAuthentication
from accounts.api.throttles import Buckets, KeyRateThrottle
from accounts.models import APIKey
from tests.conftest import Caller

SECOND = 1_000_000_000
ALICE, BOB = 1, 2


class Clock:
    """A manual clock."""

    def __init__(self) -> None:
        self.now = 5 * SECOND

    def __call__(self) -> int:
        return self.now

    def wait(self, seconds: float) -> None:
        self.now += round(seconds * SECOND)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def buckets(clock: Clock) -> Buckets:
    return Buckets(clock)


def granted(buckets: Buckets, per_minute: int, asked: int = 10, key: int = ALICE) -> int:
    """The number of granted requests of that many."""
    return sum(buckets.take(key, per_minute) == 0 for _ in range(asked))


# --- buckets


@pytest.mark.parametrize("per_minute", [1, 3, 7, 60, 999, 60_000])
def test_a_full_bucket_has_tokens_for_a_minute(per_minute: int, buckets: Buckets) -> None:
    assert granted(buckets, per_minute, per_minute + 10) == per_minute


@pytest.mark.parametrize(
    ("per_minute", "waited", "again"),
    [
        (3, 0, 0),
        (3, 19.9, 0),
        (3, 20, 1),
        (3, 40, 2),
        (3, 60, 3),
        (3, 3600, 3),
        (60, 1.5, 1),
        (60_000, 0.005, 5),
    ],
)
def test_it_refills_steadily_up_to_its_size(
    per_minute: int, waited: float, again: int, buckets: Buckets, clock: Clock
) -> None:
    granted(buckets, per_minute, per_minute)
    clock.wait(waited)
    assert granted(buckets, per_minute) == again


@pytest.mark.parametrize(
    ("per_minute", "waited", "seconds"), [(1, 0, 60), (3, 0, 20), (3, 5, 15), (3, 19, 1), (60_000, 0, 0.001)]
)
def test_an_empty_one_says_when_to_retry(
    per_minute: int, waited: float, seconds: float, buckets: Buckets, clock: Clock
) -> None:
    granted(buckets, per_minute, per_minute)
    clock.wait(waited)
    assert buckets.take(ALICE, per_minute) == pytest.approx(seconds)
    clock.wait(seconds)
    assert buckets.take(ALICE, per_minute) == 0


def test_a_refusal_takes_nothing(buckets: Buckets, clock: Clock) -> None:
    assert granted(buckets, 3, 100) == 3
    clock.wait(20)
    assert granted(buckets, 3) == 1


@pytest.mark.parametrize("per_minute", [0, -1])
def test_without_a_limit_everything_is_granted(per_minute: int, buckets: Buckets) -> None:
    assert granted(buckets, per_minute, 1000) == 1000
    assert len(buckets) == 0


def test_keys_have_buckets_of_their_own(buckets: Buckets) -> None:
    assert granted(buckets, 3, key=ALICE) == 3
    assert granted(buckets, 3, key=BOB) == 3


@pytest.mark.parametrize(("taken", "given_back", "left"), [(3, 1, 1), (3, 3, 3), (1, 5, 3), (0, 1, 3)])
def test_a_returned_token_can_be_taken_again(
    taken: int, given_back: int, left: int, buckets: Buckets
) -> None:
    granted(buckets, 3, taken)
    for _ in range(given_back):
        buckets.give_back(ALICE, 3)
    assert granted(buckets, 3) == left


def test_threads_never_get_the_same_token(buckets: Buckets) -> None:
    with ThreadPoolExecutor(16) as threads:
        waits = list(threads.map(lambda _: buckets.take(ALICE, 1000), range(5000)))
    assert waits.count(0) == 1000


def test_only_full_buckets_are_dropped(clock: Clock) -> None:
    buckets = Buckets(clock, most=100)
    for key in range(1000, 1090):
        buckets.take(key, 60)
    clock.wait(0.5)
    granted(buckets, 60, 60)
    clock.wait(1)
    for key in range(2000, 2050):
        buckets.take(key, 60)
    assert len(buckets) <= 51
    assert granted(buckets, 60) == 1


@pytest.mark.parametrize("pause", [0, 0.1, 30])
def test_there_are_never_more_buckets_than_allowed(pause: float, clock: Clock) -> None:
    buckets = Buckets(clock, most=10)
    for key in range(500):
        assert buckets.take(key, 60) == 0
        assert len(buckets) <= 10
        clock.wait(pause)


# --- in a view


class ThrottledView(APIView):
    """A view with the throttle and DRF's own exception handler."""

    authentication_classes = [BearerKeyAuthentication]
    throttle_classes = [KeyRateThrottle]

    def get_exception_handler(self) -> Any:
        return exception_handler

    def get(self, request: Request) -> Response:
        if "forgive" in request.query_params and isinstance(request.auth, APIKey):
            throttles.forgive(request.auth)
        return Response({})


def ask(caller: Caller, query: str = "") -> Any:
    headers = {"authorization": f"Bearer {caller.text}"} if caller.text else {}
    return ThrottledView.as_view()(APIRequestFactory().get(f"/{query}", headers=headers))


def statuses(caller: Caller, asked: int, query: str = "") -> list[int]:
    return [ask(caller, query).status_code for _ in range(asked)]


def test_a_key_above_its_limit_learns_when_to_retry(owner: Caller, settings: LazySettings) -> None:
    settings.OTHER_REQUESTS_PER_MINUTE = 2
    assert statuses(owner, 3) == [200, 200, 429]
    answer = ask(owner)
    assert 25 <= int(answer["Retry-After"]) <= 30
    assert "The limit of 2 requests per minute of this API key is reached." in answer.data["detail"]


def test_another_key_of_the_tenant_is_not_limited(
    owner: Caller, mate: Caller, settings: LazySettings
) -> None:
    settings.OTHER_REQUESTS_PER_MINUTE = 1
    assert statuses(owner, 2) == [200, 429]
    assert statuses(mate, 2) == [200, 429]


def test_forgiven_requests_do_not_count(owner: Caller, settings: LazySettings) -> None:
    settings.OTHER_REQUESTS_PER_MINUTE = 1
    assert statuses(owner, 5, "?forgive") == [200] * 5
    assert statuses(owner, 2) == [200, 429]


def test_without_a_limit_nothing_is_counted(owner: Caller, settings: LazySettings) -> None:
    settings.OTHER_REQUESTS_PER_MINUTE = 0
    assert statuses(owner, 5) == [200] * 5
    assert statuses(owner, 1, "?forgive") == [200]


def test_a_request_without_a_key_is_not_counted(db: None, nobody: Caller, settings: LazySettings) -> None:
    settings.OTHER_REQUESTS_PER_MINUTE = 1
    assert statuses(nobody, 3) == [200] * 3
