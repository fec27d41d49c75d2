"""Time-ordered ids (UUID version 7, RFC 9562)."""

import secrets
import uuid
from datetime import UTC, datetime
from threading import Lock

_RANDOM_BITS = 74
_STEP_BITS = 40
_lock = Lock()
_last = (0, 0)
"""Millisecond and random bits of this process's last id."""


def uuid7(at: datetime) -> uuid.UUID:
    """A UUID that sorts by `at`, to the millisecond; of one process and millisecond, by when it was made."""
    global _last
    with _lock:
        millisecond, bits = _millisecond(at), secrets.randbits(_RANDOM_BITS - 1)
        if millisecond == _last[0]:
            bits = (_last[1] + 1 + secrets.randbits(_STEP_BITS)) % (1 << _RANDOM_BITS)
        _last = millisecond, bits
    return _compose(millisecond, bits)


def first_uuid7(at: datetime) -> uuid.UUID:
    """The lowest UUID of that millisecond, as a bound for ranges of ids."""
    return _compose(_millisecond(at), 0)


def made_at(identity: uuid.UUID) -> datetime:
    """When it was made, to the millisecond."""
    return datetime.fromtimestamp((identity.int >> 80) / 1000, UTC)


def _millisecond(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def _compose(millisecond: int, bits: int) -> uuid.UUID:
    """`bits` are the 74 beside time, version and variant."""
    high, low = bits >> 62, bits & ((1 << 62) - 1)
    return uuid.UUID(int=millisecond << 80 | 0x7 << 76 | high << 64 | 0x2 << 62 | low)
