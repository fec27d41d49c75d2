"""Limits on how much one response repeats of its request or lists. Pure."""

from collections.abc import Iterable, Sequence

MOST_BYTES = 192 * 1024
"""Of the items in a response; with everything around them, no response reaches 256 KiB."""
MOST_PATHS = 100
LONGEST_PATH = 100
"""Characters; our own field paths are at most half as long, but clients may send any."""


def fitting(sizes: Iterable[int]) -> int:
    """How many items of these sizes, in bytes, fit in one response; at least one."""
    fit = total = 0
    for size in sizes:
        total += size
        if fit and total > MOST_BYTES:
            break
        fit += 1
    return fit


def paths(given: Sequence[str]) -> list[str]:
    """Field paths, shortened for storage and responses; the last one says how many more there were."""
    kept = [path if len(path) <= LONGEST_PATH else f"{path[:LONGEST_PATH]}…" for path in given[:MOST_PATHS]]
    if len(given) <= MOST_PATHS:
        return kept
    return [*kept[:-1], f"and {len(given) - MOST_PATHS + 1} more"]
