"""The accounts: their keys, how many tasks each may run at once on VOD, and statistics of their calls."""

from collections import Counter, defaultdict
from collections.abc import Mapping

FIGURES = ("creates", "refused", "refused_for_limits", "overflowed", "most_open")


class Accounts:
    """What is known of each account, by its SecretId; keys and limits can be changed at run time."""

    def __init__(self, keys: Mapping[str, str], concurrency: int | None) -> None:
        """`concurrency` is how many VOD tasks an account may run at once; None is unlimited."""
        self._first_keys, self._first_concurrency = dict(keys), concurrency
        self.restore()

    def restore(self) -> None:
        """Return to the keys and limits of the start, and forget all statistics."""
        self.keys = dict(self._first_keys)
        self._concurrency = self._first_concurrency
        self._own_concurrency: dict[str, int | None] = {}
        self.figures: defaultdict[str, Counter[str]] = defaultdict(Counter)

    def concurrency(self, secret_id: str) -> int | None:
        return self._own_concurrency.get(secret_id, self._concurrency)

    def allow(self, concurrency: int | None, secret_id: str | None = None) -> None:
        """Let an account run so many VOD tasks at once; without a SecretId all, whatever they had."""
        if secret_id is not None:
            self._own_concurrency[secret_id] = concurrency
            return
        self._concurrency = concurrency
        self._own_concurrency.clear()

    def names(self) -> list[str]:
        """Return the SecretIds that have a key, and those that calls claimed."""
        return list(dict.fromkeys([*self.keys, *self.figures]))
