"""An answer is in proportion to its question: how much of anything one answer tells. Pure."""

from collections.abc import Iterable, Sequence

MOST_BYTES = 192 * 1024
"""Of what an answer lists. With all that stands around it, no answer comes to 256 KiB."""
MOST_PATHS = 100
LONGEST_PATH = 100
"""Characters. The longest path of our own fields has half of that; clients may write others of any length."""


def fitting(sizes: Iterable[int]) -> int:
    """How many things of these sizes, in bytes, one answer lists: one at least."""
    fit = total = 0
    for size in sizes:
        total += size
        if fit and total > MOST_BYTES:
            break
        fit += 1
    return fit


def paths(given: Sequence[str]) -> list[str]:
    """Paths of a request as they are kept and told; the last one says how many more there were."""
    told = [path if len(path) <= LONGEST_PATH else f"{path[:LONGEST_PATH]}…" for path in given[:MOST_PATHS]]
    if len(given) <= MOST_PATHS:
        return told
    return [*told[:-1], f"and {len(given) - MOST_PATHS + 1} more"]
