"""When to poll a running task again. Pure.

All tasks of an account share its describe rate limit, so polls should be where a task is most likely to end.
The hazard rate of normally distributed generation times is the chance that a task ends now; intervals fall
with a power of it. The square root minimises the mean delay; the smaller exponent used here shortens the
longest delays and keeps the median. If the intervals exceed the rate limit, tasks are polled by lateness
relative to the square root of their interval: relative to the interval itself, thousands of tasks that never
end would delay a quick one, whose end nobody expects yet, in proportion.

An account with many open tasks polls each less often before and within its window: most polls find nothing
new, and with 200 tasks that takes a third of the calls and of the worker's CPU for a second more of delay.
"""

import math

from videos.catalogue import GenerationTime

SHORTEST = 1.0
"""Seconds between polls of a task that may end at any moment."""
BEFORE_THE_WINDOW = 5.0
"""Seconds between polls before the window if the usual time is only a guess."""
IN_THE_WINDOW = 3.0
"""Maximum seconds between polls within the window."""
LONGEST = 300.0
"""Maximum seconds between polls of any task."""
_WINDOW = 3.0
"""The window, in which the end is expected, opens this many sigmas before the usual time."""
_OUTLIER = 4.0
"""It closes this many sigmas after the usual time."""
_UNCROWDED = 80
"""Open tasks of an account up to which its intervals are not stretched."""
_MOST_STRETCHED = 3.0
MOST_COUNTED = int(_UNCROWDED * _MOST_STRETCHED)
"""More open tasks make no difference to `stretch`."""
_POWER = -0.4
_SURE = 0.04
"""The chance to end within the next second at which the interval is `SHORTEST`."""


def stretch(open_tasks: int) -> float:
    """How much longer intervals are on an account with so many open tasks: 1 to 3 times."""
    return max(1.0, min(_MOST_STRETCHED, open_tasks / _UNCROWDED))


def interval(age: float, time: GenerationTime, *, is_learned: bool, stretched: float = 1.0) -> float:
    """Seconds until the next poll of a task accepted `age` seconds ago.

    `is_learned` says that `time` comes from finished videos; a guess does not justify a long interval.
    `stretched` is the `stretch` of the account.
    """
    sigmas = (age - time.usual) / time.spread
    if sigmas < -_WINDOW:
        until_window = time.usual - _WINDOW * time.spread - age
        return min(LONGEST if is_learned else BEFORE_THE_WINDOW * stretched, until_window + SHORTEST)
    if sigmas > _OUTLIER:
        overtime = age - time.usual - _OUTLIER * time.spread
        return min(LONGEST, max(2 * SHORTEST, overtime / 4))
    chance = _hazard(sigmas) / time.spread
    return stretched * min(IN_THE_WINDOW, max(SHORTEST, SHORTEST * math.pow(chance / _SURE, _POWER)))


def _hazard(sigmas: float) -> float:
    """The hazard rate of the normal distribution: the chance per sigma to end now, if not ended yet."""
    density = math.exp(-sigmas * sigmas / 2) / math.sqrt(2 * math.pi)
    surviving = math.erfc(sigmas / math.sqrt(2)) / 2
    return density / surviving


def expected_progress(age: float, usual: float) -> int:
    """Estimated percent: linear up to 90, then ever slower, and never 100."""
    if age <= 0:
        return 0
    share = age / max(usual, 1)
    return int(90 * share) if share <= 1 else min(99, int(99 - 9 / share))
