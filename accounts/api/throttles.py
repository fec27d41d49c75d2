"""The rate limit of a key's requests to one web process, besides the tasks it creates.

The limits of tasks are counted exactly, in the database (`accounts.quotas.limits`). This one only keeps a
runaway program from taking everybody's threads, so each process counts by itself, in memory.
"""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Lock

from django.conf import settings
from django.utils import timezone
from rest_framework.exceptions import Throttled
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from accounts.models import APIKey
from accounts.quotas.limits import Kind, LimitReached

_SECOND = 1_000_000_000
_MINUTE = 60 * _SECOND


class Buckets:
    """A token bucket for each key, which holds a minute's worth.

    Of a bucket, only the time at which it will be full again is stored; of a full one, nothing.
    """

    def __init__(self, clock: Callable[[], int] = time.monotonic_ns, most: int = 10_000) -> None:
        """`clock` returns nanoseconds; at most `most` buckets are stored."""
        self._clock = clock
        self._most = most
        self._full_at: dict[int, int] = {}
        self._lock = Lock()

    def take(self, key: int, per_minute: int) -> float:
        """Take a token; returns 0, or if there is none the seconds until there is one."""
        if per_minute <= 0:
            return 0.0
        price = _MINUTE // per_minute
        with self._lock:
            now = self._clock()
            full_at = max(self._full_at.get(key, now), now) + price
            short = full_at - now - price * per_minute
            if short > 0:
                return short / _SECOND
            self._make_room(now)
            self._full_at[key] = full_at
        return 0.0

    def give_back(self, key: int, per_minute: int) -> None:
        with self._lock:
            if per_minute > 0 and key in self._full_at:
                self._full_at[key] -= _MINUTE // per_minute

    def __len__(self) -> int:
        return len(self._full_at)

    def _make_room(self, now: int) -> None:
        """Drop the full buckets if there are too many, and all if that is not enough."""
        if len(self._full_at) < self._most:
            return
        self._full_at = {key: full_at for key, full_at in self._full_at.items() if full_at > now}
        if len(self._full_at) > self._most // 2:
            self._full_at = {}


_BUCKETS = Buckets()


class TooManyRequests(Throttled):
    """A key exceeded its rate limit; `refusal` describes it like the limits of tasks."""

    def __init__(self, limit: int, wait: float, now: datetime) -> None:
        """`wait` is in seconds."""
        reached = f"The limit of {limit} requests per minute of this API key is reached"
        super().__init__(wait, f"{reached}.")
        message, retry_at = f"{reached}: {limit} in the last minute", now + timedelta(seconds=wait)
        self.refusal = LimitReached(Kind.RATE, "other_requests_per_minute", limit, limit, message, retry_at)


class KeyRateThrottle(BaseThrottle):
    """At most `OTHER_REQUESTS_PER_MINUTE` per key and process; a request without a key is not counted.

    A create is counted until it is admitted; then `forgive` takes it off the count, since the limits of tasks
    count it.
    """

    def allow_request(self, request: Request, view: APIView) -> bool:
        """Take a token of the key's. Raises `TooManyRequests` if there is none."""
        if not isinstance(request.auth, APIKey):
            return True
        wait = take(request.auth)
        if wait > 0:
            raise TooManyRequests(settings.OTHER_REQUESTS_PER_MINUTE, wait, timezone.now())
        return True


def take(key: APIKey) -> float:
    """Count a request of the key's; returns 0, or if it has too many the seconds until it may send one."""
    return _BUCKETS.take(key.pk, settings.OTHER_REQUESTS_PER_MINUTE)


def forgive(key: APIKey) -> None:
    """Take the current request off the key's count."""
    _BUCKETS.give_back(key.pk, settings.OTHER_REQUESTS_PER_MINUTE)
