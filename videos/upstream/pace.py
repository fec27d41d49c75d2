"""How fast a source sends, and whether that is fast enough."""

from collections import deque
from collections.abc import Callable

from videos.upstream.download_errors import TooSlow

Clock = Callable[[], float]
"""Seconds of a monotonic clock."""
_STEP = 1.0
"""Seconds between the moments that are remembered."""


class Pace:
    """Measures one body, whose source must send `least_rate` bytes a second over any `window` seconds.

    A window begins at a remembered moment, so it may be a step longer. A source that sends nothing at all is
    for the caller to notice.
    """

    def __init__(self, least_rate: float, window: float, clock: Clock) -> None:
        self._least_rate, self._window, self._clock = least_rate, window, clock
        self._total = 0
        self._marks = deque([(clock(), 0)])
        """Moments, and the total at each."""

    def received(self, size: int) -> None:
        """Raises `TooSlow`."""
        self._total += size
        now = self._clock()
        if now - self._marks[-1][0] < _STEP:
            return
        self._forget(now - self._window)
        began, total = self._marks[0]
        elapsed = now - began
        if elapsed >= self._window and self._total - total < self._least_rate * elapsed:
            raise TooSlow(f"{self._total - total} bytes came in {elapsed:.0f} s")
        self._marks.append((now, self._total))

    def _forget(self, moment: float) -> None:
        """Keep the last mark up to the moment, and those after it."""
        while len(self._marks) > 1 and self._marks[1][0] <= moment:
            self._marks.popleft()
