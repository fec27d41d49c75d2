"""Time-ordered ids (UUID version 7, RFC 9562). Pure except for the random bits."""

import secrets
import uuid
from datetime import UTC, datetime


def uuid7(at: datetime) -> uuid.UUID:
    """A UUID that sorts by `at`, to the millisecond; the rest is random."""
    return _with_bits(at, secrets.randbits(80))


def first_uuid7(at: datetime) -> uuid.UUID:
    """The lowest UUID of that millisecond, as a bound for ranges of ids."""
    return _with_bits(at, 0)


def made_at(identity: uuid.UUID) -> datetime:
    """When it was made, to the millisecond."""
    return datetime.fromtimestamp((identity.int >> 80) / 1000, UTC)


def _with_bits(at: datetime, bits: int) -> uuid.UUID:
    value = int(at.timestamp() * 1000) << 80 | bits
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return uuid.UUID(int=value)
