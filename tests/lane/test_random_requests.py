"""2,000 random requests get the same response both ways: each is compared by `tests.support.both_ways`."""

import json
import random
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import APIKey, Quota
from tests.conftest import GOOD_BODY, Caller, MakeTask, make_caller
from tests.support import both_ways
from videos.models import UpstreamAccount
from videos.states import Status

REQUESTS = 500
"""Of each seed."""
_BODIES: list[Any] = [
    GOOD_BODY,
    GOOD_BODY | {"prompt": "x" * 2000},
    GOOD_BODY | {"model": "kling-3.0-1080P"},
    GOOD_BODY | {"seconds": 10, "size": "1280x720"},
    GOOD_BODY | {"metadata": {"input_region": "Oversea"}},
    GOOD_BODY | {"metadata": {"aspect_ratio": "1:1", "negative_prompt": "rain"}},
    {"model": "Vidu-q2-pro-720p", "prompt": "a cat"},
    {"model": "Hailuo-2.3-768p", "prompt": "猫", "seconds": "6"},
    GOOD_BODY | {"max_cost": 1},
    GOOD_BODY | {"seconds": "99"},
    GOOD_BODY | {"model": "nothing"},
    GOOD_BODY | {"user": "\ud83d"},
    {},
    [],
]
_QUERIES = {
    "limit": ["1", "3", "100", "0", "x"],
    "order": ["asc", "desc", "up"],
    "status": ["queued", "completed", "failed", "none"],
    "model": ["Kling-3.0-720p", "kling-3.0-720P", "nothing"],
    "created_after": ["1", "1795000000", "-1"],
    "created_before": ["1795000000", "99999999999"],
    "unknown": ["1"],
}


class Traffic:
    """Random requests of several callers."""

    def __init__(self, seed: int, callers: list[Caller], tasks: list[str]) -> None:
        self._chance = random.Random(seed)  # noqa: S311 - chance, not secrecy
        self._callers, self._tasks = callers, tasks

    def send(self) -> tuple[str, Any]:
        caller = self._chance.choice(self._callers)
        send: Callable[[Caller], Any] = self._chance.choice([self._create, self._read, self._list])
        answer = send(caller)
        return send.__name__, answer

    def _create(self, caller: Caller) -> Any:
        path = self._chance.choice(["/v1/videos", "/v1/videos/", "/v1/video/generations"])
        answer = caller.post(path, self._chance.choice(_BODIES), **self._headers())
        if answer.status_code == 200:
            self._tasks.append(json.loads(both_ways.plain(answer.content))["id"])
        return answer

    def _read(self, caller: Caller) -> Any:
        route = self._chance.choice(
            ["/v1/videos/{}", "/v1/videos/generations/{}/", "/v1/video/generations/{}"]
        )
        name = self._chance.choice([*self._tasks[-9:], *self._tasks[:9], "task_x", "task_" + "0" * 32])
        return caller.get(route.format(name), **self._headers())

    def _list(self, caller: Caller) -> Any:
        names = self._chance.sample(sorted(_QUERIES), self._chance.randrange(4))
        query = "&".join(f"{name}={self._chance.choice(_QUERIES[name])}" for name in names)
        after = self._chance.choice(["", "", f"&after={self._chance.choice(self._tasks)}"])
        return caller.get(f"/v1/videos?{query}{after}", **self._headers())

    def _headers(self) -> dict[str, str]:
        chance = self._chance.random
        headers = {"HTTP_ACCEPT_ENCODING": self._chance.choice(["gzip", "identity", "gzip;q=0", "*"])}
        if chance() < 0.2:
            headers["HTTP_IDEMPOTENCY_KEY"] = self._chance.choice(["one", "two", "three", "x" * 300])
        if chance() < 0.2:
            headers["HTTP_X_STAINLESS_RETRY_COUNT"] = self._chance.choice(["0", "1", "x"])
        if chance() < 0.1:
            headers["HTTP_X_FORWARDED_FOR"] = "203.0.113.9, 10.0.0.1"
        return headers


@pytest.fixture
def callers(owner: Caller, stranger: Caller, account: UpstreamAccount) -> list[Caller]:
    """Of tenants with and without limits, with several kinds of keys."""
    Quota.objects.create(tenant=owner.tenant, concurrent_tasks=30, when_full="queue", seconds_per_day=5000)
    Quota.objects.create(tenant=stranger.tenant, requests_per_minute=40)
    limited, restricted, expired = (make_caller(owner.tenant, name) for name in ("limited", "few", "old"))
    reader = make_caller(stranger.tenant, "reader", ("read",))
    changes: dict[Caller, dict[str, Any]] = {
        limited: {"requests_per_minute": 20, "spend_per_month": 500},
        restricted: {"allowed_models": ["Vidu-q2-pro-720p"], "allowed_networks": ["127.0.0.0/8"]},
        expired: {"expires_at": timezone.now() - timedelta(days=1)},
    }
    for caller, values in changes.items():
        APIKey.objects.filter(pk=(caller.key and caller.key.pk) or 0).update(**values)
    return [owner, owner, stranger, stranger, limited, restricted, reader, expired, Caller("rly_x")]


@pytest.mark.parametrize("seed", range(4))
def test_random_requests_get_the_same_response_both_ways(
    seed: int, callers: list[Caller], make_task: MakeTask
) -> None:
    tasks = [make_task(status, now=timezone.now() - timedelta(hours=1)).public_id for status in Status]
    traffic, compared = Traffic(seed, callers, tasks), both_ways.compared.total()
    answered: Counter[tuple[str, int]] = Counter()
    for _ in range(REQUESTS):
        kind, answer = traffic.send()
        answered[kind, answer.status_code] += 1
    for kind in ("_create", "_read", "_list"):
        assert answered[kind, 200] > REQUESTS / 20, answered
    served = both_ways.compared.total() - compared
    assert served > 0.8 * sum(count for (_, status), count in answered.items() if status == 200), answered
