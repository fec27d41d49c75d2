"""Upstream's rate limits. Pure: the clock is passed in."""

from collections import deque
from collections.abc import Hashable, Mapping
from typing import Any


class SlidingWindow:
    """At most `limit` calls in any `period` seconds; refused calls do not count."""

    def __init__(self, limit: int, period: float = 1.0) -> None:
        self.limit = limit
        self.period = period
        self._taken: deque[float] = deque()

    def full(self, now: float) -> bool:
        """Whether a call that arrives at `now` (monotonic seconds) must be refused."""
        while self._taken and now - self._taken[0] >= self.period:
            self._taken.popleft()
        return len(self._taken) >= self.limit

    def take(self, now: float) -> None:
        """Count a call that was accepted at `now`."""
        self._taken.append(now)


class CallLimits:
    """One sliding window for each account and action."""

    def __init__(self, per_second: Mapping[Any, int]) -> None:
        self._per_second = per_second
        self._windows: dict[tuple[str, Hashable], SlidingWindow] = {}

    def window(self, secret_id: str, action: Hashable) -> SlidingWindow:
        key = (secret_id, action)
        if key not in self._windows:
            self._windows[key] = SlidingWindow(self._per_second[action])
        return self._windows[key]

    def clear(self) -> None:
        self._windows.clear()
