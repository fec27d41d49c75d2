"""When to ask about a running task again. Pure.

The describe budget is shared by all tasks of an account, so each look should be where it is most likely to
find the end. A normal distribution of generation times gives the chance that a task ends just now, and the
intervals fall with a power of it: the root would be best for the mean; a little gentler shortens the longest
waits and leaves the middle as it is. Intervals are wishes: where they add up to more than the budget, tasks
are served by how late they are *relative* to their interval.
"""

import math

from videos.catalogue import GenerationTime

SHORTEST = 1.0
"""Seconds between looks at a task that may end at any moment."""
BEFORE_THE_WINDOW = 5.0
"""Seconds between looks while the usual time is only a guess."""
IN_THE_WINDOW = 3.0
"""The most seconds between looks once an end is to be expected."""
LONGEST = 300.0
"""The most seconds between looks at any task."""
_WINDOW = 3.0
"""From this many sigmas before the usual time an end is to be expected."""
_OUTLIER = 4.0
"""This many sigmas after it, an end is no longer to be expected soon."""
_POWER = -0.4
_SURE = 0.04
"""A chance to end within the next second at which `SHORTEST` is right."""


def interval(age: float, time: GenerationTime, *, is_learned: bool) -> float:
    """Seconds until the next look at a task accepted `age` seconds ago.

    `is_learned` tells whether `time` comes from finished videos; a guess is not trusted to stay away for.
    """
    sigmas = (age - time.usual) / time.spread
    if sigmas < -_WINDOW:
        until_window = time.usual - _WINDOW * time.spread - age
        return min(LONGEST if is_learned else BEFORE_THE_WINDOW, until_window + SHORTEST)
    if sigmas > _OUTLIER:
        overtime = age - time.usual - _OUTLIER * time.spread
        return min(LONGEST, max(2 * SHORTEST, overtime / 4))
    chance = _hazard(sigmas) / time.spread
    return min(IN_THE_WINDOW, max(SHORTEST, SHORTEST * math.pow(chance / _SURE, _POWER)))


def _hazard(sigmas: float) -> float:
    """The chance to end now, of those that have not ended yet, per sigma."""
    density = math.exp(-sigmas * sigmas / 2) / math.sqrt(2 * math.pi)
    surviving = math.erfc(sigmas / math.sqrt(2)) / 2
    return density / surviving


def expected_progress(age: float, usual: float) -> int:
    """Percent done, estimated: even at first, then ever slower, and never 100 before the end."""
    if age <= 0:
        return 0
    share = age / max(usual, 1)
    return int(90 * share) if share <= 1 else min(99, int(99 - 9 / share))
