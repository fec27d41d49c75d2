"""Who sends the requests of a batch: finds their keys, and checks what each key may do."""

from collections.abc import Sequence
from datetime import datetime

from accounts.api.lookup import Found, Wanted, build_key, find_keys
from accounts.models import APIKey
from config.db.prepared import Row
from videos.lane.asked import Asked

_MOST_KNOWN = 10_000


class Keys:
    """Builds keys from their rows, those whose rows have not changed only once. For one thread."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Row, Row, APIKey]] = {}

    def build(self, key: Row, tenant: Row) -> APIKey:
        known = self._known.get(key[0])
        if known is not None and known[0] == key and known[1] == tenant:
            return known[2]
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        built = build_key(key, tenant)
        self._known[key[0]] = key, tenant, built
        return built


def find(batch: Sequence[Asked], now: datetime, wanted: Wanted, keys: Keys) -> list[Found | None]:
    """What is wanted of each request whose key may send it; None for the others."""
    found = find_keys([asked.key for asked in batch], now, wanted, keys.build)
    return [
        one if one and _may_send(asked, one.key, now) else None
        for asked, one in zip(batch, found, strict=True)
    ]


def _may_send(asked: Asked, key: APIKey, now: datetime) -> bool:
    """Whether the view would let the key pass, with no use to record."""
    route = asked.route
    return route.scope in key.scopes and key.allows_address(asked.address) and not key.is_use_due(now)
